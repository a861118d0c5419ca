"""Where a few keys lie: a condition that lets Delta skip the files that cannot hold any of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import DataType, DateType, DecimalType, IntegralType, StringType

from lakemill.reducers.columns import column, quoted


@dataclass(frozen=True)
class Near:
    """The least and the greatest value of each column of some keys, where that tells something."""

    bounds: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def of(self, table: str, names: Mapping[str, str] | None = None) -> Column:
        """True for every row of the DataFrame aliased `table` that has one of the keys, and false for most others.

        names: what the table calls the columns of the key, where it does not call them so.
        """
        called = {name: name for name in self.bounds} if names is None else names
        within = [
            F.col(f"{table}.{quoted(called[name])}").between(F.lit(least), F.lit(most))
            for name, (least, most) in self.bounds.items()
            if name in called
        ]
        return reduce(lambda one, other: one & other, within, F.lit(True))


def near(keys: DataFrame, key: tuple[str, ...]) -> Near:
    """Where these keys lie. Columns with NULL among them, or of which files keep no plain statistics, say nothing."""
    names = [name for name in key if _bounded(keys.schema[name].dataType)]
    if not names:
        return Near()
    asked = [part for name in names for part in (F.min(column(name)), F.max(column(name)), F.count(column(name)))]
    *found, count = keys.agg(*asked, F.count(F.lit(1))).collect()[0]
    bounds = zip(names, found[0::3], found[1::3], found[2::3], strict=True)
    return Near({name: (least, most) for name, least, most, present in bounds if present == count > 0})


def _bounded(kind: DataType) -> bool:
    return isinstance(kind, IntegralType | DecimalType | DateType | StringType)
