"""Few steps: queries on tables that are small together run as few Spark jobs, each of few tasks.

Adaptive execution runs each stage as a job of its own, to plan the next by what came of it. Where all is small there is
nothing to learn from that: an update of a small table took 14 jobs with it and takes 6 without, of which its tasks
are a small part. Without it nobody joins small partitions afterwards, so there are only as many as the bytes ask for:
what a MERGE writes has as many files as the shuffle had partitions.

Nor does MERGE write down its source before it reads it twice: what lakemill merges comes out the same whenever it is
computed, and is held besides. That is a job less and 15 % of a small update's CPU (scripts/bench/fixed_cost.py).
Measured and left: whole-stage code generation off (no difference), all code generation off (20 % less CPU, but Spark
keeps that setting for its own tests), no checksum and no file statistics (both are read again by lakemill), one
partition of Delta's list of files and of each scan, no validation of changed plans, Java's serial and parallel
collectors (none differed by more than the machine's noise), Java's first compiler alone (a quarter less CPU, slower).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from lakemill.lake.with_settings import with_settings

ADAPTIVE = "spark.sql.adaptive.enabled"
PARTITIONS = "spark.sql.shuffle.partitions"
MATERIALIZE = "spark.databricks.delta.merge.materializeSource"
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
    partitions = min(int(spark.conf.get(PARTITIONS) or "1"), read // A_PARTITION + 1)
    with with_settings(spark, {ADAPTIVE: "false", PARTITIONS: str(partitions), MATERIALIZE: "none"}):
        yield


def _told(spark: SparkSession, key: str) -> bool:
    """Whether somebody set it: in the conf, on the command line or in this session."""
    return bool(spark._jsparkSession.conf().contains(key))
