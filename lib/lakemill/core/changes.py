"""The change of a map's result from the changes of its sources: DataFrames in, weighted DataFrames out.

f(new) - f(old) is the sum, over the sources that changed, of the map with the change of that source beside the new rows
of the sources before it and the old rows of those after it. Beside the change of one source, of another only the rows
count that meet it by the columns that join them; those are found first, so that a join is as large as the change.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame, functions as F

from lakemill.columns import column, quoted
from lakemill.core.joins import Joins
from lakemill.core.local import empty
from lakemill.core.weights import WEIGHT, came, less, went
from lakemill.job import Job

Hold = Callable[[DataFrame], DataFrame]
"""Computes a frame once, for those that are used several times."""


@dataclass(frozen=True)
class Source:
    """One source of a job.   new: its rows now.   change: what came and went, with `_weight`; None if nothing did.

    old: its rows before, where they can be read; else they are the new ones less the change.   removes: whether rows
    went.
    """

    new: DataFrame
    change: DataFrame | None = None
    old: DataFrame | None = None
    removes: bool = True


def change_of(job: Job, joins: Joins, sources: Sequence[Source], hold: Hold) -> DataFrame:
    """The mapped rows that came and went, with `_weight`; some may cancel."""
    changed = [at for at, source in enumerate(sources) if source.change is not None]
    found = [part for at in changed for part in _Beside(job, joins, sources, at, hold).change()]
    if not found:
        nothing = job.mapped(*[empty(source.new.sparkSession, source.new.schema) for source in sources])
        return nothing.withColumn(WEIGHT, F.lit(1))
    return reduce(DataFrame.unionAll, found)


@dataclass(frozen=True)
class _Beside:
    """One source's change, beside the rows of the others that meet it."""

    job: Job
    joins: Joins
    sources: Sequence[Source]
    at: int
    hold: Hold

    def change(self) -> Iterator[DataFrame]:
        """The map's change by this source: what comes of it, weighed 1, and what goes, -1."""
        others = dict(self._others())
        for rows, weight in self._sides():
            frames = [_anew(rows if at == self.at else others[at]) for at in range(len(self.sources))]
            yield self.job.mapped(*frames).withColumn(WEIGHT, F.lit(weight))

    @property
    def source(self) -> Source:
        """The one that changed."""
        return self.sources[self.at]

    @property
    def changed(self) -> DataFrame:
        """What of it came and went."""
        assert self.source.change is not None
        return self.source.change

    def _sides(self) -> Iterator[tuple[DataFrame, int]]:
        if self.at in self.joins.optional:
            # Other rows do without it: all that the change's columns find, now and before.
            found_by = [(name, name) for name in self.joins.found_by(self.at)]
            now = self.hold(meeting(self.source.new, self.changed, found_by))
            yield now, 1
            yield self.hold(less(now, self.changed)), -1
            return
        yield came(self.changed), 1
        if self.source.removes:
            yield went(self.changed), -1

    def _others(self) -> Iterator[tuple[int, DataFrame]]:
        """The rows of each other source to send beside the change."""
        met = {self.at: self.changed}
        for link in self.joins.path(self.at):
            met[link.other] = self.hold(self._met(link.other, met[link.one], link.columns))
        beside = self.joins.beside(self.at)
        for at, other in enumerate(self.sources):
            if at not in beside:
                yield at, empty(other.new.sparkSession, other.new.schema)
            elif at != self.at:
                yield at, met[at] if at in met else self._whole(at)

    def _met(self, at: int, by: DataFrame, columns: Sequence[tuple[str, str]]) -> DataFrame:
        other = self.sources[at]
        rows = meeting(other.new, by, columns)
        if at < self.at or other.change is None:
            return rows
        return less(rows, meeting(other.change, by, columns))

    def _whole(self, at: int) -> DataFrame:
        other = self.sources[at]
        if at < self.at or other.change is None:
            return other.new
        return other.old if other.old is not None else less(other.new, other.change)


def meeting(rows: DataFrame, by: DataFrame, columns: Sequence[tuple[str, str]]) -> DataFrame:
    """The rows that meet one of `by` in each pair of columns, its own first. NULL meets NULL."""
    keys = by.select(*[column(mine).alias(f"_value_{at}") for at, (mine, _) in enumerate(columns)]).distinct()
    pairs = [F.col(f"r.{quoted(theirs)}").eqNullSafe(F.col(f"b._value_{at}")) for at, (_, theirs) in enumerate(columns)]
    met = reduce(lambda one, other: one & other, pairs)
    return rows.alias("r").join(keys.alias("b"), met, "left_semi")


def _anew(rows: DataFrame) -> DataFrame:
    """The same rows, in columns that Spark cannot take for those of another frame which was made from the same rows.

    Otherwise it calls a map's `one["x"]` ambiguous, where the change is in the frames of both sides of a join.
    """
    return rows.select(*[column(name).alias(name) for name in rows.columns])
