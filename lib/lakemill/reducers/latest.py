"""The newest whole row of a key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, StructField, StructType

from lakemill.columns import column, has_no_order, one_zero
from lakemill.errors import UsageError
from lakemill.reducers.bag import Bag

ROW = "row"


@dataclass(frozen=True)
class Latest:
    """The newest whole row of a key, by `by` and, where that ties, by all other columns in their order.

    The order is total, so the result does not depend on the order of the rows. NULL is older than every value.
    """

    by: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", tuple([self.by] if isinstance(self.by, str) else self.by))
        if not self.by:
            raise UsageError('Latest needs the columns that tell which row is newer, as in Latest(by=["updated_at"]).')

    def order(self, types: Mapping[str, DataType]) -> list[str]:
        """The columns in the order in which two rows are compared."""
        return [*self.by, *(name for name in types if name not in self.by)]

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        """The one part: the whole row, as a struct that compares by `by` first."""
        for name, given in types.items():
            if has_no_order(given):
                raise UsageError(f'compares whole rows, and "{name}" is {given.simpleString()}, which has no order.')
        names = self.order(types)
        kind = StructType([StructField(name, types[name]) for name in names])
        return {ROW: Bag(self.row(types), kind, needs=1, bound=0, descending=True)}

    def row(self, types: Mapping[str, DataType]) -> Column:
        """A row, mapped or stored, as that struct."""
        return F.struct(*[one_zero(column(name), types[name]).alias(name) for name in self.order(types)])

    def __str__(self) -> str:
        return f"Latest({', '.join(self.by)})"
