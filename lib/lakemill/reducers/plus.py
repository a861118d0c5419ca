"""How two parts of a kind add up: the few kinds of addition that the core knows."""

from enum import Enum

from pyspark.sql import Column, functions as F


class Plus(Enum):
    """An associative, commutative addition; only SUM can also take away."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"

    @property
    def can_take_away(self) -> bool:
        """Whether a removed row is undone by adding its opposite (an abelian group)."""
        return self is Plus.SUM

    def over(self, parts: Column) -> Column:
        """The aggregate that adds all parts of a group; NULL where there is none."""
        return {Plus.SUM: F.sum, Plus.MIN: F.min, Plus.MAX: F.max}[self](parts)

    def two(self, left: Column, right: Column) -> Column:
        """The two parts added; a NULL is no part."""
        if self is Plus.SUM:
            return left + right
        keeps_left = left <= right if self is Plus.MIN else left >= right
        return F.when(right.isNull() | keeps_left, left).otherwise(right)

    def may_lose(self, old: Column, added: Column, removed: Column) -> Column:
        """Whether taking `removed` away may lower `old` in a way that `added` does not make good."""
        reaches = removed <= old if self is Plus.MIN else removed >= old
        makes_good = added <= old if self is Plus.MIN else added >= old
        return F.coalesce(reaches & ~F.coalesce(makes_good, F.lit(False)), F.lit(False))
