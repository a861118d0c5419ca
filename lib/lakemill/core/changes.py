"""The change of a map's result, from the changes of its sources: DataFrames in, weighted DataFrames out.

The map of the new sources less the map of the old ones is a sum over the sources that changed. Each summand is the map
of one source's change, beside the new rows of the sources before it and the old rows of those after it. Beside a change
only those rows of another source count that meet it by the columns that join them. They are looked up first, so that a
join is as large as the change.
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
"""Computes a frame once; for those that are used several times."""


@dataclass(frozen=True)
class SourceRows:
    """The rows of one source of a job.

    new: the rows as they are now.   change: the rows that came and went, with `_weight`; None where none did.
    old: the rows as they were; None where that version can't be read, and they are the new ones less the change.
    removes: whether any rows went.
    """

    new: DataFrame
    change: DataFrame | None = None
    old: DataFrame | None = None
    removes: bool = True


def change_of(job: Job, joins: Joins, sources: Sequence[SourceRows], hold: Hold) -> DataFrame:
    """The mapped rows that came and went, with `_weight`. Some of them may cancel."""
    changed = [at for at, source in enumerate(sources) if source.change is not None]
    summands = [rows for at in changed for rows in _Summand(job, joins, sources, at, hold).rows()]
    if not summands:
        nothing = job.mapped(*[empty(source.new.sparkSession, source.new.schema) for source in sources])
        return nothing.withColumn(WEIGHT, F.lit(1))
    return reduce(DataFrame.unionAll, summands)


@dataclass(frozen=True)
class _Summand:
    """The map of the change of the source at place `at`, beside the rows of the other sources."""

    job: Job
    joins: Joins
    sources: Sequence[SourceRows]
    at: int
    hold: Hold

    def rows(self) -> Iterator[DataFrame]:
        """The mapped rows of what came, weighed 1, and of what went, weighed -1."""
        others = dict(self._others())
        for own, weight in self._sides():
            frames = [_anew(own if at == self.at else others[at]) for at in range(len(self.sources))]
            yield self.job.mapped(*frames).withColumn(WEIGHT, F.lit(weight))

    @property
    def _change(self) -> DataFrame:
        change = self.sources[self.at].change
        assert change is not None
        return change

    def _sides(self) -> Iterator[tuple[DataFrame, int]]:
        """The rows of the source itself to send through the map, with the weight of what comes of them."""
        if self.at in self.joins.optional:
            # Rows of the others stay without a row of this source, with NULLs in its place. So the map of the change
            # alone is not the change: the map with all rows that the change can meet, now and before, is compared.
            columns = [(name, name) for name in self.joins.found_by(self.at)]
            now = self.hold(meeting(self.sources[self.at].new, self._change, columns))
            yield now, 1
            yield self.hold(less(now, self._change)), -1
            return
        yield came(self._change), 1
        if self.sources[self.at].removes:
            yield went(self._change), -1

    def _others(self) -> Iterator[tuple[int, DataFrame]]:
        """The rows of each other source to send beside the change, by its place."""
        met = {self.at: self._change}
        for link in self.joins.path(self.at):
            met[link.right] = self.hold(self._met(link.right, met[link.left], link.columns))
        beside = self.joins.beside(self.at)
        for at, source in enumerate(self.sources):
            if at not in beside:
                # In a union's other branch, its rows would come of both sides of the change, and cancel: for nothing.
                yield at, empty(source.new.sparkSession, source.new.schema)
            elif at != self.at:
                yield at, met[at] if at in met else self._whole(at)

    def _met(self, at: int, by: DataFrame, columns: Sequence[tuple[str, str]]) -> DataFrame:
        """The rows of another source that meet `by`: as they are now for sources before this one, else as they were."""
        source = self.sources[at]
        rows = meeting(source.new, by, columns)
        if at < self.at or source.change is None:
            return rows
        return less(rows, meeting(source.change, by, columns))

    def _whole(self, at: int) -> DataFrame:
        """All rows of another source, of the same time as `_met` has."""
        source = self.sources[at]
        if at < self.at or source.change is None:
            return source.new
        return source.old if source.old is not None else less(source.new, source.change)


def meeting(rows: DataFrame, by: DataFrame, columns: Sequence[tuple[str, str]]) -> DataFrame:
    """The rows that have the values of a row of `by`; columns: pairs of a column of `by` and one of the rows.

    NULL meets NULL. The map's own join may match less (its `==` matches no NULL); a row too many is dropped by it, a
    row too few would be missing.
    """
    keys = by.select(*[column(mine).alias(f"_value_{at}") for at, (mine, _) in enumerate(columns)]).distinct()
    pairs = [F.col(f"r.{quoted(theirs)}").eqNullSafe(F.col(f"b._value_{at}")) for at, (_, theirs) in enumerate(columns)]
    met = reduce(lambda left, right: left & right, pairs)
    return rows.alias("r").join(keys.alias("b"), met, "left_semi")


def _anew(rows: DataFrame) -> DataFrame:
    """The same rows under new column ids, which Spark can't take for those of another frame of the same rows.

    Spark knows a column by the id it got where it was first read. Where both sides of a join were made from the same
    change, both have the same ids, and Spark refuses a map's `sales["product"]` as ambiguous. An alias, even of the
    same name, has an id of its own.
    """
    return rows.select(*[column(name).alias(name) for name in rows.columns])
