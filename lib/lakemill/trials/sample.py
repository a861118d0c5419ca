"""PerKey's function tried on a few rows before its first rebuild: what it does in Python shows in no plan."""

from pyspark.sql import Column, DataFrame, Row, functions as F

from lakemill.columns import column
from lakemill.core.bags import ADDED
from lakemill.core.keys import key_columns, same_key
from lakemill.core.local import local_frame, to_local
from lakemill.core.mapreduce import FOUND
from lakemill.errors import UsageError, row_text
from lakemill.job import Job
from lakemill.reducers import PerKey

TRIED_ROWS = 200
"""How many rows the function is tried on: any will do, since it must be right for every source."""


def check_on_sample(job: Job, per_key: PerKey, mapped: DataFrame) -> None:
    """Run PerKey's function on some rows, and on those of about half of their keys, last first.

    Raises UsageError, naming a key, where these keys' rows differ, or a row has a key that none was given of.
    """
    rows, count = to_local(mapped.limit(TRIED_ROWS))
    counterexamples = _counterexamples(job, per_key, rows).orderBy(FOUND).limit(1).collect() if count else []
    if counterexamples:
        raise UsageError(_counterexample_text(job, counterexamples[0]))


def _counterexamples(job: Job, per_key: PerKey, rows: DataFrame) -> DataFrame:
    """The rows that come more often from all rows, `_added` > 0, or from half of them; `_found`: their key is known."""
    key = tuple(job.key or ())
    half = _half(rows, key)
    known = rows.select(*key_columns(key)).distinct().withColumn(FOUND, F.lit(True)).alias("k")
    every = per_key.rows(rows).alias("f").join(known, same_key(key, "f", "k"), "left").select("f.*", FOUND)
    some = per_key.rows(_turned(rows.where(half)))
    both = every.withColumn(ADDED, half.cast("int")).unionAll(
        some.withColumn(FOUND, F.lit(True)).withColumn(ADDED, F.lit(-1))
    )
    names = [column(name) for name in some.columns]
    counted = both.groupBy(*names).agg(F.count_if(F.col(FOUND).isNull()).alias(FOUND), F.sum(ADDED).alias(ADDED))
    shown = F.struct(*key_columns(key)).alias("key")
    return counted.where((F.col(ADDED) != 0) | (F.col(FOUND) > 0)).select(shown, (F.col(FOUND) == 0).alias(FOUND))


def _half(rows: DataFrame, key: tuple[str, ...]) -> Column:
    """Whether a row, mapped or the function's, has one of about half of the keys; the first row always has."""
    hashed = F.xxhash64(*[column(name).cast(rows.schema[name].dataType) for name in key], F.lit(0))
    first = rows.select((hashed % 2).alias("half")).first()
    assert first is not None
    chosen: Column = hashed % 2 == first["half"]
    return chosen


def _turned(rows: DataFrame) -> DataFrame:
    """The same rows, last first."""
    spark = rows.sparkSession
    turned = spark._jvm.java.util.ArrayList(rows._jdf.collectAsList())  # type: ignore[union-attr]
    spark._jvm.java.util.Collections.reverse(turned)  # type: ignore[union-attr]
    return local_frame(spark, rows.schema, turned)


def _counterexample_text(job: Job, row: Row) -> str:
    key = row_text({name: row["key"][name] for name in job.key or ()})
    why = (
        "its rows are others when some keys are missing and rows come in another order; order windows by so many "
        "columns that no two rows tie, sort inside of a pandas function, and use the rows of one key alone"
        if row[FOUND]
        else "none of the rows that it was given has this key; the key's columns must stay as they are"
    )
    return f"{job.target}: {job.reduce} is refused: NOT_PER_KEY: tried on a few rows, at {key}: {why}."
