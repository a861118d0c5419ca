"""Counting rows: all of a key's, those where a condition holds, and those that are not NULL."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import BooleanType, DataType, LongType

from lakemill.columns import column, type_of
from lakemill.errors import UsageError
from lakemill.reducers.part import Total
from lakemill.reducers.reducer import Reducer

ROWS = "rows"
"""The part that every key has: how many rows it holds; the key is gone when there are none."""


def counted(condition: Column) -> Total:
    """One for each row where the condition holds."""
    unit, zero = F.lit(1).cast("bigint"), F.lit(0).cast("bigint")
    return Total(F.when(condition, unit).otherwise(zero), LongType(), counts=True)


def rows() -> Total:
    """One for each row."""
    return Total(F.lit(1).cast("bigint"), LongType(), counts=True)


def not_null(name: str) -> Total:
    """One for each row where the column has a value: the sum of none is NULL, not 0."""
    return counted(column(name).isNotNull())


@dataclass(frozen=True)
class Count(Reducer):
    """How many rows the key has (bigint)."""

    @property
    def columns(self) -> tuple[str, ...]:
        return ()

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Total]:
        return {ROWS: rows()}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return parts[ROWS]

    def recover(self, presented: Column) -> dict[str, Column]:
        return {ROWS: presented}

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.count(F.lit(1))


@dataclass(frozen=True)
class CountIf(Reducer):
    """How many of the key's rows have true in a boolean column (bigint); false and NULL do not count."""

    condition: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.condition,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Total]:
        given = type_of(self.condition, types)
        if not isinstance(given, BooleanType):
            raise UsageError(
                f'counts where "{self.condition}" is true, but that is {given.simpleString()}. '
                "Make a boolean column of it in the map."
            )
        return {f"true_{self.condition}": counted(column(self.condition))}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return parts[f"true_{self.condition}"]

    def recover(self, presented: Column) -> dict[str, Column]:
        return {f"true_{self.condition}": presented}

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.count_if(column(self.condition))
