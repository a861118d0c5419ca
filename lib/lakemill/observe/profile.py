"""Profile: what each stage of a run costs, for who asks where a run's time goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from time import monotonic
from typing import Any

from pyspark.sql import SparkSession

from lakemill.observe.cost import spent


@dataclass
class StageCost:
    """What a stage of a run cost, as often as it was taken.

    jvm_calls: messages to the JVM, each some 0.1 to 0.3 ms of waiting.   bytes_read: from files.
    """

    seconds: float = 0.0
    spark_jobs: int = 0
    jvm_calls: int = 0
    bytes_read: int = 0


@dataclass
class Profile:
    """The stages of one run, which is the job group `group`."""

    spark: SparkSession
    group: str
    stages: dict[str, StageCost] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what the body costs to a stage."""
        jobs, read = spent(self.spark, self.group)
        calls, began = Calls.of(self.spark).made(), monotonic()
        try:
            yield
        finally:
            seconds, calls = monotonic() - began, Calls.of(self.spark).made() - calls
            jobs_after, read_after = spent(self.spark, self.group)
            cost = self.stages.setdefault(name, StageCost())
            cost.seconds += seconds
            cost.jvm_calls += calls
            cost.spark_jobs += jobs_after - jobs
            cost.bytes_read += read_after - read


class Calls:
    """How many messages each thread has sent to the JVM since they are counted."""

    def __init__(self, client: Any) -> None:
        """Count what is sent by this client of py4j from now on."""
        self._by_thread: dict[int, int] = {}
        self._client = client
        client.send_command = self._counted

    @classmethod
    def of(cls, spark: SparkSession) -> "Calls":
        """The count of the session's client, begun when it is first asked for."""
        client: Any = spark._jvm._gateway_client  # type: ignore[union-attr]
        if not isinstance(getattr(client.send_command, "__self__", None), cls):
            return cls(client)
        counting: Calls = client.send_command.__self__
        return counting

    def made(self) -> int:
        """By this thread."""
        return self._by_thread.get(get_ident(), 0)

    def _counted(self, *args: Any, **named: Any) -> Any:
        thread = get_ident()
        self._by_thread[thread] = self._by_thread.get(thread, 0) + 1
        return type(self._client).send_command(self._client, *args, **named)
