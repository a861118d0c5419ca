"""Variance and standard deviation from exact sums, so that they do not depend on the order of the rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import ByteType, DataType, DecimalType, IntegerType, LongType, ShortType

from lakemill.columns import column, let, type_of
from lakemill.errors import UsageError
from lakemill.reducers.count import not_null
from lakemill.reducers.limbs import WHOLE, square_limbs, whole_limbs, whole_sum
from lakemill.reducers.part import Total
from lakemill.reducers.reducer import Reducer

SQUARED_DIGITS = 14
"""The most digits that a value may have: its square has twice as many, which leaves room for 10^10 rows."""


def units(name: str, types: Mapping[str, DataType]) -> Column:
    """The column in whole units of its last decimal place, a bigint; raises UsageError for other types."""
    given = type_of(name, types)
    if isinstance(given, ByteType | ShortType | IntegerType):
        return column(name).cast("bigint")
    if isinstance(given, DecimalType) and given.precision <= SQUARED_DIGITS:
        # Both steps together err by less than 10^14 * 2^-52 units, so that the nearest whole number is the right one.
        return F.rint(column(name).cast("double") * F.lit(10.0**given.scale)).cast("bigint")
    raise UsageError(
        f'squares "{name}", which is {given.simpleString()}; '
        f"it takes int and decimals of up to {SQUARED_DIGITS} digits. "
        f'Cast it in the map, as in F.col("{name}").cast("decimal({SQUARED_DIGITS},2)").'
    )


def spread(total: Column, squares: Column, count: Column) -> Column:
    """The sum of squared deviations from the mean (double), from the exact sums of whole units.

    Deviations are first taken, exactly, from the whole number next to the mean; what is left to subtract is then at
    most half of that, so no digits cancel.
    """

    def about(near: Column) -> Column:
        rest = (total - count * near).cast(WHOLE)
        whole = squares - (near * (total + rest)).cast(WHOLE)
        return whole.cast("double") - rest.cast("double") * rest.cast("double") / count.cast("double")

    mean = F.round(total / count, 0).cast(DecimalType(SQUARED_DIGITS + 1, 0))
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
        sums = {
            f"{what}_{place}_{self.column}": Total(limb, LongType())
            for what, limbs in (("units", whole_limbs(whole)), ("squares", square_limbs(whole)))
            for place, limb in enumerate(limbs)
        }
        return {**sums, f"count_{self.column}": not_null(self.column)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        *sums, count = (parts[name] for name in self.prepare(types))
        return self._of(whole_sum(sums[:2]), whole_sum(sums[2:]), count, types)

    def plain(self, types: Mapping[str, DataType]) -> Column:
        whole = units(self.column, types).cast(DecimalType(SQUARED_DIGITS, 0))
        return self._of(F.sum(whole), F.sum(whole * whole), F.count(column(self.column)), types)

    def _of(self, total: Column, squares: Column, count: Column, types: Mapping[str, DataType]) -> Column:
        rows = count.cast(DecimalType(19, 0))
        squared = spread(total.cast(WHOLE), squares.cast(WHOLE), rows)
        scale = getattr(types[self.column], "scale", 0)
        return F.when(count > 1, squared / (count - 1) / F.lit(100.0**scale))


@dataclass(frozen=True)
class StdDev(Variance):
    """The sample standard deviation: the square root of Variance (double)."""

    def _of(self, total: Column, squares: Column, count: Column, types: Mapping[str, DataType]) -> Column:
        return F.sqrt(super()._of(total, squares, count, types))
