"""Update: the target brought up to date from the change alone, at a cost that follows it."""

from pyspark.sql import DataFrame, functions as F

from lakemill.core import mapreduce, perkey, plan
from lakemill.core.laws import check_laws, strangers
from lakemill.core.local import Held, holding
from lakemill.core.near import near
from lakemill.core.weights import WEIGHT, came
from lakemill.errors import CorruptFeed
from lakemill.lake.merge import merge_keys, merge_rows
from lakemill.lake.tables import append
from lakemill.observe.runs import Run
from lakemill.reducers import PerKey
from lakemill.refresh.change import change_of
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.task import Task


def update(task: Task, run: Run) -> None:
    """Apply the change of the job's sources to its target."""
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
    key = task.reduction.key
    with holding(_is_small(task)) as held:
        with stage(run, "change"):
            change = change_of(task, held)
            if strangers(task.job) and task.stored().isEmpty():  # it was made from no rows, so nothing was tried on any
                check_laws(task.job, came(change.rows))
            deltas, run.keys_touched = held.hold(mapreduce.delta(change.rows, task.reduction))
            run.rows_in = change.seen()
        with stage(run, "touched"):
            where = near(deltas, key, "t") if held.small else F.lit(True)
            stored = task.stored().alias("t").where(where)
            old, _ = held.hold(mapreduce.of_keys(stored, deltas, task.reduction, held.small))
            advanced, _ = held.hold(mapreduce.advance(deltas, old, task.reduction))
            _refuse_negative(task, advanced)
        with stage(run, "recompute"):
            parts = _recomputed(task, advanced, run, held)
        rows, target = mapreduce.target_rows(parts, task.reduction, with_gone=True), task.target
        if held.small:  # else each clause of the MERGE would hold every column's whole expression
            rows, _ = held.hold(rows)
        commit(target, task.target_version, task.next_progress(), run, lambda: merge_keys(target, rows, key, where))


def _per_key(task: Task, run: Run) -> None:
    job, target, key = task.job, task.target, task.job.key or ()
    assert isinstance(job.reduce, PerKey)
    small = _is_small(task)
    # A key may have any number of rows: its keys may be few enough for the driver, and its rows not.
    with holding(small) as keys, holding(False) as rows:
        with stage(run, "change"):
            change = change_of(task, keys)
            touched, run.keys_touched = keys.hold(perkey.touched_keys(change.rows, key))
            run.rows_in, run.keys_recomputed = change.seen(), run.keys_touched
        with stage(run, "recompute"):
            where = near(touched, tuple(key), "t") if small else F.lit(True)
            mapped = job.mapped(*[task.pins[name].rows() for name in job.sources])
            old, new = [perkey.of_keys(f.alias("t").where(where), touched, key, small) for f in (task.stored(), mapped)]
            made = job.reduce.rows(new)
            if not run.keys_touched:  # of no rows at all a function may still give some
                old, made = old.limit(0), made.limit(0)
            changed, _ = rows.hold(perkey.difference(old, made))
            perkey.check_keys(job, changed, touched, small)
        commit(target, task.target_version, task.next_progress(), run, lambda: merge_rows(target, changed, where))


def _is_small(task: Task) -> bool:
    """Whether the change may come to the driver."""
    return sum(change.feed_bytes for change in task.changes.values()) <= plan.SMALL_BYTES


def _recomputed(task: Task, advanced: DataFrame, run: Run, held: Held) -> DataFrame:
    """The touched keys' parts, those that a removal left unknown recomputed from the source as it is now."""
    run.keys_recomputed = 0
    if not task.reduction.collected:
        return advanced.drop(mapreduce.AT_RISK)
    risky, run.keys_recomputed = held.hold(advanced.where(mapreduce.AT_RISK))
    if not run.keys_recomputed:
        return advanced.drop(mapreduce.AT_RISK)
    mapped = task.job.mapped(*[task.pins[name].rows() for name in task.job.sources])
    rows = mapreduce.of_keys(mapped, risky, task.reduction, held.small)
    parts = mapreduce.totals(rows, task.reduction, complete=True)
    return mapreduce.settle(advanced, held.hold(parts)[0], task.reduction)


def _refuse_negative(task: Task, advanced: DataFrame) -> None:
    """A key of less than no rows, or of a value less than none, is a damaged feed; it is never clamped."""
    wrong = mapreduce.overdrawn(advanced, task.reduction).limit(1).collect()
    if wrong:
        key = ", ".join(f"{name}={wrong[0][name]}" for name in task.reduction.key) or "the whole table"
        raise CorruptFeed(
            f"{task.target.name}: the change feed of {', '.join(task.job.sources)} takes away rows of {key} that were "
            f"not there ({mapreduce.lack(wrong[0], task.reduction)}). Nothing was written. Look at the source; "
            f"`lakemill run {task.target.name} --policy rebuild` makes the table anew from it."
        )
