"""The laws that updates stand on: parts add in any order and grouping, and what was added can be taken away."""

import functools
import random
from datetime import date
from decimal import Decimal

import pytest
from frames import assert_same
from pyspark.sql import Column, functions as F
from pyspark.sql.types import ArrayType, LongType, StructType

from lakemill import Count, CountIf, Job, Latest, Max, Mean, Min, Sum
from lakemill.core import mapreduce
from lakemill.core.reduction import Reduction, reduction
from lakemill.errors import UsageError

SCHEMA = "g int, third int, x decimal(38,4), y decimal(20,10), n bigint, i int, t string, d date, v double, ok boolean"
NESTED = ArrayType(LongType())
REDUCERS = {  # side by side in one job, so that Spark is paid once
    "columns": {
        "count": Count(),
        "count_if": CountIf("ok"),
        "sum_of_decimals": Sum("x"),
        "sum_of_integers": Sum("i"),
        "sum_of_many_places": Sum("y"),
        "mean_of_many_places": Mean("y"),
        "mean_of_decimals": Mean("x"),
        "mean_of_integers": Mean("n"),
        "min_of_texts": Min("t"),
        "min_of_doubles": Min("v"),
        "max_of_dates": Max("d"),
        "max_of_decimals": Max("x"),
    },
    "latest": Latest(by=["i", "t"]),
}


def rows(seed: int, groups: int) -> list[tuple]:
    maybe = random.Random(seed).choice
    return [
        (
            g,
            third,
            maybe([None, Decimal("0"), Decimal("-1.0001"), Decimal("9" * 30), Decimal("2.5")]),
            maybe([None, Decimal("0.0000000001"), Decimal("-1.2345678901"), Decimal("7.0000000007")]),
            maybe([None, 0, -5, 2**40]),
            maybe([None, 0, -(2**31), 2**31 - 1, 3]),
            maybe([None, "", "a", "b", "é"]),
            maybe([None, date(2017, 1, 1), date(1999, 12, 31)]),
            maybe([None, 0.0, -0.0, 1.5, float("nan"), float("inf")]),
            maybe([None, True, False]),
        )
        for g in range(groups)
        for third in range(3)
        for _ in range(maybe([0, 1, 1, 2, 3]))
    ]


def made(spark, reduce) -> Reduction:
    job = Job(source="raw.rows", key=["g"], reduce=reduce, target="gold.rows")
    return reduction(job, table(spark, 1, 1, reduce).schema)


def table(spark, seed: int, groups: int, reduce):
    """The random rows; chispa cannot compare a NaN inside of Latest's rows."""
    frame = spark.createDataFrame(rows(seed, groups), SCHEMA)
    return frame.drop("v") if isinstance(reduce, Latest) else frame


def thirds(spark, of: Reduction):
    """The parts of each third of a group's rows, side by side, an empty one as NULL; and those of all rows."""
    frame = table(spark, 7, 200, of.job.reduce)
    each = [mapreduce.totals(frame.where(F.col("third") == third), of).alias(f"p{third}") for third in range(3)]
    whole = mapreduce.totals(frame, of)
    joined = whole.select("g").join(each[0], "g", "left").join(each[1], "g", "left").join(each[2], "g", "left")
    return joined, whole


@pytest.mark.parametrize("name", REDUCERS)
def test_parts_add_in_any_order_and_grouping(spark, name):
    of = made(spark, REDUCERS[name])
    joined, whole = thirds(spark, of)

    def part(name: str, third: int) -> Column:
        value = F.col(f"p{third}.{name}")
        return F.coalesce(value, F.lit(0).cast(of.parts[name].type)) if of.parts[name].plus.can_take_away else value

    def added(name: str, a: int, b: int, c: int, left: bool) -> Column:
        two, parts = of.parts[name].two, [part(name, third) for third in (a, b, c)]
        added_up = two(two(parts[0], parts[1]), parts[2]) if left else two(parts[0], two(parts[1], parts[2]))
        return added_up.cast(of.parts[name].type)

    orders = ((0, 1, 2, True), (0, 1, 2, False), (2, 0, 1, True), (1, 2, 0, False))
    both = joined.join(whole.alias("w"), "g")
    unequal = [~added(name, *order).eqNullSafe(F.col(f"w.{name}")) for name in of.parts for order in orders]
    assert both.where(functools.reduce(lambda one, other: one | other, unequal)).collect() == []
    assert both.count() > 150


@pytest.mark.parametrize("name", REDUCERS)
def test_what_came_and_went_is_neither(spark, name):
    of = made(spark, REDUCERS[name])
    frame = table(spark, 8, 100, of.job.reduce)
    change = mapreduce.weigh(frame, frame)
    assert mapreduce.delta(change, of).count() == 0


@pytest.mark.parametrize("name", REDUCERS)
def test_presented_is_plain(spark, name):
    """A reducer's own ordinary aggregate gives the column that its parts present."""
    from lakemill.core.verify import expected_rows

    of = made(spark, REDUCERS[name])
    frame = table(spark, 9, 200, of.job.reduce)
    presented = mapreduce.target_rows(mapreduce.totals(frame, of), of)
    assert_same(presented, expected_rows(frame, of).select(presented.columns))


@pytest.mark.parametrize(
    ("reducer", "says"),
    [
        (Sum("v"), r'F.col\("v"\).cast'),
        (Mean("v"), "depends on the order"),
        (Sum("t"), "integers and decimals"),
        (Sum("amuont"), "map gives"),
        (CountIf("t"), "boolean"),
        (Max("nested"), "numbers, texts"),
    ],
)
def test_a_wrong_column_is_refused_by_name(spark, reducer, says):
    job = Job(source="raw.rows", key=["g"], reduce={"total": reducer}, target="gold.rows")
    with pytest.raises(UsageError, match=says) as refused:
        reduction(job, StructType().add("g", "integer").add("v", "double").add("t", "string").add("nested", NESTED))
    assert 'gold.rows: reducer "total"' in str(refused.value)


def test_spark_combines_before_it_shuffles(spark):
    from lakemill.core.explain import steps

    of = made(spark, {"c": Count(), "s": Sum("x"), "m": Max("t")})
    plan = steps(mapreduce.totals(spark.createDataFrame(rows(1, 3), SCHEMA), of))
    words = [word for word, _ in plan]
    assert words.index("combine") < words.index("shuffle") < words.index("reduce")
    assert "partial_sum" in dict(plan)["combine"]
