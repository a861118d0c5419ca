"""Few steps: queries on tables that are small together run as few Spark jobs, each of few tasks.

Adaptive execution runs each stage as a job of its own, to plan the next by what came of it. Where all is small there is
nothing to learn from that: an update of a small table took 14 jobs with it and takes 6 without, of which its tasks
are a small part. Without it nobody joins small partitions afterwards, so there are only as many as the bytes ask for:
what a MERGE writes has as many files as the shuffle had partitions.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

ADAPTIVE = "spark.sql.adaptive.enabled"
PARTITIONS = "spark.sql.shuffle.partitions"
SMALL = 128 * 1024 * 1024
"""Tables that hold no more bytes than this together are small."""
A_PARTITION = 32 * 1024 * 1024
"""Bytes of files that make a shuffle's partition: some hundred megabytes as rows."""


@contextmanager
def few_steps(spark: SparkSession, read: int | None) -> Iterator[None]:
    """Run the body's queries in few steps if the tables that they read are small; else nothing changes.

    read: how many bytes these tables hold together; None where that is not known. What the session has been told of
    adaptive execution stays, and so does a smaller number of partitions.
    """
    if read is None or read > SMALL or _told(spark, ADAPTIVE):
        yield
        return
    before = spark.conf.get(PARTITIONS) or "1"
    told = _told(spark, PARTITIONS)
    spark.conf.set(ADAPTIVE, "false")
    spark.conf.set(PARTITIONS, str(min(int(before), read // A_PARTITION + 1)))
    try:
        yield
    finally:
        spark.conf.unset(ADAPTIVE)
        spark.conf.set(PARTITIONS, before) if told else spark.conf.unset(PARTITIONS)


def _told(spark: SparkSession, key: str) -> bool:
    """Whether somebody set it: in the conf, on the command line or in this session."""
    return bool(spark._jsparkSession.conf().contains(key))
