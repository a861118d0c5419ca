"""What came and went in a job's sources since its last run, as mapped rows with weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Observation, functions as F

from lakemill.core import changes
from lakemill.core.changes import Source
from lakemill.core.local import Held
from lakemill.core.weights import came, weigh, went
from lakemill.observe.cost import rows_seen
from lakemill.refresh.task import Task


@dataclass(frozen=True)
class Changed:
    """rows: the mapped ones, with `_weight`.   seen: how many rows of the sources changed, once these are computed."""

    rows: DataFrame
    seen: Callable[[], int] = lambda: 0


def change_of(task: Task, held: Held) -> Changed:
    """The mapped change. Where several sources are joined, what is read of each is computed and held."""
    if len(task.job.sources) == 1:
        return _of_one(task)
    found = {name: held.hold(_read(task, name)) for name, change in task.changes.items() if change.changes_data}
    sources = _sources(task, {name: frame for name, (frame, _) in found.items()})
    sides = held.spread()
    rows = changes.change_of(task.job, task.mapped.joins, sources, lambda frame: sides.hold(frame)[0])
    return Changed(rows, lambda: sum(count for _, count in found.values()))


def planned(task: Task) -> DataFrame:
    """The mapped change as it would be read: nothing is computed."""
    if len(task.job.sources) == 1:
        return _of_one(task).rows
    found = {name: _read(task, name) for name, change in task.changes.items() if change.changes_data}
    return changes.change_of(task.job, task.mapped.joins, _sources(task, found), lambda frame: frame)


def _of_one(task: Task) -> Changed:
    name = task.job.sources[0]
    change, seen = _read(task, name), [Observation(), Observation()]
    rows = [F.count(F.lit(1)).alias("rows")]
    added = task.job.mapped(came(change).observe(seen[0], *rows))
    if not task.changes[name].removes:
        return Changed(weigh(added, None), lambda: rows_seen(task.target.spark, seen[:1]))
    removed = task.job.mapped(went(change).observe(seen[1], *rows))
    return Changed(weigh(added, removed), lambda: rows_seen(task.target.spark, seen))


def _read(task: Task, name: str) -> DataFrame:
    change = task.changes[name]
    return task.pins[name].change(change.after, change.by)


def _sources(task: Task, found: dict[str, DataFrame]) -> Sequence[Source]:
    """Each source of the job, in its place; one that is named twice is read twice, so that its columns are two."""
    return [_source(task, name, found.get(name)) for name in task.job.sources]


def _source(task: Task, name: str, found: DataFrame | None) -> Source:
    pin, change = task.pins[name], task.changes[name]
    if found is None:
        return Source(pin.rows())
    return Source(pin.rows(), found, pin.before(change.after) if change.kept else None, change.removes)
