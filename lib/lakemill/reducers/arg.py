"""A column's value where another is least or greatest: the cheapest product, the first price, the last state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, StructField, StructType

from lakemill.columns import column, names, sortable, type_of
from lakemill.errors import UsageError
from lakemill.reducers.bag import Bag
from lakemill.reducers.reducer import Reducer


@dataclass(frozen=True)
class _At(Reducer):
    """What they have in common: rows are ordered by `by`, and where that ties by the value, so that one row is first.

    Rows whose first `by` is NULL take no part; a NULL in another of its columns, or as the value, is least.
    """

    column: str
    by: str | Sequence[str]
    greatest: ClassVar[bool]

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", names(self.by))
        if not self.by:
            raise UsageError(f'{type(self).__name__}("{self.column}") needs the columns that rows are ordered by.')

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, *self.by)

    @property
    def _part(self) -> str:
        return f"{'greatest' if self.greatest else 'least'}_{'__'.join((*self.by, self.column))}"

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        kind = StructType([StructField(f"_{at}", type_of(name, types)) for at, name in enumerate(self._order)])
        return {self._part: Bag(self._row(types), kind, needs=1, descending=self.greatest)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return self._value(self.prepare(types)[self._part].extreme(parts[self._part]))

    def plain(self, types: Mapping[str, DataType]) -> Column:
        row = self._row(types)
        return self._value(F.max(row) if self.greatest else F.min(row))

    @property
    def _order(self) -> tuple[str, ...]:
        return (*self.by, self.column)

    def _row(self, types: Mapping[str, DataType]) -> Column:
        row = F.struct(*[sortable(name, types).alias(f"_{at}") for at, name in enumerate(self._order)])
        return F.when(column(self.by[0]).isNotNull(), row)

    def _value(self, row: Column) -> Column:
        return row[f"_{len(self.by)}"]


@dataclass(frozen=True)
class ArgMin(_At):
    """The value of a column where `by` is least; ties go to the least value."""

    greatest = False


@dataclass(frozen=True)
class ArgMax(_At):
    """The value of a column where `by` is greatest; ties go to the greatest value."""

    greatest = True


@dataclass(frozen=True)
class First(_At):
    """The value of the first row by `by`: ArgMin in the words of time. Ties go to the least value."""

    greatest = False


@dataclass(frozen=True)
class Last(_At):
    """The value of the last row by `by`: ArgMax in the words of time. Ties go to the greatest value."""

    greatest = True
