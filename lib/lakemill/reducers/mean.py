"""The exact mean: a sum and a count, divided once."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, DecimalType

from lakemill.columns import column
from lakemill.reducers.count import not_null
from lakemill.reducers.doubles import double_mean, double_parts, plain_double_mean
from lakemill.reducers.part import Part
from lakemill.reducers.reducer import Reducer
from lakemill.reducers.sum import floats, sum_type, summed


def quotient(total: Column, count: Column) -> Column:
    """total / count, rounded half up once, to 6 decimal places or the total's own if those are more.

    The operands' types fix the quotient's (Spark: decimal(38,s) / decimal(19,0) is decimal(38, max(6, s))), so a
    mean of many rows and one of few have the same type.
    """
    return F.when(count > 0, total / count.cast(DecimalType(19, 0)))


@dataclass(frozen=True)
class Mean(Reducer):
    """The exact mean of an integer or decimal column, as decimal(38, max(6, its scale)); NULLs do not count.

    exact: of doubles too, as the double nearest to the exact total divided by the exact count.
    """

    column: str
    exact: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Part]:
        if self.exact and floats(self.column, types):
            return double_parts(self.column)
        return {f"sum_{self.column}": summed(self.column, types), f"count_{self.column}": not_null(self.column)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        if floats(self.column, types):
            return double_mean(self.column, parts)
        return quotient(self._decimal(parts[f"sum_{self.column}"], types), parts[f"count_{self.column}"])

    def plain(self, types: Mapping[str, DataType]) -> Column:
        if floats(self.column, types):
            return plain_double_mean(self.column)
        return quotient(self._decimal(F.sum(column(self.column)), types), F.count(column(self.column)))

    def _decimal(self, total: Column, types: Mapping[str, DataType]) -> Column:
        """A total as decimal(38, its scale): the quotient's type follows from it."""
        return total.cast(DecimalType(38, getattr(sum_type(self.column, types), "scale", 0)))
