"""The work of an update: what came and went in the sources since the last run, and what else it reads."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame, Observation, functions as F

from lakemill.core import changes
from lakemill.core.changes import SourceRows
from lakemill.core.keys import of_keys
from lakemill.core.local import Held
from lakemill.core.near import Near, near
from lakemill.core.weights import came, weigh, went
from lakemill.job import Job
from lakemill.observe.cost import rows_seen
from lakemill.observe.runs import Run
from lakemill.refresh.commit import stage
from lakemill.refresh.judging import Judging, judging
from lakemill.refresh.task import Task

MANY_KEYS = 100_000
"""Where a change touches more keys than this, what is read and computed of them stays on the executors."""
READ_QUICKLY = 32 * 1024 * 1024
"""Tables of no more bytes than this together are read whole as soon as a part of them."""


@dataclass(frozen=True)
class UpdateWork:
    """What an update of a task reads, computes and counts: see `lakemill.kinds.kind.Work`."""

    task: Task
    run: Run
    change: DataFrame
    held: Held

    @property
    def removes(self) -> bool:
        """Whether rows of a source went, or may have."""
        changes, optional = self.task.changes, self.task.mapped.joins.optional
        changed = {at for at, name in enumerate(self.task.job.sources) if changes[name].changes_data}
        return bool(changed & {*optional}) or any(change.removes for change in changes.values())

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Adds the seconds of the body to a stage of the run."""
        return stage(self.run, name)

    def stored(self) -> DataFrame:
        """The target as it was when the plan was made, `_state` included."""
        return self.task.stored()

    def touched(self, keys: DataFrame) -> tuple[DataFrame, Held]:
        """The touched keys, computed and counted, and how to hold what comes of them.

        A small change of a source that others are joined with may touch any number of keys: these are counted before
        they come to the driver.
        """
        joined = len(self.task.job.sources) > 1 and self.held.small
        frame, self.run.keys_touched = (self.held.spread() if joined else self.held).hold(keys)
        if self.run.keys_touched > MANY_KEYS:
            return frame, self.held.spread()
        return (self.held.hold(frame)[0] if joined else frame), self.held

    def near(self, keys: DataFrame, few: bool, sources: bool = True) -> Near:
        """Where these keys lie in the target, and in its sources, if they are few and that spares much reading.

        The ranges stand in the code that Spark generates, which has then to be compiled anew by every update: that
        takes longer than to read some ten megabytes.
        """
        read = self.task.bytes if sources else self.task.bytes_stored
        large = read is None or read > READ_QUICKLY
        return near(keys, tuple(self.task.job.key or ())) if few and large else Near()

    def mapped_now(self, keys: DataFrame, place: Near, few: bool) -> DataFrame:
        """The mapped rows of these keys, of the sources as they are now.

        Where a column of the key is a source's own, only rows of its values are read of that source.
        """
        job, joins = self.task.job, self.task.mapped.joins
        key, frames, whole = job.key or (), [], not job.key
        for at, name in enumerate(job.sources):
            own = {mine: theirs for mine, theirs in joins.told_by(at).items() if mine in key}
            whole = whole or len(own) == len(key)
            rows = self.task.sources[name].rows().alias("r").where(place.of("r", own))
            frames.append(changes.meeting(rows, keys, list(own.items())) if own else rows)
        mapped = job.mapped(*frames)
        return mapped if whole else of_keys(mapped, keys, key, few)


@dataclass(frozen=True)
class Changed:
    """The mapped rows, with `_weight`.   seen: how many rows of the sources changed, once these are computed."""

    judging: Judging
    seen: Callable[[], int] = lambda: 0

    @property
    def rows(self) -> DataFrame:
        """The mapped rows that the target is made of."""
        return self.judging.rows


def mapped_change(task: Task, held: Held) -> Changed:
    """The mapped change. Where several sources are joined, what is read of each is computed and held."""
    if len(task.job.sources) == 1:
        return _of_one(task)
    read = {name: held.hold(_read(task, name)) for name, change in task.changes.items() if change.changes_data}
    sources = _sources(task, {name: frame for name, (frame, _) in read.items()})
    joins, side = task.mapped.joins, partial(_side, held)
    judged = judging(task.job, lambda job: changes.change_of(job, joins, sources, side))
    return Changed(judged, lambda: sum(count for _, count in read.values()))


def _side(held: Held, frame: DataFrame) -> DataFrame:
    """Rows of another source that meet a change, computed: on the driver if they are few.

    A frame that is cached keeps its plan, and what is made of it holds that plan again, once for each place where it
    stands: of a join of eight tables Spark planned for minutes. A frame on the driver has no past.
    """
    kept, rows = held.spread().hold(frame)
    return held.hold(kept)[0] if held.small and rows <= MANY_KEYS else kept


def planned(task: Task) -> DataFrame:
    """The mapped change as it would be read: nothing is computed."""
    if len(task.job.sources) == 1:
        return _of_one(task).rows
    read = {name: _read(task, name) for name, change in task.changes.items() if change.changes_data}
    return changes.change_of(task.job, task.mapped.joins, _sources(task, read), lambda frame: frame)


def _of_one(task: Task) -> Changed:
    name = task.job.sources[0]
    change, seen = _read(task, name), [Observation(), Observation()]
    rows = [F.count(F.lit(1)).alias("rows")]
    frames = [came(change).observe(seen[0], *rows)]
    if task.changes[name].removes:
        frames.append(went(change).observe(seen[1], *rows))

    def mapped(job: Job) -> DataFrame:
        sides = [job.mapped(frame) for frame in frames]
        return weigh(sides[0], sides[1] if len(sides) > 1 else None)

    return Changed(judging(task.job, mapped), lambda: rows_seen(task.target.spark, seen[: len(frames)]))


def _read(task: Task, name: str) -> DataFrame:
    return task.sources[name].changed(task.changes[name])


def _sources(task: Task, read: dict[str, DataFrame]) -> Sequence[SourceRows]:
    """Each source of the job, in its place; one that is named twice is read twice, so that its columns are two."""
    return [_source(task, name, read.get(name)) for name in task.job.sources]


def _source(task: Task, name: str, changed: DataFrame | None) -> SourceRows:
    source, change = task.sources[name], task.changes[name]
    if changed is None:
        return SourceRows(source.rows())
    return SourceRows(source.rows(), changed, source.before(change) if change.kept else None, change.removes)
