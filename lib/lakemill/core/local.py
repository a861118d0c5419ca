"""Small frames on the driver: rows that stay in the JVM, as a relation whose true size Spark knows.

So they are broadcast, not shuffled, and neither pickle nor Arrow is involved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType


def to_local(frame: DataFrame) -> tuple[DataFrame, int]:
    """The frame's rows, computed once and held on the driver, and how many they are. For small frames only."""
    rows = frame._jdf.collectAsList()
    return local_frame(frame.sparkSession, frame.schema, rows), int(rows.size())


def empty(spark: SparkSession, schema: StructType) -> DataFrame:
    """A frame without rows."""
    return local_frame(spark, schema, spark._jvm.java.util.ArrayList())  # type: ignore[union-attr]


def local_frame(spark: SparkSession, schema: StructType, rows: Any) -> DataFrame:
    """A frame of a Java list of Java rows."""
    kind = spark._jsparkSession.parseDataType(schema.json())
    return DataFrame(spark._jsparkSession.createDataFrame(rows, kind), spark)


@dataclass
class Held:
    """Frames computed once: on the driver where the change is small, else on the executors."""

    small: bool
    kept: list[DataFrame] = field(default_factory=list)

    def spread(self) -> "Held":
        """The same, for frames that may be large though the change is small."""
        return Held(False, self.kept)

    def hold(self, frame: DataFrame) -> tuple[DataFrame, int]:
        """The frame, computed, and its number of rows."""
        if self.small:
            return to_local(frame)
        self.kept.append(frame.persist())
        return frame, frame.count()


@contextmanager
def holding(small: bool) -> Iterator[Held]:
    """Whatever was held is let go of at the end."""
    held = Held(small)
    try:
        yield held
    finally:
        for frame in held.kept:
            frame.unpersist()
