"""The one place that starts Spark, so that every run has the same time zone, arithmetic and Delta settings."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

# Results must not depend on where a job runs: these are set on every session, wherever it came from.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
}

# PySpark notes the call site of every function of a column, in five calls to the JVM each; lakemill says itself which
# job and map failed.
QUICK = {"spark.python.sql.dataFrameDebugging.enabled": "false"}

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def start_session(spark_conf: Mapping[str, str]) -> SparkSession:
    """A session of its own (confs are not shared with other sessions) on the one SparkContext.

    `spark_conf` is the `spark:` map of conf; it wins over what spark-submit was given on its command line.
    """
    _launch_with(spark_conf)
    builder = SparkSession.builder.appName("lakemill")
    for key, value in {**QUICK, **DELTA, **spark_conf}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate().newSession()
    session.sparkContext.setLogLevel(spark_conf.get("lakemill.log.level", "ERROR"))
    for key, value in {**_runtime(session, spark_conf), **MEANING}.items():
        session.conf.set(key, value)
    zones: Any = session._jvm.java.util.TimeZone  # type: ignore[union-attr]
    zones.setDefault(zones.getTimeZone("UTC"))
    return session


def _runtime(session: SparkSession, spark_conf: Mapping[str, str]) -> dict[str, str]:
    """The confs that a running session may still take; a new session has only the context's."""
    return {key: value for key, value in spark_conf.items() if session.conf.isModifiable(key)}


def _launch_with(spark_conf: Mapping[str, str]) -> None:
    """What must be known before the JVM starts; under spark-submit it already runs and knows."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if "spark.driver.memory" in spark_conf:
        memory = spark_conf["spark.driver.memory"]
        os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"--driver-memory {memory} pyspark-shell")
