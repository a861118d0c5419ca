"""The distinct values of a key: how many, and which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, StructField, StructType

from lakemill.columns import column, names, sortable, type_of
from lakemill.errors import UsageError
from lakemill.reducers.bag import DISTINCT, KEPT, Bag
from lakemill.reducers.part import VALUE
from lakemill.reducers.quantile import bag
from lakemill.reducers.reducer import Reducer


@dataclass(frozen=True)
class CountDistinct(Reducer):
    """How many distinct values a column has, or several columns together (bigint); a row with a NULL does not count."""

    column: str | Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", names(self.column))
        if not self.column:
            raise UsageError('CountDistinct needs a column, as in CountDistinct("customer_id").')

    @property
    def columns(self) -> tuple[str, ...]:
        return names(self.column)

    @property
    def _part(self) -> str:
        return f"distinct_{'__'.join(self.columns)}"

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        kinds = [type_of(name, types) for name in self.columns]
        kind = kinds[0] if len(kinds) == 1 else StructType([StructField(f"_{at}", of) for at, of in enumerate(kinds)])
        return {self._part: Bag(self._value(types), kind, needs=0)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return parts[self._part][DISTINCT]

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.count_distinct(*[sortable(name, types) for name in self.columns])

    def _value(self, types: Mapping[str, DataType]) -> Column:
        values = [sortable(name, types) for name in self.columns]
        if len(values) == 1:
            return values[0]
        whole = column(self.columns[0]).isNotNull()
        for name in self.columns[1:]:
            whole = whole & column(name).isNotNull()
        return F.when(whole, F.struct(*[value.alias(f"_{at}") for at, value in enumerate(values)]))


@dataclass(frozen=True)
class CollectSet(Reducer):
    """The distinct values of a column that are not NULL, sorted (array); empty where there is none."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        return bag(self.column, types)

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return F.transform(parts[f"bag_{self.column}"][KEPT], lambda entry: entry[VALUE])

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.sort_array(F.collect_set(sortable(self.column, types)))
