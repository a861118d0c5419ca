"""Collecting: from weighted rows to one row a key, with each value that it has and how often that came or went.

There are two groupings. The first, by (key, part, value), adds up the weights of equal values: what came and went is
gone before anything is listed, and Spark combines it on each machine before rows move. The second, by key, lists the
values that are left. With the second alone, the list of a key would hold every row of it, on one machine.

One pass serves all parts: a row is repeated for each collected part, and the totals and best values, which need no
list, are taken from the copy for the first part only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window, functions as F

from lakemill.columns import any_not_zero, column, null
from lakemill.core.keys import by_key
from lakemill.core.reduction import Reduction
from lakemill.core.weights import WEIGHT
from lakemill.reducers import Collected
from lakemill.reducers.part import COUNT, VALUE

COPY, PART, NET_COUNT, RANK = "_each", "_part", "_count", "_place"


@dataclass(frozen=True)
class Collecting:
    """What is collected for each key: the parts with their entries, and those of which only the best is sought.

    limited: only as many of the first entries are collected as the part can use; for whole tables, where a key may
    have millions of values.
    """

    reduction: Reduction
    parts: Mapping[str, Collected]
    best: Sequence[str] = ()
    limited: bool = False

    def collect(self, weighed: DataFrame) -> DataFrame:
        """One row a key: each total and each best part by its name, `_entries_*` and `_distinct_*` of the others."""
        net = self._net(self._copies(weighed))
        if self.limited and any(part.limit for part in self.parts.values()):
            net = self._ranked(net)
        totals = [part.typed(F.sum(column(name))).alias(name) for name, part in self.reduction.totals.items()]
        best = [self._best_of_key(name).alias(name) for name in self.best]
        return by_key(net, self.reduction.key).agg(*totals, *best, *self._lists())

    def _copies(self, weighed: DataFrame) -> DataFrame:
        """Each row once for each part, with the value of that part alone; `_part` is the number of the part."""
        values = {name: part.value.cast(part.type).alias(_value(name)) for name, part in self.parts.items()}
        if len(values) == 1:
            return weighed.select("*", F.lit(0).alias(PART), *values.values())
        copies = [
            F.struct(
                F.lit(number).alias(PART),
                *[
                    values[name] if name == own else null(part.type).alias(_value(name))
                    for name, part in self.parts.items()
                ],
            )
            for number, own in enumerate(self.parts)
        ]
        return weighed.select("*", F.explode(F.array(*copies)).alias(COPY)).select("*", f"{COPY}.*")

    def _net(self, copies: DataFrame) -> DataFrame:
        """One row for each (key, part, value) that does not cancel; the first part's also have totals and best values.

        A value whose count cancels stays where a further sum of it, or a total, does not: one of two rows with the
        same value, but not the same amount, may have gone while the other came.
        """
        weight, first = column(WEIGHT), F.col(PART) == 0
        totals = {name: F.sum(F.when(first, part.signed(weight))) for name, part in self.reduction.totals.items()}
        sums = {
            _sum(name, of): F.sum(F.when(weight > 0, value).otherwise(-value))
            for name, part in self.parts.items()
            for of, value in part.sums(column(_value(name))).items()
        }
        best = {_best(name): self._best_of_value(name, first) for name in self.best}
        groups = [*[column(name) for name in self.reduction.key], F.col(PART), *[column(_value(n)) for n in self.parts]]
        aggregates = {NET_COUNT: F.sum(weight), **totals, **sums, **best}
        net = copies.groupBy(*groups).agg(*[value.alias(name) for name, value in aggregates.items()])
        return net.where(any_not_zero([column(name) for name in (NET_COUNT, *totals, *sums)]))

    def _ranked(self, net: DataFrame) -> DataFrame:
        """The same rows, each with the rank of its value among those of its key and part."""
        keys = [column(name) for name in self.reduction.key]
        order = [  # A NULL is no entry. Were it first, it would take the rank of one, and the last entry be left out.
            column(_value(name)).desc_nulls_last() if part.descending else column(_value(name)).asc_nulls_last()
            for name, part in self.parts.items()
        ]
        rank = F.row_number().over(Window.partitionBy(*keys, F.col(PART)).orderBy(*order))
        # Rows that lie with the others of their key need not move again for the grouping by key.
        return (net.repartition(*keys) if keys else net).withColumn(RANK, rank)

    def _lists(self) -> list[Column]:
        """The aggregates of a key: for each part its sorted entries, and how many distinct values there are."""
        lists = []
        for number, (name, part) in enumerate(self.parts.items()):
            sums = {of: column(_sum(name, of)) for of in part.sums(column(_value(name)))}
            is_entry = (F.col(PART) == number) & column(_value(name)).isNotNull()
            is_entry &= any_not_zero([column(NET_COUNT), *sums.values()])
            is_listed = is_entry & (F.col(RANK) <= part.limit) if self.limited and part.limit else is_entry
            entry = F.struct(
                column(_value(name)).alias(VALUE),
                column(NET_COUNT).alias(COUNT),
                *[value.alias(of) for of, value in sums.items()],
            )
            entries = F.sort_array(F.collect_list(F.when(is_listed, entry)), asc=not part.descending)
            lists += [entries.alias(entries_of(name)), F.count_if(is_entry).alias(distinct_of(name))]
        return lists

    def _best_of_value(self, name: str, first: Column) -> Column:
        """The best among the rows of one value; copies for other parts than the first do not count."""
        part = self.reduction.collected[name]
        best = part.best(F.when(first, part.value))
        assert best is not None
        return best

    def _best_of_key(self, name: str) -> Column:
        """The known part of a key, from the best of all its values."""
        part = self.reduction.collected[name]
        best = part.best(column(_best(name)))
        assert best is not None
        return part.behind(best)


def entries_of(name: str) -> str:
    """The column with the entries of a part."""
    return f"_entries_{name}"


def distinct_of(name: str) -> str:
    """The column with the number of distinct values of a part."""
    return f"_distinct_{name}"


def _value(name: str) -> str:
    return f"_value_{name}"


def _sum(name: str, of: str) -> str:
    return f"_sum_{of}_{name}"


def _best(name: str) -> str:
    return f"_best_{name}"
