"""Exact sums: of integers and decimals; a sum of doubles would depend on the order of the rows."""

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

from lakemill.errors import UsageError
from lakemill.reducers.count import not_null
from lakemill.reducers.plus import Plus
from lakemill.reducers.reducer import Part, Reducer, column, type_of


def sum_type(name: str, types: Mapping[str, DataType]) -> DataType:
    """The exact type that a sum of this column is kept in: bigint, or decimal(38, its scale)."""
    given = type_of(name, types)
    if isinstance(given, ByteType | ShortType | IntegerType | LongType):
        return LongType()
    if isinstance(given, DecimalType) and given.scale > 36:
        raise UsageError(
            f'sums "{name}", which is {given.simpleString()}: a total of it has no room before the point. '
            f'Cast it in the map, as in F.col("{name}").cast("decimal(38,18)").'
        )
    if isinstance(given, DecimalType):
        return DecimalType(38, given.scale)
    if isinstance(given, FloatType | DoubleType):
        raise UsageError(
            f'sums "{name}", which is {given.simpleString()}: such a sum depends on the order of the rows. '
            f'Cast it in the map, as in F.col("{name}").cast("decimal(18,2)").'
        )
    raise UsageError(f'sums "{name}", which is {given.simpleString()}; it takes integers and decimals.')


def summed(name: str, types: Mapping[str, DataType]) -> Part:
    """The column's value, in the type of its sum."""
    kind = sum_type(name, types)
    # Decimals stay as narrow as they came: Spark adds narrow ones much faster, and widens the sum itself.
    value = column(name).cast(kind) if isinstance(kind, LongType) else column(name)
    return Part(Plus.SUM, value, kind)


@dataclass(frozen=True)
class Sum(Reducer):
    """The exact sum of a column: bigint of integers, decimal(38, s) of decimals; NULL where every value is NULL."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Part]:
        return {f"sum_{self.column}": summed(self.column, types), f"count_{self.column}": not_null(self.column)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return F.when(parts[f"count_{self.column}"] > 0, parts[f"sum_{self.column}"])

    def recover(self, presented: Column) -> dict[str, Column]:
        return {f"sum_{self.column}": presented}

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.sum(column(self.column)).cast(sum_type(self.column, types))
