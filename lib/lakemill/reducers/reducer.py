"""What a reducer is: how a row is prepared into parts, how parts add, and how they are presented."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, DecimalType

from lakemill.errors import UsageError, did_you_mean
from lakemill.reducers.plus import Plus


def quoted(name: str) -> str:
    """The name in backticks: dots, spaces and backticks in it are part of the name."""
    return "`" + name.replace("`", "``") + "`"


def column(name: str) -> Column:
    """The column of exactly this name."""
    return F.col(quoted(name))


@dataclass(frozen=True)
class Part:
    """One value that the rows of a key add up to.

    `value` is the part of one row (NULL: the row adds nothing), `type` the type it is kept in.
    """

    plus: Plus
    value: Column
    type: DataType

    def two(self, left: Column, right: Column) -> Column:
        """Two added-up parts, added.

        Spark types the sum of two decimal(38, s) as decimal(38, s - 1) and rounds it: with a digit to spare on both
        sides it is exact, and a total that needs that digit fails aloud.
        """
        if self.plus is Plus.SUM and isinstance(self.type, DecimalType):
            spare = DecimalType(37, self.type.scale)
            left, right = left.cast(spare), right.cast(spare)
        return self.plus.two(left, right)


class Reducer(ABC):
    """A named column of the target. Everything else (can it be updated, how) follows from its parts."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns of the map that it reads."""

    @abstractmethod
    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Part]:
        """The parts of one row by name; equal names are shared between reducers of a job.

        `types` are those of the map's columns. Raises UsageError where a type is not one it can reduce exactly.
        """

    @abstractmethod
    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        """The target's column, from the added-up parts alone; `types` are those of the map's columns."""

    @abstractmethod
    def plain(self, types: Mapping[str, DataType]) -> Column:
        """The same column as one ordinary Spark aggregate: the second opinion that verify asks for."""

    def recover(self, presented: Column) -> dict[str, Column]:
        """The parts that can be read back from the presented column (a NULL sum is 0); they are not kept twice."""
        return {}

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.columns)})"


def type_of(name: str, types: Mapping[str, DataType]) -> DataType:
    """The type of a column of the map; raises UsageError where the map gives no such column."""
    if name not in types:
        given = ", ".join(types)
        raise UsageError(f'reads "{name}", but the map gives {given}. {did_you_mean(name, types)}')
    return types[name]
