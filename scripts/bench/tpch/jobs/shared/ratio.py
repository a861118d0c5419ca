"""Ratio: a reducer that TPC-H asks for and lakemill does not have, made of two exact totals."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, DecimalType

from lakemill import Reducer, Total

TOTAL, QUOTIENT = DecimalType(38, 4), DecimalType(38, 6)


@dataclass(frozen=True)
class Ratio(Reducer):
    """The sum of one column divided by that of another, half up to 6 places; NULL where that is 0 or none."""

    part: str
    whole: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Both columns."""
        return (self.part, self.whole)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Total]:
        """Two totals; the columns have no NULLs."""
        return {f"total_{name}": Total(F.col(name).cast("decimal(28,4)"), TOTAL) for name in self.columns}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        """Their quotient."""
        return self._quotient(*[parts[f"total_{name}"] for name in self.columns])

    def plain(self, types: Mapping[str, DataType]) -> Column:
        """The same by Spark's own sums."""
        return self._quotient(*[F.sum(F.col(name).cast("decimal(28,4)")) for name in self.columns])

    def _quotient(self, part: Column, whole: Column) -> Column:
        return F.when(whole != 0, part.cast(TOTAL) / whole.cast(TOTAL)).cast(QUOTIENT)
