"""The most frequent value of a key."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType

from lakemill.columns import sortable
from lakemill.reducers.bag import KEPT, Bag
from lakemill.reducers.part import COUNT, VALUE
from lakemill.reducers.quantile import bag
from lakemill.reducers.reducer import Reducer


@dataclass(frozen=True)
class Mode(Reducer):
    """The value that most rows have, the least of them where several are as frequent; NULLs do not count."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        return bag(self.column, types)

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        kept = parts[f"bag_{self.column}"][KEPT]
        most = F.array_max(F.transform(kept, lambda entry: entry[COUNT]))
        return F.get(F.filter(kept, lambda entry: entry[COUNT] == most), F.lit(0))[VALUE]

    def plain(self, types: Mapping[str, DataType]) -> Column:
        value = sortable(self.column, types)
        return F.call_function("mode", value, F.lit(True))
