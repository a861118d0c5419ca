"""Rows counted as bags: in which rows two frames differ, and how often; and what of a change a PerKey job asks.

A table without a row key may hold equal rows, so rows are compared by how often each is there.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F

from lakemill.columns import column, has_no_order
from lakemill.core.keys import key_columns, of_keys, same_key
from lakemill.core.mapreduce import GONE
from lakemill.core.weights import WEIGHT, less, net, told_apart, went
from lakemill.errors import UsageError, row_text
from lakemill.job import Job

SIGN, ADDED, REMOVED = "_sign", "_added", "_removed"


def touched_keys(weighed: DataFrame, key: Sequence[str]) -> DataFrame:
    """The keys whose mapped rows change; a row that came and went within the change touches none.

    The columns are those of the key; for key=[] there is one row, with the column `_all`, where anything changed.
    """
    # Rows that lie with the others of their key are neither moved again by the grouping nor by the distinct.
    changed = weighed.repartition(*[column(name) for name in key]) if key else weighed.repartition(1)
    if not any(has_no_order(field.dataType) for field in weighed.schema.fields):
        changed = changed.groupBy(*told_apart(weighed)).agg(F.sum(WEIGHT).alias(SIGN)).where(F.col(SIGN) != 0)
    return changed.select(*key_columns(key)).distinct()


def difference(old: DataFrame, new: DataFrame) -> DataFrame:
    """What makes the bag `old` the bag `new`: rows to insert, and rows, marked `_gone`, all copies of which are to go.

    Delta's MERGE cannot delete one of two equal rows: where fewer copies are wanted, all go and the wanted ones come
    again, in the same commit.
    """
    names = [column(name) for name in new.columns]
    both = old.select(*names, F.lit(1).alias(REMOVED), F.lit(0).alias(ADDED)).unionAll(
        new.select(*names, F.lit(0).alias(REMOVED), F.lit(1).alias(ADDED))
    )
    counted = both.groupBy(*names).agg(F.sum(REMOVED).alias(REMOVED), F.sum(ADDED).alias(ADDED))
    fewer = F.col(ADDED) < F.col(REMOVED)
    copies = F.when(fewer, F.col(ADDED)).otherwise(F.col(ADDED) - F.col(REMOVED)).cast("int")
    marks = F.concat(F.array_repeat(F.lit(False), copies), F.array_repeat(F.lit(True), fewer.cast("int")))
    return counted.where(F.col(ADDED) != F.col(REMOVED)).select(*names, F.explode(marks).alias(GONE))


def advanced_rows(stored: DataFrame, change: DataFrame, few: bool) -> DataFrame:
    """What makes a bag of these rows what it is after a weighed change, as `difference` gives it.

    Of the stored rows only those are looked at of which copies went. A row that went and is not there fails the query
    with CORRUPT_FEED.   few: whether the rows that went are few enough to be sent to where the stored ones are.
    """
    names = stored.columns
    gone = went(net(change)).distinct()
    old = of_keys(stored, gone, names, few)
    return difference(old, less(old, change.withColumn(WEIGHT, -F.col(WEIGHT))))


def unequal(stored: DataFrame, expected: DataFrame) -> DataFrame:
    """EXCEPT ALL both ways in one pass: the rows that one side has more often, `_sign` > 0 where it is `stored`."""
    names = expected.columns
    both = stored.select(*[column(name) for name in names], F.lit(1).alias(SIGN)).unionAll(
        expected.select(*[column(name).cast(stored.schema[name].dataType) for name in names], F.lit(-1).alias(SIGN))
    )
    return both.groupBy(*[column(name) for name in names]).agg(F.sum(SIGN).alias(SIGN)).where(F.col(SIGN) != 0)


def check_keys(job: Job, changed: DataFrame, touched: DataFrame, few: bool) -> None:
    """Raise UsageError where the function gave rows of a key that it was not given: Python may have changed it.

    Such a row would be written beside the rows of a key that this run does not compare, and stay there.
    """
    key = tuple(job.key or ())
    given = (F.broadcast(touched) if few else touched).alias("k")
    strange = changed.alias("f").join(given, same_key(key, "f", "k"), "left_anti").limit(1).collect() if key else []
    if strange:
        row = row_text({name: strange[0][name] for name in key})
        raise UsageError(
            f"{job.target}: {job.reduce} gave a row of {row}, but none of the rows that it was given has this key; "
            "the key's columns must stay as they are. Nothing was written."
        )
