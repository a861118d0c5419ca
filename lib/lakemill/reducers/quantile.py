"""The middle of a key's values, and every other exact quantile."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, DecimalType, DoubleType, FloatType

from lakemill.columns import check_room, let, number, sortable, type_of
from lakemill.errors import UsageError
from lakemill.reducers.bag import KEPT, Bag
from lakemill.reducers.part import COUNT, VALUE
from lakemill.reducers.reducer import Reducer


def bag(name: str, types: Mapping[str, DataType]) -> dict[str, Bag]:
    """All values of a column that are not NULL, least first: one part, whatever is asked of it."""
    return {f"bag_{name}": Bag(sortable(name, types), type_of(name, types))}


def rows_of(entries: Column) -> Column:
    """How many rows the entries stand for."""
    return F.aggregate(entries, F.lit(0).cast("bigint"), lambda total, entry: total + entry[COUNT])


def value_at(entries: Column, rank: Column) -> Column:
    """The value of the row at a rank (1 is the first) among sorted entries; NULL where there are fewer."""

    def step(seen: Column, entry: Column) -> Column:
        rows = seen["rows"] + entry[COUNT]
        value = F.when(seen["found"].isNull() & (rows >= rank), entry[VALUE]).otherwise(seen["found"])
        return F.struct(rows.alias("rows"), value.alias("found"))

    none_yet = F.struct(F.lit(0).cast("bigint").alias("rows"), F.get(entries, F.lit(-1))[VALUE].alias("found"))
    return F.aggregate(entries, none_yet, step, lambda seen: seen["found"])


@dataclass(frozen=True)
class Quantile(Reducer):
    """The least value that at least a share `q` of the rows is not greater than (SQL's percentile_disc).

    Of numbers, texts, dates and times, in the column's type; NULLs do not count, NaN is greater than every number.
    """

    column: str
    q: float

    def __post_init__(self) -> None:
        if not 0 <= self.q <= 1:
            raise UsageError(f'Quantile("{self.column}", {self.q}): a quantile is from 0 to 1.')

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        return bag(self.column, types)

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return let(parts[f"bag_{self.column}"][KEPT], lambda kept: value_at(kept, self._rank(rows_of(kept))))

    def plain(self, types: Mapping[str, DataType]) -> Column:
        values = F.sort_array(F.collect_list(sortable(self.column, types)))
        return let(values, lambda sorted: F.get(sorted, (self._rank(F.size(sorted)) - 1).cast("int")))

    def _rank(self, rows: Column) -> Column:
        return F.greatest(F.lit(1), F.ceil(F.lit(self.q) * rows)).cast("bigint")

    def __str__(self) -> str:
        return f"Quantile({self.column}, {self.q})"


@dataclass(frozen=True)
class Median(Reducer):
    """The middle value of a column of numbers, or the mean of the two in the middle; NULLs do not count.

    Of integers and decimals decimal(38, s), rounded half up to 6 decimal places or the column's own if those are more;
    of doubles and floats a double.
    """

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        check_room(self.column, number(self.column, types))
        return bag(self.column, types)

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        def middle(kept: Column) -> Column:
            rows = rows_of(kept)
            return self._mean(value_at(kept, _half(rows + 1)), value_at(kept, _half(rows + 2)), types)

        return let(parts[f"bag_{self.column}"][KEPT], middle)

    def plain(self, types: Mapping[str, DataType]) -> Column:
        def middle(values: Column) -> Column:
            rows = F.size(values)
            low, high = ((_half(rows + more) - 1).cast("int") for more in (1, 2))
            return self._mean(F.get(values, low), F.get(values, high), types)

        return let(F.sort_array(F.collect_list(sortable(self.column, types))), middle)

    def _mean(self, low: Column, high: Column, types: Mapping[str, DataType]) -> Column:
        given = types[self.column]
        if isinstance(given, DoubleType | FloatType):
            low, high = low.cast("double"), high.cast("double")
            total = low + high  # of the greatest doubles it is infinite, and their mean is not
            return F.when(low == high, low).when(F.abs(total) == math.inf, low / 2 + high / 2).otherwise(total / 2)
        wide = DecimalType(37, getattr(given, "scale", 0))
        places = max(6, wide.scale)
        return ((low.cast(wide) + high.cast(wide)) / F.lit(2).cast(DecimalType(1, 0))).cast(DecimalType(38, places))


def _half(rows: Column) -> Column:
    return F.floor(rows / 2).cast("bigint")
