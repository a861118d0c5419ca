"""How Spark's JVM starts: with what it must know before, silent about what is told in words, and never left behind."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from subprocess import Popen
from typing import Any

from pyspark import java_gateway
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from lakemill.lake.surroundings import note_launch

LEVEL = "lakemill.log.level"
"""The conf that says from which level on Spark logs."""
PYTHON_LOGS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""PySpark's loggers that print every error with all of Java's trace as it is raised."""


def launch(spark_conf: Mapping[str, str], start: Callable[[], object]) -> None:
    """Start Spark by a function. Where a signal ends the wait, the JVM ends too: it would wait for this process.

    A thread of its own starts it, so that a signal interrupts the wait and no call to the JVM: see `lakemill.signals`.
    PySpark, besides, takes Ctrl-C over where the main thread starts it, to raise out of the middle of such a call.
    """
    note_launch(spark_conf)
    _tell_before(spark_conf)
    with _remembered() as launched:
        failures: list[BaseException] = []
        thread = threading.Thread(target=_collecting, args=(start, failures), daemon=True)
        thread.start()
        try:
            thread.join()
        except KeyboardInterrupt:
            launched.kill()
            raise
    if failures:
        raise failures[0]


def _collecting(start: Callable[[], object], failures: list[BaseException]) -> None:
    try:
        start()
    except BaseException as error:
        failures.append(error)


class _Launched:
    """The JVM's process, which PySpark keeps to itself until the JVM answers."""

    def __init__(self) -> None:
        self.processes: list[Popen[bytes]] = []
        self.unwanted = False

    def add(self, process: Popen[bytes]) -> None:
        self.processes.append(process)
        if self.unwanted:
            process.kill()

    def kill(self) -> None:
        """End it, also where it is about to start."""
        self.unwanted = True
        for process in self.processes:
            process.kill()


@contextmanager
def _remembered() -> Iterator[_Launched]:
    """What PySpark launches inside."""
    launched = _Launched()

    class Remembered(Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            launched.add(self)

    java_gateway.Popen = Remembered  # type: ignore[misc, attr-defined]
    try:
        yield launched
    finally:
        if not launched.unwanted:  # else the thread may still be about to launch it
            java_gateway.Popen = Popen  # type: ignore[misc, attr-defined]


def quieten(session: SparkSession, spark_conf: Mapping[str, str]) -> None:
    """Let Spark log no errors on one machine, where each is raised, too, and told in a sentence.

    On a cluster the log is kept apart from what people read, and tells what happened to executors besides.
    """
    local = (session.sparkContext.master or "").startswith("local")
    session.sparkContext.setLogLevel(spark_conf.get(LEVEL) or ("FATAL" if local else "ERROR"))
    for name in PYTHON_LOGS:
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL)


def _tell_before(spark_conf: Mapping[str, str]) -> None:
    """What must be known before the JVM starts; under spark-submit it already runs and knows."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if "spark.driver.memory" in spark_conf:
        memory = spark_conf["spark.driver.memory"]
        os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"--driver-memory {memory} pyspark-shell")
