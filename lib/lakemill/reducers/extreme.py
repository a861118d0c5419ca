"""The least and the greatest value of a key."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType

from lakemill.columns import sortable
from lakemill.reducers.bag import Bag
from lakemill.reducers.reducer import Reducer


@dataclass(frozen=True)
class Min(Reducer):
    """The least value that is not NULL, in the column's type; NaN is greater than every number."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        return {f"min_{self.column}": Bag(sortable(self.column, types), types[self.column], needs=1)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return self.prepare(types)[f"min_{self.column}"].extreme(parts[f"min_{self.column}"])

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.min(sortable(self.column, types))


@dataclass(frozen=True)
class Max(Reducer):
    """The greatest value that is not NULL, in the column's type; NaN is greater than every number."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        return {f"max_{self.column}": Bag(sortable(self.column, types), types[self.column], needs=1, descending=True)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return self.prepare(types)[f"max_{self.column}"].extreme(parts[f"max_{self.column}"])

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.max(sortable(self.column, types))
