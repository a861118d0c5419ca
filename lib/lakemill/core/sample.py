"""PerKey's function tried on a few rows before its first rebuild: what it does in Python shows in no plan."""

from functools import reduce

from pyspark.sql import DataFrame, Row, Window, functions as F

from lakemill.core.local import local_frame, to_local
from lakemill.core.mapreduce import ADDED, FOUND, REMOVED, same_key
from lakemill.core.perkey import SIGN, key_columns
from lakemill.errors import UsageError
from lakemill.job import Job
from lakemill.reducers import PerKey
from lakemill.reducers.reducer import column

KEYS, ROWS = 6, 50
"""How many keys the function is tried on, and how many rows of each."""
PLACE = "_place"


def check_on_sample(job: Job, mapped: DataFrame) -> None:
    """Run PerKey's function on a few keys together, on each half of them, and on their rows in another order.

    Raises UsageError, naming a key, where the rows differ or belong to a key that the function was not given.
    """
    rows, count = to_local(_sample(mapped, tuple(job.key or ())))
    found = _unequal(job, rows).limit(1).collect() if count else []
    if found:
        raise UsageError(_counterexample(job, found[0]))


def _unequal(job: Job, rows: DataFrame) -> DataFrame:
    """The rows that come more or less often, `_added` if keys are missing, `_removed` if rows come in another order.

    Their key is a struct; `_found` is false where no row that was given has it.
    """
    halves = [rows.where(F.col(PLACE) % 2 == half) for half in (0, 1)] if job.key else []
    runs = [_run(job, rows, len(halves) // 2, 1), _run(job, _turned(rows), 0, -1)]
    everything = reduce(DataFrame.unionAll, [*runs, *[_run(job, half, -1, 0) for half in halves]])
    names = [column(name) for name in everything.columns if name not in (FOUND, ADDED, REMOVED)]
    sums = [F.sum(name).alias(name) for name in (ADDED, REMOVED)]
    counted = everything.groupBy(*names).agg(F.min(FOUND).alias(FOUND), *sums)
    wrong = counted.where((F.col(ADDED) != 0) | (F.col(REMOVED) != 0) | ~F.col(FOUND))
    key = F.struct(*key_columns(job.key or ())).alias("key")
    return wrong.select(key, FOUND, ADDED, REMOVED)


def _run(job: Job, given: DataFrame, keys: int, order: int) -> DataFrame:
    """The function's rows, whether they are of a key that was given, and how they count."""
    assert isinstance(job.reduce, PerKey)
    key = tuple(job.key or ())
    known = given.select(*key_columns(key)).distinct().withColumn(FOUND, F.lit(True)).alias("k")
    made = job.reduce.rows(given.drop(PLACE)).alias("f").join(known, same_key(key, "f", "k"), "left")
    found = F.coalesce(FOUND, F.lit(False)).alias(FOUND)
    return made.select("f.*", found, F.lit(keys).alias(ADDED), F.lit(order).alias(REMOVED))


def _counterexample(job: Job, row: Row) -> str:
    said = ", ".join(f"{name}={row['key'][name]}" for name in job.key or ()) or "the whole table"
    if not row[FOUND]:
        why = "none of the rows that it was given has this key; the key's columns must stay as they are"
    elif row[ADDED] != 0:
        why = "its rows are others when fewer keys are there; they must follow from the rows of their own key alone"
    else:
        why = (
            "its rows are others when they come in another order; order windows by so many columns that no two rows "
            "tie, and sort inside of a pandas function"
        )
    return f"{job.target}: {job.reduce} is refused: NOT_PER_KEY: tried on a few keys, at {said}: {why}."


def _sample(mapped: DataFrame, key: tuple[str, ...]) -> DataFrame:
    """Some rows of the least keys, with the key's place."""
    names = key_columns(key)
    least = mapped.select(*names).distinct().orderBy(*names).limit(KEYS)
    placed = least.withColumn(PLACE, F.row_number().over(Window.orderBy(*names))).alias("k")
    rows = mapped.alias("f").join(F.broadcast(placed), same_key(key, "f", "k"))
    each = rows.select("f.*", PLACE, F.row_number().over(Window.partitionBy(PLACE).orderBy(PLACE)).alias(SIGN))
    return each.where(F.col(SIGN) <= ROWS).drop(SIGN)


def _turned(rows: DataFrame) -> DataFrame:
    """The same rows, last first."""
    spark = rows.sparkSession
    turned = spark._jvm.java.util.ArrayList(rows._jdf.collectAsList())  # type: ignore[union-attr]
    spark._jvm.java.util.Collections.reverse(turned)  # type: ignore[union-attr]
    return local_frame(spark, rows.schema, turned)


def _marked(rows: DataFrame, apart: int, order: int) -> DataFrame:
    return rows.withColumn(ADDED, F.lit(apart)).withColumn(REMOVED, F.lit(order))
