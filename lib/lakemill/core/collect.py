"""Collecting: weighted rows to one row a key, with each value of it and how often it came or went.

Two groupings: by (key, part, value), which cancels what came and went and is where Spark combines before it shuffles;
then by key. One pass serves every part: a row is repeated for each collected part, and what only adds up, or only
needs a best value, rides on the first of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, GroupedData, Window, functions as F

from lakemill.columns import column, null
from lakemill.core.reduction import Reduction
from lakemill.core.weights import WEIGHT
from lakemill.reducers import Collected
from lakemill.reducers.part import COUNT, VALUE

EACH, PART, ROWS, PLACE = "_each", "_part", "_count", "_place"


@dataclass(frozen=True)
class Collecting:
    """What is collected for each key: the parts with their entries, and those of which only the best is sought.

    limited: only as many of the first entries as the part can use; for whole tables, where a key may have millions.
    """

    reduction: Reduction
    parts: Mapping[str, Collected]
    best: Sequence[str] = ()
    limited: bool = False

    def collect(self, weighed: DataFrame) -> DataFrame:
        """One row a key: each total and each best part by its name, `_entries_*` and `_distinct_*` of the others."""
        net = self._net(self._spread(weighed))
        if self.limited and any(part.limit for part in self.parts.values()):
            net = self._placed(net)
        totals = [part.typed(F.sum(column(name))).alias(name) for name, part in self.reduction.totals.items()]
        best = [self._best(name, column(_best(name))).alias(name) for name in self.best]
        return by_key(net, self.reduction.key).agg(*totals, *best, *self._collected(net))

    def _spread(self, weighed: DataFrame) -> DataFrame:
        """Each row once for each part, with the value of that part alone; `_part` is its number."""
        values = {name: part.value.cast(part.type).alias(_value(name)) for name, part in self.parts.items()}
        if len(values) == 1:
            return weighed.select("*", F.lit(0).alias(PART), *values.values())
        each = [
            F.struct(
                F.lit(number).alias(PART),
                *[
                    values[name] if name == own else null(part.type).alias(_value(name))
                    for name, part in self.parts.items()
                ],
            )
            for number, own in enumerate(self.parts)
        ]
        return weighed.select("*", F.explode(F.array(*each)).alias(EACH)).select("*", f"{EACH}.*")

    def _net(self, spread: DataFrame) -> DataFrame:
        """One row for each (key, part, value) that does not cancel; totals and best values with the first part."""
        weight, first = column(WEIGHT), F.col(PART) == 0
        totals = {name: F.sum(F.when(first, part.signed(weight))) for name, part in self.reduction.totals.items()}
        sums = {
            _sum(name, of): F.sum(F.when(weight > 0, value).otherwise(-value))
            for name, part in self.parts.items()
            for of, value in part.sums(column(_value(name))).items()
        }
        best = {_best(name): self._best_of(name, first) for name in self.best}
        groups = [*[column(name) for name in self.reduction.key], F.col(PART), *[column(_value(n)) for n in self.parts]]
        made = {ROWS: F.sum(weight), **totals, **sums, **best}
        net = spread.groupBy(*groups).agg(*[value.alias(name) for name, value in made.items()])
        return net.where(any_not_zero([column(name) for name in (ROWS, *totals, *sums)]))

    def _placed(self, net: DataFrame) -> DataFrame:
        """With the place of each value among those of its key and part."""
        keys = [column(name) for name in self.reduction.key]
        order = [  # NULL is no entry, and must take no place of one
            column(_value(name)).desc_nulls_last() if part.descending else column(_value(name)).asc_nulls_last()
            for name, part in self.parts.items()
        ]
        place = F.row_number().over(Window.partitionBy(*keys, F.col(PART)).orderBy(*order))
        # Rows that are where their key is need not move again for the grouping by key.
        return (net.repartition(*keys) if keys else net).withColumn(PLACE, place)

    def _collected(self, net: DataFrame) -> list[Column]:
        found = []
        for number, (name, part) in enumerate(self.parts.items()):
            sums = {of: column(_sum(name, of)) for of in part.sums(column(_value(name)))}
            there = (F.col(PART) == number) & column(_value(name)).isNotNull()
            there &= any_not_zero([column(ROWS), *sums.values()])
            placed = there & (F.col(PLACE) <= part.limit) if self.limited and part.limit else there
            entry = F.struct(
                column(_value(name)).alias(VALUE), column(ROWS).alias(COUNT), *[v.alias(of) for of, v in sums.items()]
            )
            entries = F.sort_array(F.collect_list(F.when(placed, entry)), asc=not part.descending)
            found += [entries.alias(entries_of(name)), F.count_if(there).alias(distinct_of(name))]
        return found

    def _best_of(self, name: str, first: Column) -> Column:
        part = self.reduction.collected[name]
        found = part.best(F.when(first, part.value))
        assert found is not None
        return found

    def _best(self, name: str, best: Column) -> Column:
        part = self.reduction.collected[name]
        found = part.best(best)
        assert found is not None
        return part.behind(found)


def by_key(frame: DataFrame, key: Sequence[str]) -> GroupedData:
    """Grouped by the key; an empty key is one group, and none where there are no rows."""
    return frame.groupBy(*([column(name) for name in key] or [F.lit(True).alias("_all")]))


def entries_of(name: str) -> str:
    """The column of a part's entries."""
    return f"_entries_{name}"


def distinct_of(name: str) -> str:
    """The column of the number of a part's distinct values."""
    return f"_distinct_{name}"


def any_not_zero(values: Sequence[Column]) -> Column:
    """Whether any of the values is not 0; NULLs are."""
    found = F.lit(False)
    for value in values:
        found = found | F.coalesce(value != 0, F.lit(False))
    return found


def _value(name: str) -> str:
    return f"_value_{name}"


def _sum(name: str, of: str) -> str:
    return f"_sum_{of}_{name}"


def _best(name: str) -> str:
    return f"_best_{name}"
