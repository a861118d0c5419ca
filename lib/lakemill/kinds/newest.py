"""The newest whole row of each key: Latest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql.types import StructField

from lakemill.kinds.expected import newest_rows
from lakemill.kinds.reduced import Reduced
from lakemill.reducers import Latest


@dataclass(frozen=True)
class Newest(Reduced):
    """The target has the newest mapped row of each key, and how many rows there were."""

    latest: Latest

    @property
    def reducers(self) -> Mapping[str, Latest]:
        return {"(row)": self.latest}

    def read(self, mapped: Iterable[StructField]) -> list[StructField]:
        return list(mapped)

    def expected(self, mapped: DataFrame) -> DataFrame:
        return newest_rows(mapped, self.reduction, self.latest)
