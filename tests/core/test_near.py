"""Skipping files must never skip a key."""

from pyspark.sql import functions as F

from lakemill import Count, Job
from lakemill.core.near import near

SCHEMA = "n bigint, t string, v double"


def test_every_key_is_near_and_far_ones_are_not(spark):
    keys = spark.createDataFrame([(3, "b", 1.0), (5, "a", None)], SCHEMA)
    rows = spark.createDataFrame([(3, "b", 9.9), (5, "a", None), (2, "a", 1.0), (4, "c", 1.0), (4, "a", 0.0)], SCHEMA)
    found = rows.alias("t").where(near(keys, ("n", "t", "v")).of("t"))
    assert sorted(row.n for row in found.collect()) == [3, 4, 5]


def test_a_key_with_null_bounds_nothing(spark):
    keys = spark.createDataFrame([(3, None, 1.0), (5, "a", None)], SCHEMA)
    rows = spark.createDataFrame([(3, None, 9.9), (5, "zz", None), (7, "a", 1.0)], SCHEMA)
    found = rows.alias("t").where(near(keys, ("n", "t")).of("t"))
    assert sorted(row.n for row in found.collect()) == [3, 5]
    assert rows.alias("t").where(near(keys.limit(0), ("n",)).of("t")).count() == 3
    assert rows.alias("t").where(near(keys, ()).of("t")).count() == 3


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
