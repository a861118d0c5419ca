"""Small frames on the driver: rows that stay in the JVM, as a relation whose true size Spark knows.

So they are broadcast, not shuffled, and neither pickle nor Arrow is involved.
"""

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
