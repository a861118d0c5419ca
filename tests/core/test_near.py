"""Skipping files must never skip a key."""

from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from lakemill import Count, Job
from lakemill.core.local import to_local
from lakemill.core.near import RANGES, VALUES, near

SCHEMA = "n bigint, t string, v double"


def test_every_key_is_near_and_far_ones_are_not(spark):
    keys = spark.createDataFrame([(3, "b", 1.0), (5, "a", None)], SCHEMA)
    rows = spark.createDataFrame([(3, "b", 9.9), (5, "a", None), (2, "a", 1.0), (4, "c", 1.0), (4, "a", 0.0)], SCHEMA)
    found = rows.alias("t").where(near(keys, ("n", "t", "v")).of("t"))
    assert sorted(row.n for row in found.collect()) == [3, 5]


def test_a_key_with_null_bounds_nothing(spark):
    keys = spark.createDataFrame([(3, None, 1.0), (5, "a", None)], SCHEMA)
    rows = spark.createDataFrame([(3, None, 9.9), (5, "zz", None), (7, "a", 1.0)], SCHEMA)
    found = rows.alias("t").where(near(keys, ("n", "t")).of("t"))
    assert sorted(row.n for row in found.collect()) == [3, 5]
    assert rows.alias("t").where(near(keys.limit(0), ("n",)).of("t")).count() == 3
    assert rows.alias("t").where(near(keys, ()).of("t")).count() == 3


SPREAD = {
    "n bigint": [*range(100), 10**18, -(10**18)],
    "n int": list(range(0, 4000, 9)),
    "n date": [date(2017, 1, 1), date(2017, 1, 2), date(2024, 2, 29), date(1, 1, 1)],
    "n string": ["", "a", "a\0", "ab", "é", "zz", "\U0001f600", *(f"customer-{n:06}" for n in range(50))],
    "n decimal(38,2)": [Decimal("9" * 36 + ".99"), Decimal("-0.01"), Decimal("0.00"), Decimal("0.01")],
}


@pytest.mark.parametrize("schema", SPREAD)
def test_ranges_hold_every_key_and_not_what_lies_between(spark, schema):
    keys = spark.createDataFrame([(value,) for value in SPREAD[schema]], schema)
    place = near(keys, ("n",))
    assert keys.alias("t").where(place.of("t")).count() == len(SPREAD[schema])
    assert len(place.ranges["n"]) <= RANGES
    if schema == "n bigint":
        assert place.ranges["n"] == [(-(10**18), -(10**18)), (0, 99), (10**18, 10**18)]
    if schema == "n date":
        days = [(last - first, first) for first, last in place.ranges["n"]]
        assert days == [(0, -719162), (1, 17167), (0, 19782)]


def test_ranges_are_few_and_leave_out_much(spark):
    keys = spark.range(600).selectExpr("id * 7 n", "id % 40 * 9 m", "cast(id % 2 * 1000 + id % 5 as int) far")
    assert near(keys, ("n", "m", "far")).ranges == {"n": [(0, 4193)], "m": [(0, 351)], "far": [(0, 4), (1000, 1004)]}
    scattered = spark.createDataFrame([(3**n, -(3**n), 5**n) for n in range(25)], "a bigint, b bigint, c bigint")
    ranges = near(scattered, ("a", "b", "c")).ranges
    assert sum(map(len, ranges.values())) == 15 <= RANGES


def test_dates_that_python_does_not_know(spark):
    keys = spark.sql("select explode(array(date'0000-01-01', date'2017-01-01', date'+12345-01-01')) day")
    place = near(to_local(keys)[0], ("day",))
    assert keys.alias("t").where(place.of("t")).count() == 3
    assert spark.sql("select date'2016-12-31' day").alias("t").where(place.of("t")).isEmpty()


def test_of_very_many_values_the_ends_are_told(spark):
    keys = spark.range(0, 3 * (VALUES + 2), 3).toDF("n")
    assert near(keys, ("n",)).ranges["n"] == [(0, 3 * (VALUES + 1))]


def test_what_lies_between_far_keys_is_not_read(lake):
    for day in range(6):
        lake.put("raw.rows", [(day, n) for n in range(3)], "day int, n int")
    place = near(lake.spark.createDataFrame([(0,), (5,)], "day int"), ("day",))
    rows = lake.world.lake.table("raw.rows").pin().rows().alias("t")
    assert [files_read(some) for some in (rows, rows.where(place.of("t")))] == [6, 2]


def files_read(rows) -> int:
    """How many files a query of one table reads."""
    execution = rows._jdf.queryExecution()
    execution.toRdd().count()
    return execution.executedPlan().collectLeaves().head().metrics().apply("numFiles").value()


def test_a_merge_of_near_keys_rewrites_only_their_files(lake):
    job = Job(source="raw.rows", key=["n"], reduce={"c": Count()}, target="gold.rows")
    schema = "n bigint"
    lake.put("raw.rows", [(n,) for n in range(100)], schema)
    lake.run(job)
    table = lake.frame("gold.rows").drop("_state")
    assert table.count() == 100
    lake.put("raw.rows", [(n,) for n in range(100, 110)], schema)
    assert lake.run(job).files_rewritten == 0
    lake.put("raw.rows", [(105,), (200,)], schema)
    run = lake.run(job)
    assert run.files_rewritten == 1
    assert run.rows_rewritten < 10  # the file of 105, at most the ten rows of its commit; never the hundred
    assert lake.frame("gold.rows").agg(F.sum("c")).first()[0] == 112
    assert lake.differences(job) == []
