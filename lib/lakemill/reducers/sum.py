"""Exact sums: of integers and decimals, and of doubles where that is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import (
    ByteType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
)

from lakemill.columns import check_room, column, type_of
from lakemill.errors import UsageError
from lakemill.reducers.count import not_null
from lakemill.reducers.doubles import double_parts, double_total, plain_double_total
from lakemill.reducers.part import Part, Total
from lakemill.reducers.reducer import Reducer


def sum_type(name: str, types: Mapping[str, DataType]) -> DataType:
    """The exact type that a sum of this column is kept in: bigint, or decimal(38, its scale)."""
    given = type_of(name, types)
    if isinstance(given, ByteType | ShortType | IntegerType | LongType):
        return LongType()
    check_room(name, given)
    if isinstance(given, DecimalType):
        return DecimalType(38, given.scale)
    if isinstance(given, FloatType | DoubleType):
        raise UsageError(
            f'sums "{name}", which is {given.simpleString()}: such a sum depends on the order of the rows. '
            f'Cast it in the map, as in F.col("{name}").cast("decimal(18,2)"), or ask for exact=True.'
        )
    raise UsageError(f'sums "{name}", which is {given.simpleString()}; it takes integers and decimals.')


def floats(name: str, types: Mapping[str, DataType]) -> bool:
    """Whether a column is of doubles or floats."""
    return isinstance(type_of(name, types), FloatType | DoubleType)


def summed(name: str, types: Mapping[str, DataType]) -> Total:
    """The column's value, in the type of its sum."""
    kind = sum_type(name, types)
    # Decimals stay as narrow as they came: Spark adds narrow ones much faster, and widens the sum itself.
    value = column(name).cast(kind) if isinstance(kind, LongType) else column(name)
    return Total(value, kind)


@dataclass(frozen=True)
class Sum(Reducer):
    """The exact sum of a column: bigint of integers, decimal(38, s) of decimals; NULL where every value is NULL.

    exact: of doubles too, as the double nearest to the exact total: the same in any order, also after removals. NaN
    and infinities give what they give in arithmetic.
    """

    column: str
    exact: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Part]:
        if self.exact and floats(self.column, types):
            return double_parts(self.column)
        return {f"sum_{self.column}": summed(self.column, types), f"count_{self.column}": not_null(self.column)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        if floats(self.column, types):
            return double_total(self.column, parts)
        return F.when(parts[f"count_{self.column}"] > 0, parts[f"sum_{self.column}"])

    def recover(self, presented: Column) -> dict[str, Column]:
        return {} if self.exact else {f"sum_{self.column}": presented}

    def plain(self, types: Mapping[str, DataType]) -> Column:
        if floats(self.column, types):
            return plain_double_total(self.column)
        return F.sum(column(self.column)).cast(sum_type(self.column, types))
