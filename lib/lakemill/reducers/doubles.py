"""A column of doubles as parts that add up exactly, and what is presented of them.

The finite values are limbs by their bin; NaN and the infinities, which have none, are counted.
"""

import math
from collections.abc import Callable, Mapping

from pyspark.sql import Column, functions as F
from pyspark.sql.types import IntegerType

from lakemill.columns import column, let
from lakemill.reducers.bag import KEPT, Bag
from lakemill.reducers.count import counted, not_null
from lakemill.reducers.limbs import bin_of, double_limbs
from lakemill.reducers.nearest import rounded_mean, rounded_sum
from lakemill.reducers.part import COUNT, VALUE, Part


def double_parts(name: str) -> dict[str, Part]:
    """The parts of a column of doubles or floats; all of them add and take away."""
    x = column(name).cast("double")
    return {
        f"limbs_{name}": Bag(bin_of(x), IntegerType(), bound=None, more=lambda bins: double_limbs(x, bins)),
        f"count_{name}": not_null(name),
        f"nan_{name}": counted(F.isnan(x)),
        f"infinite_{name}": counted(x == math.inf),
        f"negative_infinite_{name}": counted(x == -math.inf),
    }


def double_total(name: str, parts: Mapping[str, Column]) -> Column:
    """The double nearest to the exact total; NULL of no values."""
    return _presented(name, parts, lambda entries, count: rounded_sum(entries))


def double_mean(name: str, parts: Mapping[str, Column]) -> Column:
    """The double nearest to the exact total divided by the count; NULL of no values."""
    return _presented(name, parts, rounded_mean)


def plain_double_total(name: str) -> Column:
    """The same total over a list of the values, each an entry of its own."""
    return double_total(name, _plain(name))


def plain_double_mean(name: str) -> Column:
    """The same mean over a list of the values, each an entry of its own."""
    return double_mean(name, _plain(name))


def _presented(name: str, parts: Mapping[str, Column], finite: Callable[[Column, Column], Column]) -> Column:
    count = parts[f"count_{name}"]
    up, down = parts[f"infinite_{name}"] > 0, parts[f"negative_infinite_{name}"] > 0
    special = F.when(count == 0, None).when((parts[f"nan_{name}"] > 0) | (up & down), math.nan)
    return special.when(up, math.inf).when(down, -math.inf).otherwise(finite(parts[f"limbs_{name}"][KEPT], count))


def _plain(name: str) -> dict[str, Column]:
    x = column(name).cast("double")
    listed = F.collect_list(F.when(F.abs(x) < math.inf, x))
    entries = F.transform(listed, lambda value: let(bin_of(value), lambda bins: _entry(value, bins)))
    return {
        f"limbs_{name}": F.struct(entries.alias(KEPT)),
        f"count_{name}": F.count(x),
        f"nan_{name}": F.count_if(F.isnan(x)),
        f"infinite_{name}": F.count_if(x == math.inf),
        f"negative_infinite_{name}": F.count_if(x == -math.inf),
    }


def _entry(value: Column, bins: Column) -> Column:
    limbs = [limb.alias(name) for name, limb in double_limbs(value, bins).items()]
    return F.struct(bins.alias(VALUE), F.lit(1).cast("bigint").alias(COUNT), *limbs)
