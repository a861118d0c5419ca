"""Variance and standard deviation from exact sums, so that they do not depend on the order of the rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import ByteType, DataType, DecimalType, IntegerType, ShortType

from lakemill.errors import UsageError
from lakemill.reducers.columns import column, let, type_of
from lakemill.reducers.count import not_null
from lakemill.reducers.part import Total
from lakemill.reducers.reducer import Reducer

DIGITS = 14
"""Digits of a value at most: its square has twice as many, which leaves room for 10^10 rows."""


def units(name: str, types: Mapping[str, DataType]) -> Column:
    """The column in whole units of its last decimal place, decimal(14, 0); raises UsageError for other types."""
    given = type_of(name, types)
    if isinstance(given, ByteType | ShortType | IntegerType):
        return column(name).cast(DecimalType(DIGITS, 0))
    if isinstance(given, DecimalType) and given.precision <= DIGITS:
        return (column(name) * F.lit(10**given.scale).cast(DecimalType(given.scale + 1, 0))).cast(
            DecimalType(DIGITS, 0)
        )
    raise UsageError(
        f'squares "{name}", which is {given.simpleString()}; it takes int and decimals of up to {DIGITS} digits. '
        f'Cast it in the map, as in F.col("{name}").cast("decimal({DIGITS},2)").'
    )


def spread(total: Column, squares: Column, count: Column) -> Column:
    """The sum of squared deviations from the mean (double), from the exact sums of whole units.

    Deviations are first taken, exactly, from the whole number next to the mean; what is left to subtract is then at
    most half of that, so no digits cancel.
    """

    def about(near: Column) -> Column:
        rest = (total - count * near).cast(DecimalType(38, 0))
        whole = squares - (near * (total + rest)).cast(DecimalType(38, 0))
        return whole.cast("double") - rest.cast("double") * rest.cast("double") / count.cast("double")

    mean = F.round(total / count, 0).cast(DecimalType(DIGITS + 1, 0))
    return let(mean, about)


@dataclass(frozen=True)
class Variance(Reducer):
    """The sample variance of an int or decimal column (double); NULLs do not count, NULL of fewer than two values."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Total]:
        whole = units(self.column, types)
        square = (whole * whole).cast(DecimalType(2 * DIGITS, 0))
        return {
            f"units_{self.column}": Total(whole, DecimalType(38, 0)),
            f"squares_{self.column}": Total(square, DecimalType(38, 0)),
            f"count_{self.column}": not_null(self.column),
        }

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        total, squares, count = (parts[name] for name in self.prepare(types))
        return self._of(total, squares, count, types)

    def plain(self, types: Mapping[str, DataType]) -> Column:
        whole = units(self.column, types)
        return self._of(F.sum(whole), F.sum(whole * whole), F.count(column(self.column)), types)

    def _of(self, total: Column, squares: Column, count: Column, types: Mapping[str, DataType]) -> Column:
        rows = count.cast(DecimalType(19, 0))
        squared = spread(total.cast(DecimalType(38, 0)), squares.cast(DecimalType(38, 0)), rows)
        scale = getattr(types[self.column], "scale", 0)
        return F.when(count > 1, squared / (count - 1) / F.lit(100.0**scale))


@dataclass(frozen=True)
class StdDev(Variance):
    """The sample standard deviation: the square root of Variance (double)."""

    def _of(self, total: Column, squares: Column, count: Column, types: Mapping[str, DataType]) -> Column:
        return F.sqrt(super()._of(total, squares, count, types))
