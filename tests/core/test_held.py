"""What an update holds on the driver is bounded by what really comes."""

from pyspark.sql import functions as F

from lakemill.core.local import holding

RESULTS = "spark.driver.maxResultSize"


def test_what_is_larger_than_the_driver_takes_stays_on_the_executors(spark):
    conf = spark.sparkContext._jsc.sc().conf()
    limit = conf.get(RESULTS)
    assert int(limit) >= 32 * 1024 * 1024, "a session sets it"
    rows = spark.range(0, 3000, 1, 2).select("id", F.sha2(F.col("id").cast("string"), 512).alias("text"))
    conf.set(RESULTS, "100k")
    try:
        with holding(True) as held:
            few, count = held.hold(rows.limit(10))
            assert (held.small, count, few.count()) == (True, 10, 10)
            many, count = held.hold(rows)
            assert (held.small, count) == (False, 3000)
            assert many.storageLevel.useMemory and held.kept == [many]
            after, _ = held.hold(rows.limit(10))
            assert after.storageLevel.useMemory, "what comes of it is as large"
            total = many.agg(F.sum("id")).first()[0]
    finally:
        conf.set(RESULTS, limit)
    assert total == sum(range(3000))
    assert not many.storageLevel.useMemory, "it is let go of"
