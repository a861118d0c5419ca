"""The greatest few rows of a key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, StructField, StructType

from lakemill.columns import column, names, sortable, type_of
from lakemill.errors import UsageError
from lakemill.reducers.bag import BOUND, Bag
from lakemill.reducers.reducer import Reducer


@dataclass(frozen=True)
class TopK(Reducer):
    """The k greatest rows by `by`, greatest first (array of structs of `by` and `keep`); equal rows are there each.

    Rows whose first `by` is NULL take no part. Ties go to the greater of the other columns, in their order.
    """

    k: int
    by: str | Sequence[str]
    keep: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", names(self.by))
        object.__setattr__(self, "keep", names(self.keep))
        if not self.by or not 1 <= self.k <= BOUND:
            raise UsageError(f'TopK({self.k}, ...) keeps 1 to {BOUND} rows by a column, as in TopK(3, by="amount").')

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.by, *self.keep)))

    @property
    def _part(self) -> str:
        return f"top_{self.k}_{'__'.join(self.columns)}"

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        kind = StructType([StructField(name, type_of(name, types)) for name in self.columns])
        return {self._part: Bag(self._row(types), kind, needs=self.k, descending=True)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return self.prepare(types)[self._part].rows(parts[self._part])

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.slice(F.sort_array(F.collect_list(self._row(types)), asc=False), 1, self.k)

    def _row(self, types: Mapping[str, DataType]) -> Column:
        row = F.struct(*[sortable(name, types).alias(name) for name in self.columns])
        return F.when(column(self.by[0]).isNotNull(), row)

    def __str__(self) -> str:
        return f"TopK({self.k}, {', '.join(self.columns)})"
