"""Update: the target brought up to date from the change alone, at a cost that follows it."""

from pyspark.sql import DataFrame

from lakemill.core import bags, changes, mapreduce
from lakemill.core.local import Held, holding
from lakemill.core.near import Near, near
from lakemill.core.weights import WEIGHT
from lakemill.errors import CorruptFeed, row_text
from lakemill.lake.merge import merge_keys, merge_rows
from lakemill.lake.tables import append
from lakemill.observe.runs import Run
from lakemill.reducers import PerKey
from lakemill.refresh.change import change_of
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.plan import is_small
from lakemill.refresh.task import Task
from lakemill.refresh.trial import is_untried, try_own

MANY_KEYS = 100_000
"""More touched keys than this stay on the executors."""


def update(task: Task, run: Run) -> None:
    """Apply the change of the job's sources to its target."""
    if is_untried(task):
        with stage(run, "check"):
            frames = [task.pins[name].rows() for name in task.job.sources]
            try_own(task, frames, task.job.mapped(*frames))
    if isinstance(task.job.reduce, PerKey):
        _per_key(task, run)
    elif task.job.appends:
        _append(task, run)
    else:
        _keyed(task, run)


def _append(task: Task, run: Run) -> None:
    with holding(_is_small(task)) as held:
        change, target = change_of(task, held), task.target
        rows = change.rows.drop(WEIGHT)
        commit(target, task.target_version, task.next_progress(), run, lambda: append(target, rows))
        run.rows_in = change.seen()


def _keyed(task: Task, run: Run) -> None:
    target, key = task.target, task.reduction.key
    with holding(_is_small(task)) as held:
        with stage(run, "change"):
            change = change_of(task, held)
            deltas, run.keys_touched, held = _touched(task, mapreduce.delta(change.rows, task.reduction), held)
            run.rows_in = change.seen()
        with stage(run, "touched"):
            place = near(deltas, key) if held.small else Near()
            stored = task.stored().alias("t").where(place.of("t"))
            old, _ = held.hold(mapreduce.of_keys(stored, deltas, key, held.small))
            advanced, _ = held.hold(mapreduce.advance(deltas, old, task.reduction))
            _refuse_negative(task, advanced)
        with stage(run, "recompute"):
            parts = _recomputed(task, advanced, place, run, held)
        rows = mapreduce.target_rows(parts, task.reduction, with_gone=True)
        if held.small:  # else each clause of the MERGE would hold every column's whole expression
            rows, _ = held.hold(rows)
        progress = task.next_progress()
        commit(target, task.target_version, progress, run, lambda: merge_keys(target, rows, key, place.of("t")))


def _per_key(task: Task, run: Run) -> None:
    job, target, key = task.job, task.target, task.job.key or ()
    assert isinstance(job.reduce, PerKey)
    with holding(_is_small(task)) as keys:
        with stage(run, "change"):
            change = change_of(task, keys)
            touched, run.keys_touched, keys = _touched(task, bags.touched_keys(change.rows, key), keys)
            run.rows_in, run.keys_recomputed = change.seen(), run.keys_touched
        with stage(run, "recompute"):
            place = near(touched, tuple(key)) if keys.small else Near()
            stored = task.stored().alias("t").where(place.of("t"))
            old = mapreduce.of_keys(stored, touched, key, keys.small) if key else stored
            made = job.reduce.rows(_mapped_now(task, touched, place, keys.small))
            if not run.keys_touched:  # of no rows at all a function may still give some
                old, made = old.limit(0), made.limit(0)
            # A key may have any number of rows: its keys may be few enough for the driver, and its rows not.
            changed, _ = keys.spread().hold(bags.difference(old, made))
            bags.check_keys(job, changed, touched, keys.small)
        progress = task.next_progress()
        commit(target, task.target_version, progress, run, lambda: merge_rows(target, changed, place.of("t")))


def _is_small(task: Task) -> bool:
    """Whether the change may come to the driver."""
    return is_small(task.changes.values())


def _touched(task: Task, keys: DataFrame, held: Held) -> tuple[DataFrame, int, Held]:
    """The touched keys, computed, how many they are, and how to hold what comes of them.

    A small change of a source that others are joined with may touch any number of keys.
    """
    if len(task.job.sources) == 1 or not held.small:
        return *held.hold(keys), held
    found, count = held.spread().hold(keys)
    if count > MANY_KEYS:
        return found, count, held.spread()
    return *held.hold(found), held


def _mapped_now(task: Task, keys: DataFrame, place: Near, few: bool) -> DataFrame:
    """The mapped rows of these keys, of the sources as they are now.

    Where a column of the key is a source's own, only rows of its values are read of that source.
    """
    key, frames, whole = task.job.key or (), [], not task.job.key
    for at, name in enumerate(task.job.sources):
        own = {mine: its for mine, its in task.mapped.joins.told_by(at).items() if mine in key}
        whole = whole or len(own) == len(key)
        rows = task.pins[name].rows().alias("r").where(place.of("r", own))
        frames.append(changes.meeting(rows, keys, list(own.items())) if own else rows)
    mapped = task.job.mapped(*frames)
    return mapped if whole else mapreduce.of_keys(mapped, keys, key, few)


def _recomputed(task: Task, advanced: DataFrame, place: Near, run: Run, held: Held) -> DataFrame:
    """The touched keys' parts, those that a removal left unknown recomputed from the source as it is now."""
    run.keys_recomputed = 0
    if not task.reduction.collected:
        return advanced.drop(mapreduce.AT_RISK)
    risky, run.keys_recomputed = held.hold(advanced.where(mapreduce.AT_RISK))
    if not run.keys_recomputed:
        return advanced.drop(mapreduce.AT_RISK)
    parts = mapreduce.totals(_mapped_now(task, risky, place, held.small), task.reduction, complete=True)
    return mapreduce.settle(advanced, held.hold(parts)[0], task.reduction)


def _refuse_negative(task: Task, advanced: DataFrame) -> None:
    """A key of less than no rows, or of a value less than none, is a damaged feed; it is never clamped."""
    wrong = mapreduce.overdrawn(advanced, task.reduction).limit(1).collect()
    if wrong:
        key = row_text({name: wrong[0][name] for name in task.reduction.key})
        raise CorruptFeed(
            f"{task.target.name}: the change feed of {', '.join(task.job.sources)} takes away rows of {key} that were "
            f"not there ({mapreduce.lack(wrong[0], task.reduction)}). Nothing was written. Look at the source; "
            f"`lakemill run {task.target.name} --policy rebuild` makes the table anew from it."
        )
