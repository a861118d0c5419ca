"""Exact sums and means of doubles against Python's fractions, bit for bit."""

import math
import random
import struct
from collections.abc import Callable, Iterable
from fractions import Fraction

import pytest
from pyspark.sql import Column, DataFrame, SparkSession, functions as F

from lakemill.reducers.limbs import bin_of, double_limbs
from lakemill.reducers.nearest import rounded_mean, rounded_sum

SEED = random.SystemRandom().randrange(10**6)
MAX, LEAST = math.ldexp(2.0 - 2.0**-52, 1023), math.ldexp(1.0, -1074)
ENTRIES = "array<struct<value: int, count: bigint, high: bigint, middle: bigint, low: bigint>>"

SUMS = [  # what a sum is easily wrong about
    [],
    [0.0],
    [-0.0],
    [-0.0, -0.0],
    [0.1] * 10,
    [0.1, 0.2, -0.3],
    [1e308, 1.0, -1e308],
    [1e16, 1.0, -1e16, 1e-300, -1e-300],
    [MAX, -MAX],
    [MAX, MAX, -MAX],
    [MAX] * 1000 + [-MAX] * 999,
    [MAX, MAX],
    [MAX] * 1000,
    [MAX, 2.0**970],
    [MAX, math.nextafter(2.0**970, 0)],
    [MAX, 2.0**970, -LEAST],
    [LEAST] * 3,
    [LEAST, -LEAST],
    [2.0**-1022, -LEAST],
    [2.0**-1022, LEAST],
    [MAX, LEAST],
    [MAX, LEAST, -MAX],
    [1.0, 2.0**-53],  # halfway, the lower is even
    [1.0 + 2.0**-52, 2.0**-53],  # halfway, the upper is even
    [1.0, 2.0**-53, LEAST],
    [1.0, 2.0**-53, -LEAST],
    [1.0 + 2.0**-52, 2.0**-53, -LEAST],
    [1.0, -(2.0**-54)],  # halfway below a power of two
    [1.0, -(2.0**-54), -LEAST],
    [1.0, -(2.0**-54), LEAST],
    [2.0**53, 1.0, 2.0**-300, -(2.0**-300)],
    [2.0**81, -LEAST],
    [2.0**27, -(2.0**27), 2.0**-27],
    [2.0**80 - 2.0**27, 2.0**27 - 1.0],
]
MEANS = [  # a sum and what it is divided by
    ([LEAST], 2),
    ([LEAST] * 3, 2),
    ([-LEAST] * 5, 2),
    ([LEAST] * 5, 3),
    ([LEAST], 2**36 - 1),
    ([-MAX] * 10, 10),
    ([MAX, 2.0**970], 1),
    ([MAX] * 3, 2),
    ([1.0 + 2.0**-52, 2.0**-53], 2),
    ([3.0, 3.0 * 2.0**-53], 3),  # halfway
    ([3.0, 3.0 * 2.0**-53, LEAST], 3),
    ([3.0, 3.0 * 2.0**-53, -LEAST], 3),
    ([2.0**-1022], 3),
    ([math.nextafter(2.0**-1021, 0)], 2),  # rounds up to a normal double
]


def bits(x: float | None) -> bytes | None:
    return None if x is None else struct.pack(">d", x)


def nearest(exact: Fraction) -> float:
    try:
        return float(exact) + 0.0
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def exact_sum(values: Iterable[float]) -> Fraction:
    """In units of the least double: adding integers is much faster than adding fractions."""
    return Fraction(sum(int(Fraction(x) * 2**1074) for x in values), 2**1074)


def edges() -> list[float]:
    """Every power of two with its neighbours: among them the edges of all bins."""
    powers = [math.ldexp(1.0, exponent) for exponent in range(-1074, 1024)]
    near = [x for power in powers for x in (math.nextafter(power, 0), power, math.nextafter(power, math.inf))]
    return [x if at % 2 else -x for at, x in enumerate([*near, MAX])]


class Doubles:
    """Random doubles of the kinds that are hard to add."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def any(self, low: int = -1074, high: int = 1023) -> float:
        x = math.ldexp(self.random.uniform(1, 2), self.random.randint(low, high))
        return self.random.choice((x, -x))

    def close(self) -> list[float]:
        low = self.random.randint(-1074, 960)
        return [self.any(low, low + 60) for _ in range(self.random.randint(1, 12))]

    def wide(self) -> list[float]:
        return [self.any() for _ in range(self.random.randint(1, 12))]

    def tiny(self) -> list[float]:
        return [self.any(-1074, -1015) for _ in range(self.random.randint(1, 6))]

    def huge(self) -> list[float]:
        return [self.any(1015, 1023) for _ in range(self.random.randint(1, 8))]

    def cancelling(self) -> list[float]:
        """What is left is far below what cancels, or nothing."""
        values = self.random.choice((self.close, self.wide))()
        return [*values, *(-x for x in values), *self.random.choice(([], self.tiny(), self.close()))]

    def halfway(self) -> list[float]:
        """Halfway between two doubles, or a trifle off."""
        x = self.any(-900, 1000)
        half = math.ldexp(1.0, math.frexp(x)[1] - 54)
        off = self.any(-1074, math.frexp(half)[1] - 20)
        return [x, self.random.choice((half, -half, half / 2, -half / 2)), *self.random.choice(([], [off]))]

    def values(self) -> list[float]:
        kinds = (self.close, self.wide, self.tiny, self.huge, self.cancelling, self.halfway)
        values = self.random.choice(kinds)()
        self.random.shuffle(values)
        return values

    def count(self) -> int:
        dice = self.random
        return dice.choice((dice.randint(1, 1000), 2 ** dice.randint(0, 35), dice.randint(1, 2**36 - 1)))


def cases() -> list[tuple[list[float], int]]:
    doubles = Doubles(SEED)
    singles = [([x], doubles.count()) for x in edges()]
    means = [([x * 7.0, x / 3.0, -x], n) for n, x in enumerate((doubles.any(-1000, 1000) for _ in range(1000)), 1)]
    mixed = [(doubles.values(), doubles.count()) for _ in range(4000)]
    return [*((values, 1 + at) for at, values in enumerate(SUMS)), *MEANS, *singles, *means, *mixed]


def totals(rows: DataFrame) -> DataFrame:
    """The entries of each group g, from rows of g, x and a weight: 1 adds x, -1 takes it away."""
    x, bins, weight = F.col("x"), F.col("value"), F.col("weight")
    sums = [F.sum(part * weight).alias(name) for name, part in double_limbs(x, bins).items()]
    placed = rows.withColumn("value", bin_of(x)).groupBy("g", "value").agg(F.sum("weight").alias("count"), *sums)
    entry = F.struct("value", "count", "high", "middle", "low")
    return placed.where("count > 0").groupBy("g").agg(F.collect_list(entry).alias("entries"))


def rows(groups: Iterable[list[float]], weight: int = 1) -> list[tuple[int, float, int]]:
    return [(g, x, weight) for g, values in enumerate(groups) for x in values]


def frame(spark: SparkSession, data: list[tuple[int, float, int]]) -> DataFrame:
    return spark.createDataFrame(data, "g int, x double, weight bigint")


def test_sums_and_means_are_the_nearest_doubles(spark: SparkSession) -> None:
    print(f"seed {SEED}")
    given = cases()
    counts = spark.createDataFrame([(g, n) for g, (_, n) in enumerate(given)], "g int, n bigint")
    entries = F.coalesce("entries", F.array().cast(ENTRIES))
    found = (
        counts.join(totals(frame(spark, rows(values for values, _ in given))), "g", "left")
        .select("g", rounded_sum(entries).alias("sum"), rounded_mean(entries, F.col("n")).alias("mean"))
        .collect()
    )
    assert len(found) == len(given)
    for g, total, mean in found:
        values, n = given[g]
        exact = exact_sum(values)
        assert bits(total) == bits(nearest(exact)), f"sum of {values}: {total!r}, seed {SEED}"
        assert bits(mean) == bits(nearest(exact / n)), f"sum of {values} / {n}: {mean!r}, seed {SEED}"


def test_entries_depend_on_neither_order_nor_what_was_removed(spark: SparkSession) -> None:
    doubles = Doubles(SEED)
    stay, go = ([doubles.values() for _ in range(200)] for _ in range(2))
    plain = rows(stay)
    mixed = [*plain, *rows(go), *rows(go, -1)]
    doubles.random.shuffle(mixed)

    def found(data: DataFrame) -> dict:
        return {g: sorted(entries) for g, entries in totals(data).collect()}

    assert found(frame(spark, mixed).repartition(5)) == found(frame(spark, plain)), f"seed {SEED}"


def test_limbs_are_the_double(spark: SparkSession) -> None:
    doubles = Doubles(SEED)
    values = [0.0, -0.0, *edges(), *(doubles.any() for _ in range(5000))]
    x = F.col("x")
    data = spark.createDataFrame([(v,) for v in values], "x double")
    found = (
        data.withColumn("bin", bin_of(x))
        .select("x", "bin", F.struct(*double_limbs(x, F.col("bin")).values()))
        .collect()
    )
    for value, at, (high, middle, low) in found:
        whole = (high << 54) + (middle << 27) + low
        assert whole * Fraction(2) ** (27 * (at - 2)) == Fraction(value), f"{value!r}, seed {SEED}"
        assert -40 <= at <= 37 and abs(high) <= 2**27 and 0 <= middle < 2**27 and 0 <= low < 2**27, f"{value!r}"
    assert {(at, *parts) for value, at, parts in found if value == 0} == {(0, 0, 0, 0)}


def test_what_is_no_number_has_no_bin(spark: SparkSession) -> None:
    x = F.col("x")
    data = spark.createDataFrame([(v,) for v in (None, math.nan, math.inf, -math.inf)], "x double")
    found = data.withColumn("bin", bin_of(x)).select("bin", *double_limbs(x, F.col("bin")).values()).collect()
    assert {tuple(row) for row in found} == {(None,) * 4}


@pytest.mark.parametrize("rounded", [rounded_sum, lambda entries: rounded_mean(entries, F.lit(2))])
def test_no_entries_are_zero_and_null_is_null(spark: SparkSession, rounded: Callable[[Column], Column]) -> None:
    none, nothing = F.lit(None).cast(ENTRIES), F.array().cast(ENTRIES)
    assert [bits(x) for x in spark.range(1).select(rounded(none), rounded(nothing)).first()] == [None, bits(0.0)]


def test_the_largest_totals_fit(spark: SparkSession) -> None:
    """2^34 rows of the largest limbs in each of five neighbouring bins, the upper two negative."""
    low = 2**34 * (2**27 - 1)
    kept = [(at, 2**34, 2**61 if at < 1 else -(2**61), low, low) for at in range(-2, 3)]
    exact = sum(
        (high * 2**54 + middle * 2**27 + low) * Fraction(2**27) ** (at - 2) for at, _, high, middle, low in kept
    )
    data = spark.createDataFrame([(kept,)], f"entries {ENTRIES}")
    found = data.select(rounded_sum(F.col("entries")), rounded_mean(F.col("entries"), F.lit(2**36 - 1))).first()
    assert [bits(x) for x in found] == [bits(nearest(exact)), bits(nearest(exact / (2**36 - 1)))]


def test_powers_of_two_are_exact(spark: SparkSession) -> None:
    found = spark.range(-600, 601).select("id", F.pow(F.lit(2.0), "id")).collect()
    assert all(power == math.ldexp(1.0, exponent) for exponent, power in found)
