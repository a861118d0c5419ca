"""How many of a key's rows fall between given edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType

from lakemill.columns import column, number
from lakemill.errors import UsageError
from lakemill.reducers.count import counted
from lakemill.reducers.part import Total
from lakemill.reducers.reducer import Reducer


@dataclass(frozen=True)
class Histogram(Reducer):
    """The number of rows below the first edge, from each edge to before the next, and from the last on.

    array<bigint>, one more than there are edges. NULLs do not count; NaN is greater than every number.
    """

    column: str
    edges: Sequence[int | float | Decimal]

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(self.edges))
        rising = all(low < high for low, high in pairwise(self.edges))
        if not self.edges or not rising or not all(edge == edge for edge in self.edges):
            raise UsageError(
                f'Histogram("{self.column}", {list(self.edges)}): the edges are numbers, each above the last.'
            )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Total]:
        number(self.column, types)
        return {name: counted(within) for name, within in self._buckets().items()}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return F.array(*[parts[name] for name in self._buckets()])

    def recover(self, presented: Column) -> dict[str, Column]:
        return {name: F.get(presented, F.lit(at)) for at, name in enumerate(self._buckets())}

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return F.array(*[F.count_if(within) for within in self._buckets().values()])

    def _buckets(self) -> dict[str, Column]:
        """Each bucket's name and condition."""
        x, lows, highs = column(self.column), (None, *self.edges), (*self.edges, None)
        buckets = {}
        for low, high in zip(lows, highs, strict=True):
            within = F.lit(True) if low is None else x >= F.lit(low)
            within = within & x.isNotNull() if high is None else within & (x < F.lit(high))
            buckets[f"{self.column}_{'' if low is None else low}_to_{'' if high is None else high}"] = within
        return buckets
