"""Small frames on the driver: rows that stay in the JVM, as a relation whose true size Spark knows.

So they are broadcast, not shuffled, and neither pickle nor Arrow is involved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    NumericType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)


def to_local(frame: DataFrame) -> tuple[DataFrame, int]:
    """The frame's rows, computed once and held on the driver, and how many they are. For small frames only."""
    rows = frame._jdf.collectAsList()
    return local_frame(frame.sparkSession, frame.schema, rows), int(rows.size())


def empty(spark: SparkSession, schema: StructType) -> DataFrame:
    """A frame without rows."""
    return local_frame(spark, schema, spark._jvm.java.util.ArrayList())  # type: ignore[union-attr]


def one_row(spark: SparkSession, schema: StructType) -> DataFrame:
    """A frame of one row that holds some value in each column, NULL where its type is none that has one by itself."""
    values = [_some(field.dataType).alias(f"c{at}") for at, field in enumerate(schema.fields)]
    rows = spark.sql("VALUES (0)").select(*values)._jdf.collectAsList()  # folded: no job runs
    return local_frame(spark, schema, rows)


def _some(kind: DataType) -> Column:
    if isinstance(kind, NumericType | BooleanType):
        return F.lit(0).cast(kind)
    if isinstance(kind, DateType | TimestampType | TimestampNTZType):
        return F.lit("2001-02-03").cast(kind)
    if isinstance(kind, StringType | BinaryType):
        return F.lit("1").cast(kind)
    if isinstance(kind, StructType):
        return F.struct(*[_some(field.dataType).alias(field.name) for field in kind.fields]).cast(kind)
    if isinstance(kind, ArrayType):
        return F.array(_some(kind.elementType)).cast(kind)
    return F.lit(None).cast(kind)


def local_frame(spark: SparkSession, schema: StructType, rows: Any) -> DataFrame:
    """A frame of a Java list of Java rows."""
    kind = spark._jsparkSession.parseDataType(schema.json())
    return DataFrame(spark._jsparkSession.createDataFrame(rows, kind), spark)


TOO_LARGE = "spark.driver.maxResultSize"
"""What Spark names where the results of a query are more than the driver takes; `start_session` sets how much it is."""


@dataclass
class Held:
    """Frames computed once: on the driver where the change is small, else on the executors.

    A small change may touch much: a few thousand keys, each with a large state. Where more comes than the driver takes,
    this frame and all later ones stay on the executors.
    """

    small: bool
    kept: list[DataFrame] = field(default_factory=list)

    def spread(self) -> "Held":
        """The same, for frames that may be large though the change is small."""
        return Held(False, self.kept)

    def hold(self, frame: DataFrame) -> tuple[DataFrame, int]:
        """The frame, computed, and its number of rows."""
        if self.small:
            try:
                return to_local(frame)
            except (PySparkException, Py4JJavaError) as error:
                if TOO_LARGE not in str(error):
                    raise
                self.small = False
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
