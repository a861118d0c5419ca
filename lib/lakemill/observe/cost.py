"""What a run cost, as Spark counted it: jobs and bytes of the work done under one job group."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import Observation, SparkSession


@dataclass
class Cost:
    """What a run cost: how many Spark jobs it took, and how many bytes it read from files."""

    spark_jobs: int = 0
    bytes_read: int = 0


@contextmanager
def metered(spark: SparkSession, group: str) -> Iterator[Cost]:
    """Run the body as one job group and fill in what it cost when it ends, however it ends."""
    cost = Cost()
    context = spark.sparkContext
    context.setJobGroup(group, group)
    try:
        yield cost
    finally:
        context._jsc.clearJobGroup()
        cost.spark_jobs, cost.bytes_read = spent(spark, group)


def rows_seen(spark: SparkSession, observations: Iterable[Observation]) -> int:
    """The sum of `rows` over observations of a query that has run.

    Of an observation whose part of the plan Spark left out, because it found it empty, Spark 4.0 never tells anything:
    asking it for its value would wait for ever. Spark 4.1 tells a row without columns. It has seen no rows.
    """
    return sum(observed(spark, observation).get("rows", 0) for observation in observations)


def observed(spark: SparkSession, observation: Observation) -> dict[str, int]:
    """The counts of an observation of a query that has run; none where Spark left its part of the plan out."""
    _told(spark)
    held: Any = observation._jo
    if not held.future().isCompleted():
        return {}
    return {str(name): int(count or 0) for name, count in dict(held.getAsJava()).items()}


def _told(spark: SparkSession) -> None:
    """Wait until Spark has told its listeners what it did; on a machine that is too busy for that, do without."""
    scala: Any = spark._jsparkSession.sparkContext()
    try:
        scala.listenerBus().waitUntilEmpty()
    except Py4JJavaError as error:
        if "TimeoutException" not in str(error.java_exception):
            raise


def spent(spark: SparkSession, group: str) -> tuple[int, int]:
    """The Spark jobs of a job group so far, and the bytes that they read from files."""
    _told(spark)
    scala: Any = spark._jsparkSession.sparkContext()
    tracker, store = scala.statusTracker(), scala.statusStore()
    jobs = list(tracker.getJobIdsForGroup(group))
    stages = {int(stage) for job in jobs for stage in _stages(tracker, job)}
    return len(jobs), sum(_read(store, stage) for stage in stages)


def _stages(tracker: Any, job: int) -> list[int]:
    info = tracker.getJobInfo(job)
    return list(info.get().stageIds()) if info.isDefined() else []


def _read(store: Any, stage: int) -> int:
    try:
        return int(store.lastStageAttempt(stage).inputBytes())
    except Exception:  # a skipped stage is not in the store; py4j wraps its NoSuchElementException
        return 0
