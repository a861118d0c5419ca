"""How Spark's JVM starts: with what it must know before, silent about what is told in words, and never left behind."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from subprocess import Popen
from typing import Any

from pyspark import java_gateway
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

LEVEL = "lakemill.log.level"
"""The conf that says from which level on Spark logs."""
PYTHON_LOGS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""PySpark's loggers that print every error with all of Java's trace as it is raised."""


@contextmanager
def launching(spark_conf: Mapping[str, str]) -> Iterator[None]:
    """Start Spark inside. Where a signal ends the start, the JVM ends too: it would wait for this process for ever.

    PySpark keeps the JVM's process to itself until the JVM answers. And it takes Ctrl-C over when a context starts, to
    raise out of the middle of a call to the JVM: see `lakemill.signals`.
    """
    _tell_before(spark_conf)
    started: list[Popen[bytes]] = []
    before = signal.getsignal(signal.SIGINT)

    class Remembered(Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    java_gateway.Popen = Remembered  # type: ignore[misc, attr-defined]
    try:
        yield
    except KeyboardInterrupt:
        for process in started:
            process.kill()
        raise
    finally:
        java_gateway.Popen = Popen  # type: ignore[misc, attr-defined]
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


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
