"""Where a few keys lie: a condition that lets Delta skip the files that cannot hold any of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from typing import Any

from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import DataType, DateType, DecimalType, IntegralType, StringType

from lakemill.columns import column, quoted

RANGES = 16
"""So many ranges at most, over all columns: each is tried on every row that is read. With 96 of them an update of
scripts/bench/joins.py took twice as long; the JVM does not compile functions of more than 8,000 bytes."""
VALUES = 10_000
"""Of a column with more values than these only the least and the greatest are looked at."""
TOLD_BYTES = 16
"""So many bytes of a string, after what all have in common, tell how far it is from others."""

Range = tuple[Any, Any]


@dataclass(frozen=True)
class Near:
    """The ranges, first and last value, that hold each column of some keys, where that tells something.

    dates: which of the columns are dates; their values are days since 1970, since Python knows fewer dates than Spark.
    """

    ranges: Mapping[str, Sequence[Range]] = field(default_factory=dict)
    dates: frozenset[str] = frozenset()

    def of(self, table: str, names: Mapping[str, str] | None = None) -> Column:
        """True for every row of the DataFrame aliased `table` that has one of the keys, and false for most others.

        names: what the table calls the columns of the key, where it does not call them so.
        """
        called = {name: name for name in self.ranges} if names is None else names
        told = [(name, F.col(f"{table}.{quoted(called[name])}")) for name in self.ranges if name in called]
        within = [self._within(name, value) for name, value in told]
        return reduce(lambda left, right: left & right, within, F.lit(True))

    def _within(self, name: str, value: Column) -> Column:
        def constant(of: Any) -> Column:
            return F.date_from_unix_date(F.lit(of)) if name in self.dates else F.lit(of)

        ranges = [value.between(constant(first), constant(last)) for first, last in self.ranges[name]]
        return reduce(lambda left, right: left | right, ranges)


def near(keys: DataFrame, key: tuple[str, ...]) -> Near:
    """Where these keys lie. Columns with NULL among them, or of which files keep no plain statistics, say nothing.

    For keys that are few enough for the driver.
    """
    names = [name for name in key if _ordered(keys.schema[name].dataType)]
    if not names:
        return Near()
    dates = frozenset(name for name in names if isinstance(keys.schema[name].dataType, DateType))
    read = [F.unix_date(column(name)) if name in dates else column(name) for name in names]
    rows = keys.select(*read).collect()  # of rows that the driver holds, no job runs
    of_each = max(1, RANGES // len(names))
    values = {name: {row[at] for row in rows} for at, name in enumerate(names)}
    told = {name: sorted(of) for name, of in values.items() if of and None not in of}
    return Near({name: _ranges(of, of_each) for name, of in told.items()}, dates)


def _ordered(kind: DataType) -> bool:
    return isinstance(kind, IntegralType | DecimalType | DateType | StringType)


def _ranges(values: Sequence[Any], at_most: int) -> list[Range]:
    """Ranges that hold these values, which are in order: cut where the widest gaps are, while that leaves out much."""
    if len(values) > VALUES:
        return [(values[0], values[-1])]
    places = _places(values)
    gaps = [(after - before, at) for at, (before, after) in enumerate(pairwise(places), start=1) if after - before > 1]
    cuts, within = list[int](), places[-1] - places[0]
    for gap, at in sorted(gaps, reverse=True)[: at_most - 1]:
        if gap * RANGES > within:
            cuts.append(at)
            within -= gap
    return [(values[first], values[end - 1]) for first, end in pairwise([0, *sorted(cuts), len(values)])]


def _places(values: Sequence[Any]) -> Sequence[Any]:
    """The values as numbers in the same order, so that it can be said how far from each other they are."""
    if not isinstance(values[0], str):
        return values
    coded = [value.encode() for value in values]
    both = zip(coded[0], coded[-1], strict=False)
    common = next((at for at, (first, last) in enumerate(both) if first != last), len(coded[0]))
    return [int.from_bytes(value[common : common + TOLD_BYTES].ljust(TOLD_BYTES, b"\0")) for value in coded]
