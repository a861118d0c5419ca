"""Whether a condition holds for any, or for all, of a key's rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import BooleanType, DataType

from lakemill.columns import column, type_of
from lakemill.errors import UsageError
from lakemill.reducers.count import counted
from lakemill.reducers.part import Total
from lakemill.reducers.reducer import Reducer


def truths(name: str, types: Mapping[str, DataType]) -> dict[str, Total]:
    """How many rows have true in a boolean column, and how many false."""
    given = type_of(name, types)
    if not isinstance(given, BooleanType):
        raise UsageError(f'reads "{name}" as true or false, but it is {given.simpleString()}.')
    return {f"true_{name}": counted(column(name)), f"false_{name}": counted(~column(name))}


@dataclass(frozen=True)
class Any(Reducer):
    """True where any row has true, false where all others have false; NULLs do not count, and of only those NULL."""

    condition: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.condition,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Total]:
        return truths(self.condition, types)

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return F.when(parts[f"true_{self.condition}"] > 0, True).when(parts[f"false_{self.condition}"] > 0, False)

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.bool_or(column(self.condition))


@dataclass(frozen=True)
class All(Reducer):
    """False where any row has false, true where all others have true; NULLs do not count, and of only those NULL."""

    condition: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.condition,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Total]:
        return truths(self.condition, types)

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return F.when(parts[f"false_{self.condition}"] > 0, False).when(parts[f"true_{self.condition}"] > 0, True)

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.bool_and(column(self.condition))
