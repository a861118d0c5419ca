"""Any quantile within a relative error, from counts by the logarithm of the value: removals subtract.

C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019; buckets are never collapsed, so that the guarantee holds for every quantile.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, IntegerType

from lakemill.columns import column, let, number
from lakemill.errors import UsageError
from lakemill.reducers.bag import KEPT, Bag
from lakemill.reducers.quantile import rows_of, value_at
from lakemill.reducers.reducer import Reducer

MIDDLE = 1 << 28
"""The bucket of 1.0: those of positive values are above 0, those of negative values below, both zeros are 0."""
INFINITE, NAN = 1 << 30, (1 << 30) + 1


@dataclass(frozen=True)
class ApproxQuantile(Reducer):
    """A value within `error` (relative) of the q-quantile of a column of numbers (double); NULLs do not count.

    Its state is one count for each bucket of width `error` that has values: some hundreds for most data. The quantile
    is that of Quantile: the least value that a share `q` of the rows is not greater than.
    """

    column: str
    q: float
    error: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.q <= 1 or not 0.0001 <= self.error <= 0.5:
            raise UsageError(
                f'ApproxQuantile("{self.column}", {self.q}, {self.error}): q is from 0 to 1, the relative error from '
                "0.0001 to 0.5."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def _part(self) -> str:
        return f"buckets_{self.column}_{self.error}"

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Bag]:
        number(self.column, types)
        return {self._part: Bag(self._bucket(), IntegerType(), bound=None)}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return let(parts[self._part][KEPT], lambda kept: self._value(value_at(kept, self._rank(rows_of(kept)))))

    def plain(self, types: Mapping[str, DataType]) -> Column:
        buckets = F.sort_array(F.collect_list(self._bucket()))
        return let(buckets, lambda values: self._value(F.get(values, (self._rank(F.size(values)) - 1).cast("int"))))

    def _rank(self, rows: Column) -> Column:
        return F.greatest(F.lit(1), F.ceil(F.lit(self.q) * rows)).cast("bigint")

    @property
    def _growth(self) -> float:
        return (1 + self.error) / (1 - self.error)

    def _bucket(self) -> Column:
        """The bucket (int) of a value: by its logarithm, the same on every machine (StrictMath)."""
        x = column(self.column).cast("double")
        size = F.abs(x)
        magnitude = F.ceil(F.ln(size) / math.log(self._growth)).cast("int") + MIDDLE
        positive = F.when(size == math.inf, INFINITE).otherwise(magnitude)
        return F.when(F.isnan(x), NAN).when(x == 0, 0).when(x > 0, positive).when(x < 0, -positive)

    def _value(self, bucket: Column) -> Column:
        """The value in the middle of a bucket, by relative error."""
        middle = F.pow(F.lit(self._growth), F.abs(bucket) - MIDDLE - 1) * (2 * self._growth / (1 + self._growth))
        size = F.least(middle, F.lit(sys.float_info.max))  # the last bucket goes past the greatest double
        known = F.when(bucket == NAN, math.nan).when(F.abs(bucket) == INFINITE, F.signum(bucket) * math.inf)
        return known.when(bucket == 0, 0.0).when(bucket.isNotNull(), F.signum(bucket) * size)

    def __str__(self) -> str:
        return f"ApproxQuantile({self.column}, {self.q}, {self.error})"
