"""Where a few keys lie: a condition that lets Delta skip the files that cannot hold any of them."""

from functools import reduce

from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import DataType, DateType, DecimalType, IntegralType, StringType

from lakemill.reducers.columns import column, quoted


def near(keys: DataFrame, key: tuple[str, ...], table: str) -> Column:
    """True for every row of the DataFrame aliased `table` that has one of these keys, and false for most others.

    Each key column lies between its least and its greatest value. Columns that hold NULL among the keys, or that files
    keep no plain statistics of, say nothing.
    """
    names = [name for name in key if _bounded(keys.schema[name].dataType)]
    if not names:
        return F.lit(True)
    asked = [part for name in names for part in (F.min(column(name)), F.max(column(name)), F.count(column(name)))]
    *found, count = keys.agg(*asked, F.count(F.lit(1))).collect()[0]
    bounds = zip(names, found[0::3], found[1::3], found[2::3], strict=True)
    return reduce(
        lambda one, other: one & other,
        [
            F.col(f"{table}.{quoted(name)}").between(F.lit(least), F.lit(most))
            for name, least, most, present in bounds
            if present == count > 0
        ],
        F.lit(True),
    )


def _bounded(kind: DataType) -> bool:
    return isinstance(kind, IntegralType | DecimalType | DateType | StringType)
