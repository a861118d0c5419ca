"""Rows with weights: a row that came has the weight 1, a row that went has -1, and weights of equal rows add up."""

from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import DoubleType, FloatType

from lakemill.columns import column, holds

WEIGHT = "_weight"


def weigh(added: DataFrame, removed: DataFrame | None) -> DataFrame:
    """All rows with their weight: 1 for each added one, -1 for each removed one."""
    weighed = added.withColumn(WEIGHT, F.lit(1))
    return weighed if removed is None else weighed.unionAll(removed.withColumn(WEIGHT, F.lit(-1)))


def came(weighed: DataFrame) -> DataFrame:
    """The rows that came."""
    return weighed.where(F.col(WEIGHT) > 0).drop(WEIGHT)


def went(weighed: DataFrame) -> DataFrame:
    """The rows that went."""
    return weighed.where(F.col(WEIGHT) < 0).drop(WEIGHT)


def net(weighed: DataFrame) -> DataFrame:
    """What is left when equal rows cancel: each row, with 1 or -1, as often as the sum of its weights says."""
    fields = [field for field in weighed.schema.fields if field.name != WEIGHT]
    floats = {f.name: f"_value_of_{at}" for at, f in enumerate(fields) if holds(f.dataType, FloatType | DoubleType)}
    # Spark gives a group's own column with 0.0 for -0.0. Rows of a group have the same text, and a text tells the two
    # apart, so the value of whichever row comes first is the value of them all: `first` depends on no order here.
    values = [F.first(column(name)).alias(kept) for name, kept in floats.items()]
    sums = weighed.groupBy(*told_apart(weighed)).agg(F.sum(WEIGHT).cast("int").alias(WEIGHT), *values)
    names = [column(floats.get(f.name, f.name)).alias(f.name) for f in fields]
    sign = F.when(F.col(WEIGHT) > 0, 1).otherwise(-1)
    return sums.select(*names, F.explode(F.array_repeat(sign, F.abs(F.col(WEIGHT)))).alias(WEIGHT))


def less(rows: DataFrame, change: DataFrame) -> DataFrame:
    """The rows as they were before the change: those that came are taken away, those that went are there again.

    A row that came and is not there fails the query with CORRUPT_FEED.
    """
    undone = change.withColumn(WEIGHT, -F.col(WEIGHT))
    before = net(rows.withColumn(WEIGHT, F.lit(1)).unionByName(undone))
    lacking = F.raise_error(F.lit("CORRUPT_FEED")).cast("boolean")
    return before.where(F.when(F.col(WEIGHT) < 0, lacking).otherwise(F.lit(True))).drop(WEIGHT)


def told_apart(weighed: DataFrame) -> list[Column]:
    """The columns to group rows by, so that only equal rows meet.

    Spark groups 0.0 and -0.0 as one value, so columns with doubles are there a second time, as texts.
    """
    fields = [field for field in weighed.schema.fields if field.name != WEIGHT]
    texts = [column(f.name).cast("string") for f in fields if holds(f.dataType, FloatType | DoubleType)]
    return [*[column(f.name) for f in fields], *[text.alias(f"_value_{at}") for at, text in enumerate(texts)]]
