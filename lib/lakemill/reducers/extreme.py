"""The least and the greatest value of a key."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import ArrayType, DataType, DoubleType, FloatType, MapType, StructType, VariantType

from lakemill.errors import UsageError
from lakemill.reducers.plus import Plus
from lakemill.reducers.reducer import Part, Reducer, column, type_of


def ordered(name: str, types: Mapping[str, DataType]) -> Column:
    """The column as a value with one order: of the two equal zeros of a double only 0.0 is left."""
    given = type_of(name, types)
    if isinstance(given, ArrayType | MapType | StructType | VariantType):
        raise UsageError(f'compares "{name}", which is {given.simpleString()}; it takes numbers, texts, dates, times.')
    return column(name) + F.lit(0.0).cast(given) if isinstance(given, DoubleType | FloatType) else column(name)


@dataclass(frozen=True)
class Extreme(Reducer):
    """What Min and Max have in common."""

    column: str
    plus = Plus.MIN

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def _part(self) -> str:
        return f"{self.plus.value}_{self.column}"

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Part]:
        return {self._part: Part(self.plus, ordered(self.column, types), types[self.column])}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return parts[self._part]

    def recover(self, presented: Column) -> dict[str, Column]:
        return {self._part: presented}

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return self.plus.over(ordered(self.column, types))


@dataclass(frozen=True)
class Min(Extreme):
    """The least value that is not NULL, in the column's type; NaN is greater than every number."""

    plus = Plus.MIN


@dataclass(frozen=True)
class Max(Extreme):
    """The greatest value that is not NULL, in the column's type; NaN is greater than every number."""

    plus = Plus.MAX
