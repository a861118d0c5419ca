"""Every reducer over the rows of the histories, and what plain Python makes of the same rows."""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

from pyspark.sql import Column

from lakemill import (
    All,
    Any,
    ApproxCountDistinct,
    ApproxQuantile,
    ArgMax,
    ArgMin,
    Bag,
    CollectSet,
    CountDistinct,
    First,
    Histogram,
    Last,
    Max,
    Mean,
    Median,
    Min,
    Mode,
    Quantile,
    Reducer,
    StdDev,
    Sum,
    TopK,
    Variance,
)


@dataclass(frozen=True)
class Tight(Reducer):
    """The same with room for two values in a bag, so that short histories go past every bound."""

    of: Reducer

    @property
    def columns(self) -> tuple[str, ...]:
        return self.of.columns

    def prepare(self, types):
        return {f"tight_{name}": self._tight(part) for name, part in self.of.prepare(types).items()}

    def present(self, parts: Mapping[str, Column], types) -> Column:
        return self.of.present({name: parts[f"tight_{name}"] for name in self.of.prepare(types)}, types)

    def plain(self, types) -> Column:
        return self.of.plain(types)

    def _tight(self, part):
        return dataclasses.replace(part, bound=2) if isinstance(part, Bag) and part.bound else part


def values(rows: list[dict], *names: str) -> list:
    """The values of a column that are not NULL, or of several as tuples; both zeros are one."""
    found = [tuple(_plain(row[name]) for name in names) for row in rows]
    whole = [each for each in found if None not in each]
    return whole if len(names) > 1 else [each[0] for each in whole]


def _plain(value: object) -> object:
    return 0.0 if isinstance(value, float) and value == 0 else value


def order(value: object) -> tuple:
    """Spark's order: NULL first, then false, numbers, NaN."""
    if isinstance(value, tuple):
        return tuple(order(each) for each in value)
    nan = value != value
    return (value is not None, nan, 0 if value is None or nan else value)


def best(rows: list[dict], column: str, by: list[str], greatest: bool) -> object:
    taking = [tuple(_plain(row[name]) for name in (*by, column)) for row in rows if row[by[0]] is not None]
    if not taking:
        return None
    return (max if greatest else min)(taking, key=order)[-1]


def middle(numbers: list) -> object:
    if not numbers:
        return None
    ranked = sorted(numbers, key=order)
    low, high = ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]
    if isinstance(low, float):
        return low if low == high or (low != low and high != high) else (low + high) / 2
    with localcontext() as context:
        context.prec = 90
        return ((low + high) / 2).quantize(Decimal("0.000001"))


def at(numbers: list, q: float) -> object:
    return sorted(numbers, key=order)[max(1, math.ceil(q * len(numbers))) - 1] if numbers else None


def same(value: object) -> object:
    """NaN as something that equals itself."""
    return "nan" if value != value else value


def most(found: list) -> object:
    if not found:
        return None
    counts = Counter(map(same, found))
    return min((v for v in found if counts[same(v)] == max(counts.values())), key=order)


def exact(numbers: list[float], divide: bool) -> float | None:
    if not numbers:
        return None
    special = [number for number in numbers if not math.isfinite(number)]
    if special:
        return sum(special)
    total = sum(map(Fraction, numbers), Fraction(0))
    return float(total / len(numbers) if divide else total)


def variance(numbers: list[int]) -> float | None:
    if len(numbers) < 2:
        return None
    mean = Fraction(sum(numbers), len(numbers))
    return float(sum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1))


def about(value: float | None, error: float) -> float | None:
    """The middle of the value's bucket."""
    if value is None or value == 0 or not math.isfinite(value):
        return value
    growth = (1 + error) / (1 - error)
    return math.copysign(growth ** math.ceil(math.log(abs(value)) / math.log(growth)) * 2 / (1 + growth), value)


def distinct(found: list) -> list:
    return sorted({repr(same(v)): v for v in found}.values(), key=order)


def top(rows: list[dict], k: int, *names: str) -> list[tuple]:
    taking = [tuple(row[name] for name in names) for row in rows if row[names[0]] is not None]
    return sorted(taking, key=order, reverse=True)[:k]


def histogram(numbers: list[float], edges: list[float]) -> list[int]:
    found = [0] * (len(edges) + 1)
    for number in numbers:
        found[len(edges) if number != number else sum(number >= edge for edge in edges)] += 1
    return found


Tight.__module__ = "lakemill.tight"  # as lakemill's own: the histories are its trial, and a long one
ROUGH = {"variance", "deviation", "about_v"}
"""Doubles that are compared to 9 digits: Python rounds them elsewhere."""
ALGEBRA: dict[str, tuple[Reducer, Callable[[list[dict]], object]]] = {
    "any": (Any("ok"), lambda rows: any(values(rows, "ok")) if values(rows, "ok") else None),
    "all": (All("ok"), lambda rows: all(values(rows, "ok")) if values(rows, "ok") else None),
    "histogram": (Histogram("v", [0, 1.5]), lambda rows: histogram(values(rows, "v"), [0, 1.5])),
    "variance": (Variance("at"), lambda rows: variance(values(rows, "at"))),
    "deviation": (StdDev("at"), lambda rows: None if len(rows) < 2 else math.sqrt(variance(values(rows, "at")))),
    "sum_v": (Sum("v", exact=True), lambda rows: exact(values(rows, "v"), divide=False)),
    "mean_v": (Mean("v", exact=True), lambda rows: exact(values(rows, "v"), divide=True)),
    "about_v": (ApproxQuantile("v", 0.4), lambda rows: about(at(values(rows, "v"), 0.4), 0.01)),
    "about_x": (ApproxCountDistinct("x"), lambda rows: len(set(values(rows, "x")))),
}
BAGS: dict[str, tuple[Reducer, Callable[[list[dict]], object]]] = {
    "min_x": (Min("x"), lambda rows: min(values(rows, "x"), default=None)),
    "max_v": (Max("v"), lambda rows: max(values(rows, "v"), key=order, default=None)),
    "arg_min": (ArgMin("x", by="d"), lambda rows: best(rows, "x", ["d"], greatest=False)),
    "arg_max": (ArgMax("v", by=["n", "t"]), lambda rows: best(rows, "v", ["n", "t"], greatest=True)),
    "first": (First("t", by="at"), lambda rows: best(rows, "t", ["at"], greatest=False)),
    "last": (Last("d", by=["at", "n"]), lambda rows: best(rows, "d", ["at", "n"], greatest=True)),
    "median_x": (Median("x"), lambda rows: middle(values(rows, "x"))),
    "median_v": (Median("v"), lambda rows: middle(values(rows, "v"))),
    "quantile": (Quantile("t", 0.6), lambda rows: at(values(rows, "t"), 0.6)),
    "mode": (Mode("v"), lambda rows: most(values(rows, "v"))),
    "distinct_n": (CountDistinct("n"), lambda rows: len(set(values(rows, "n")))),
    "distinct_tv": (CountDistinct(["t", "v"]), lambda rows: len(distinct(values(rows, "t", "v")))),
    "set": (CollectSet("d"), lambda rows: distinct(values(rows, "d"))),
    "top": (TopK(3, by="at", keep=["x", "t"]), lambda rows: top(rows, 3, "at", "x", "t")),
}
