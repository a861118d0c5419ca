"""One table's run: pin its sources, plan, do the plan in one commit, read the commit back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession, functions as F
from pyspark.sql.types import StructType

from lakemill.core import mapreduce, perkey
from lakemill.core.check import check_job
from lakemill.core.collect import WEIGHT
from lakemill.core.laws import check_laws, strangers
from lakemill.core.local import Held, holding
from lakemill.core.near import near
from lakemill.core.plan import NOTHING, REBUILD, Change, Plan, allowed, decide
from lakemill.core.reduction import Reduction, reduction
from lakemill.core.rowwise import Mapped
from lakemill.core.sample import check_on_sample
from lakemill.errors import CommitLost, CorruptFeed
from lakemill.job import Dump, Job
from lakemill.lake.feed import change_since
from lakemill.lake.files import files_gone
from lakemill.lake.log import Commit
from lakemill.lake.merge import merge_difference, merge_keys, merge_rows
from lakemill.lake.progress import NoProgress, Progress, confirm, lost_race, read_progress, recording
from lakemill.lake.tables import Lake, Pin, Table, append, by_range, create
from lakemill.observe.cost import rows_seen
from lakemill.observe.runs import Run
from lakemill.reducers import PerKey

DRIVER_BYTES = 4 * 1024 * 1024
"""A change whose feed is larger than this (some 300,000 rows in Parquet) is not brought to the driver."""


@dataclass
class World:
    """Where runs happen: the lake, the landing, the lock files, and the versions that this run has pinned."""

    lake: Lake
    landing: str
    locks: Path
    pins: dict[str, Pin] = field(default_factory=dict)
    _maps: dict[str, tuple[Job, dict[str, StructType], Mapped]] = field(default_factory=dict)

    @property
    def spark(self) -> SparkSession:
        """The session of this run."""
        return self.lake.spark

    def pin(self, name: str) -> Pin:
        """A source's version: the same for every job of the run, or what this run has made."""
        if name not in self.pins:
            self.pins[name] = self.lake.table(name).pin()
        return self.pins[name]

    def check(self, job: Job, sources: dict[str, StructType]) -> Mapped:
        """The job's checked map; checked once for as long as its sources' columns stay."""
        known = self._maps.get(job.target)
        if known is None or known[0] is not job or known[1] != sources:
            known = self._maps[job.target] = (job, sources, check_job(self.spark, job, sources))
        return known[2]


@dataclass(frozen=True)
class Task:
    """What is known of a table before anything runs."""

    job: Job
    target: Table
    target_version: int
    pins: Mapping[str, Pin]
    mapped: Mapped
    progress: Progress | NoProgress
    changes: Mapping[str, Change]
    plan: Plan

    @property
    def is_new(self) -> bool:
        """Whether the target was not made by this definition yet: what is the user's own is then tried first."""
        return isinstance(self.progress, NoProgress) or self.progress.fingerprint != self.mapped.fingerprint

    @cached_property
    def reduction(self) -> Reduction:
        """How a keyed job reduces."""
        return reduction(self.job, self.mapped.schema)

    def stored(self) -> DataFrame:
        """The target as it was when the plan was made, `_state` included."""
        return self.target.full(self.target_version)

    def next_progress(self) -> Progress:
        """What the commit of this run is to record."""
        versions = {name: pin.version for name, pin in self.pins.items()}
        ids = {name: pin.table_id for name, pin in self.pins.items()}
        kind, reason = self.plan.kind, self.plan.reason
        return Progress(self.progress.run + 1, versions, ids, self.mapped.fingerprint, kind, reason)


def prepare(world: World, job: Job, policy: str) -> Task:
    """Pin the sources, check the job against them, and plan; reads logs only. For jobs that read tables."""
    pins = {name: world.pin(name) for name in job.sources}
    mapped = world.check(job, {name: pin.schema for name, pin in pins.items()})
    if not job.appends and not isinstance(job.reduce, PerKey):
        reduction(job, mapped.schema)
    target = world.lake.table(job.target)
    log = target.log()
    progress = read_progress(log, job.target)
    changes: dict[str, Change] = {}
    if isinstance(progress, NoProgress):
        plan = allowed(job, policy, Plan(REBUILD, progress.reason, progress.detail))
    else:
        changes = {name: change_since(pin, progress) for name, pin in pins.items()}
        changed = progress.fingerprint != mapped.fingerprint
        plan = decide(job, policy, changes, changed, bool(mapped.outer_joins))
    return Task(job, target, log.version, pins, mapped, progress, changes, plan)


def refresh(world: World, job: Job, policy: str, run: Run) -> None:
    """Bring one table up to date and say in `run` what was done; the caller holds the table's lock."""
    assert not isinstance(job.source, Dump)
    with stage(run, "plan"):
        task = prepare(world, job, policy)
    run.plan, run.reason, run.detail = task.plan.kind, task.plan.reason, task.plan.detail
    run.versions = {name: pin.version for name, pin in task.pins.items()}
    run.version = task.target_version
    if task.plan.kind != NOTHING:
        _work(task, policy, run)
    world.pins.pop(job.target, None)


def _work(task: Task, policy: str, run: Run) -> None:
    try:
        if isinstance(task.job.reduce, PerKey):
            work = _rebuild_per_key if task.plan.kind == REBUILD else _update_per_key
        else:
            work = _rebuild if task.plan.kind == REBUILD else _append_change if task.job.appends else _update
        work(task, run)
    except (PySparkException, Py4JJavaError) as error:
        if task.plan.kind == REBUILD or not files_gone(error):
            raise
        detail = f"{', '.join(task.job.sources)}: files of its change feed are gone (VACUUM)"
        plan = allowed(task.job, policy, Plan(REBUILD, "FEED_EXPIRED", detail))
        run.plan, run.reason, run.detail = plan.kind, plan.reason, plan.detail
        (_rebuild_per_key if isinstance(task.job.reduce, PerKey) else _rebuild)(replace(task, plan=plan), run)


def commit(target: Table, planned: int, progress: Progress, run: Run, write: Callable[[], None]) -> None:
    """Write with the progress, read the commit back, and put what it cost into `run`.

    `planned`: the target's version that the plan was made from.
    """
    with stage(run, "write"):
        try:
            with recording(target.spark, target.name, progress):
                write()
        except Exception as error:
            if not lost_race(error):
                raise
            raise CommitLost(
                f"{target.name}: another process committed to it meanwhile; nothing of this run was written. Run again."
            ) from error
        done = confirm(target.log(), target.name, progress, planned)
    _measure(run, done)


def _rebuild(task: Task, run: Run) -> None:
    job, target = task.job, task.target
    frames = [task.pins[name].rows() for name in job.sources]
    with stage(run, "count"):
        run.rows_in = sum(frame.count() for frame in frames)
    mapped = job.mapped(*frames)
    if task.is_new:
        check_laws(job, mapped)
    rows = mapped if job.appends else mapreduce.target_rows(mapreduce.totals(mapped, task.reduction), task.reduction)
    key = task.job.key or ()

    def write() -> None:
        if not job.appends and _same_columns(target, rows) and target.has_one_row_a(key):
            merge_difference(target, rows, key)
        else:
            create(target, by_range(rows, key, run.rows_in or 0))

    commit(target, task.target_version, task.next_progress(), run, write)
    run.keys_touched = None if job.appends else run.rows_out


def _same_columns(target: Table, rows: DataFrame) -> bool:
    """Whether the table has these names and types; what may be NULL does not matter."""
    log = target.log()
    return log.exists and log.schema.simpleString() == rows.schema.simpleString()


def _append_change(task: Task, run: Run) -> None:
    weighed, observed = change_of(task)
    rows, target = weighed.drop(WEIGHT), task.target
    commit(target, task.target_version, task.next_progress(), run, lambda: append(target, rows))
    run.rows_in = rows_seen(target.spark, observed)


def _update(task: Task, run: Run) -> None:
    key = task.reduction.key
    with holding(sum(change.feed_bytes for change in task.changes.values()) <= DRIVER_BYTES) as held:
        with stage(run, "change"):
            weighed, observed = change_of(task)
            if strangers(task.job) and task.stored().isEmpty():  # it was made from no rows, so nothing was tried on any
                check_laws(task.job, weighed.where(F.col(WEIGHT) > 0).drop(WEIGHT))
            deltas, run.keys_touched = held.hold(mapreduce.delta(weighed, task.reduction))
            run.rows_in = rows_seen(task.target.spark, observed)
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


def _rebuild_per_key(task: Task, run: Run) -> None:
    job, target = task.job, task.target
    assert isinstance(job.reduce, PerKey)
    frames = [task.pins[name].rows() for name in job.sources]
    with stage(run, "count"):
        run.rows_in = sum(frame.count() for frame in frames)
    mapped = job.mapped(*frames)
    if task.is_new:
        with stage(run, "check"):
            check_on_sample(job, mapped)
    rows = job.reduce.rows(mapped)

    def write() -> None:
        if _same_columns(target, rows):
            merge_rows(target, held.hold(perkey.difference(task.stored(), rows))[0], F.lit(True))
        else:
            create(target, by_range(rows, job.key or (), run.rows_in or 0))

    with holding(False) as held:
        commit(target, task.target_version, task.next_progress(), run, write)


def _update_per_key(task: Task, run: Run) -> None:
    job, target, key = task.job, task.target, task.job.key or ()
    assert isinstance(job.reduce, PerKey)
    small = sum(change.feed_bytes for change in task.changes.values()) <= DRIVER_BYTES
    # A key may have any number of rows: its keys may be few enough for the driver, and its rows not.
    with holding(small) as keys, holding(False) as rows:
        with stage(run, "change"):
            weighed, observed = change_of(task)
            touched, run.keys_touched = keys.hold(perkey.touched_keys(weighed, key))
            run.rows_in, run.keys_recomputed = rows_seen(target.spark, observed), run.keys_touched
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


def change_of(task: Task) -> tuple[DataFrame, list[Observation]]:
    """The change of the one source, mapped and weighed, with a count of the rows that it reads."""
    change = task.changes[task.job.sources[0]]
    added, removed = task.pins[change.source].feed(change.after)
    seen = [Observation(), Observation()] if change.removes else [Observation()]
    mapped = [
        task.job.mapped(frame.observe(each, F.count(F.lit(1)).alias("rows")))
        for frame, each in zip((added, removed), seen, strict=False)
    ]
    return mapreduce.weigh(mapped[0], mapped[1] if change.removes else None), seen


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


@contextmanager
def stage(run: Run, name: str) -> Iterator[None]:
    """Add the seconds of the body to a stage of the run."""
    began = monotonic()
    try:
        yield
    finally:
        run.stages[name] = round(run.stages.get(name, 0.0) + monotonic() - began, 3)


def _measure(run: Run, done: Commit) -> None:
    """What Delta said of the commit."""
    said: dict[str, Any] = done.info.get("operationMetrics") or {}
    run.version = done.version

    def total(*names: str) -> int:
        return sum(int(said.get(name, 0)) for name in names)

    if done.info.get("operation") == "MERGE":
        run.rows_out = total("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted")
        run.rows_rewritten, run.files_rewritten = total("numTargetRowsCopied"), total("numTargetFilesRemoved")
        run.bytes_written = total("numTargetBytesAdded")
    else:
        run.rows_out, run.bytes_written = total("numOutputRows"), total("numOutputBytes")
        run.rows_rewritten, run.files_rewritten = 0, total("numRemovedFiles")
