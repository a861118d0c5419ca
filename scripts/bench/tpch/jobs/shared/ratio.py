"""Ratio: a reducer that TPC-H asks for and lakemill does not have, made of exact totals."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, DecimalType

from lakemill import Reducer, Total

TOTAL, QUOTIENT = DecimalType(38, 4), DecimalType(38, 6)


@dataclass(frozen=True)
class Ratio(Reducer):
    """The sum of a column divided by that of another or by a number, half up to 6 places; NULL where that is 0.

    The columns are decimals of at most 4 places, without NULLs.
    """

    part: str
    whole: str | int

    @property
    def columns(self) -> tuple[str, ...]:
        """What is added up."""
        return (self.part, self.whole) if isinstance(self.whole, str) else (self.part,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Total]:
        """A total of each."""
        return {f"total_{name}": Total(F.col(name).cast("decimal(28,4)"), TOTAL) for name in self.columns}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        """Their quotient."""
        return self._quotient(*[parts[f"total_{name}"] for name in self.columns])

    def plain(self, types: Mapping[str, DataType]) -> Column:
        """The same by Spark's own sums."""
        return self._quotient(*[F.sum(F.col(name).cast("decimal(28,4)")) for name in self.columns])

    def _quotient(self, part: Column, whole: Column | None = None) -> Column:
        divisor = F.lit(self.whole) if whole is None else whole
        return F.when(divisor != 0, part.cast(TOTAL) / divisor.cast(TOTAL)).cast(QUOTIENT)
