"""Rows that meet by their key: how they are grouped, compared and looked up."""

from collections.abc import Iterable, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, GroupedData, functions as F

from lakemill.columns import column, quoted

NO_KEY = "_all"
"""The one column of an empty key, which is the same for all rows."""


def key_columns(key: Sequence[str]) -> list[Column]:
    """The key's columns; for an empty key one, `_all`, so that there is a column to group by."""
    return [column(name) for name in key] or [F.lit(True).alias(NO_KEY)]


def by_key(frame: DataFrame, key: Sequence[str]) -> GroupedData:
    """The rows grouped by the key; an empty key is one group, and none where there are no rows.

    So a table with an empty key has no row before its source has one; Spark's groupBy without columns would give one.
    """
    return frame.groupBy(*key_columns(key))


def same_key(key: Iterable[str], left: str, right: str) -> Column:
    """Whether rows of the DataFrames with these aliases have the same key. NULL meets NULL; an empty key is one key.

    Grouping puts rows whose key is NULL into one group, so a change of that group has to find its row by the same
    rule: with `==` it would never be found, and be inserted anew by every update.
    """
    pairs = [F.col(f"{left}.{quoted(name)}").eqNullSafe(F.col(f"{right}.{quoted(name)}")) for name in key]
    return reduce(lambda first, second: first & second, pairs, F.lit(True))


def of_keys(frame: DataFrame, keys: DataFrame, key: Sequence[str], few: bool) -> DataFrame:
    """The rows of these keys alone; few keys are sent to where the rows are."""
    named = keys.select(*[column(name) for name in key])
    sought = (F.broadcast(named) if few else named).alias("k")
    return frame.alias("f").join(sought, same_key(key, "f", "k"), "left_semi")
