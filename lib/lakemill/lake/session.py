"""The one place that starts Spark, so that every run has the same time zone, arithmetic and Delta settings."""

import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from lakemill.errors import UsageError
from lakemill.lake.java import ask_once
from lakemill.lake.launch import launch, quieten
from lakemill.modules import tell_workers

# Results must not depend on where a job runs: these are set on every session, wherever it came from.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    # With either, Spark reads a table or a feed without the rows of files that are damaged or gone, and says nothing.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # Delta 4.2 refuses versions older than files are kept, though no VACUUM came; lakemill asks the log for VACUUMs.
    "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": "false",
    "spark.sql.datetime.java8API.enabled": "true",  # java.sql.Date knows no 10 October 1582, which Spark does
    # Of a whole table's least and greatest day, Delta would make a java.sql.Date of its statistics, and fail.
    "spark.databricks.delta.optimizeMetadataQuery.enabled": "false",
}

NEEDS_SPARK, NEEDS_DELTA = (4, 0), (4, 0)
"""The oldest versions that have what lakemill uses."""

# PySpark notes the call site of every function of a column, in five calls to the JVM each; lakemill says itself which
# job and map failed.
# Spark writes every query's plan as a text for its listeners, again with each step that it adapts: of an update of a
# join of eight tables, which reads what it has held before, that text alone filled a heap of 3 GB.
QUICK = {
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.sql.maxPlanStringLength": "100000",
    "spark.sql.ui.explainMode": "simple",
}

FAIR = {"spark.scheduler.mode": "FAIR"}
"""For tables that are worked on side by side: see `POOL` in runner.py."""

EXTENSIONS = "spark.sql.extensions"
UTC = {"spark.executorEnv.TZ": "UTC"}
"""For executors, which start later than the context and count in their machine's zone; its own see `_in_utc`."""

DELTA = {
    EXTENSIONS: "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def start_session(spark_conf: Mapping[str, str]) -> SparkSession:
    """A session of its own (confs are not shared with other sessions) on the one SparkContext.

    `spark_conf` is the `spark:` map of conf; it wins over what spark-submit was given on its command line, and that
    over lakemill's own.
    Raises UsageError where Spark or Delta are too old, or Delta's jars are not there.
    """
    builder = SparkSession.builder.appName("lakemill")
    for key, value in _with_delta({**QUICK, **FAIR, **UTC, **DELTA, **_submitted_with(), **spark_conf}).items():
        builder = builder.config(key, value)
    if SparkContext._active_spark_context is None:
        launch(spark_conf, builder.getOrCreate)
    ask_once(SparkContext._jvm)
    session = builder.getOrCreate().newSession()
    _check_versions(session)
    quieten(session, spark_conf)
    for key, value in {**_runtime(session, spark_conf), **MEANING}.items():
        session.conf.set(key, value)
    tell_workers(session.sparkContext)
    _bound_results(session)
    _in_utc(session)
    return session


RESULTS = "spark.driver.maxResultSize"
SHARE = 64
"""A result comes compressed, and takes some times its size as rows; an update holds up to four of them, and up to four
tables are updated at a time."""


def _bound_results(session: SparkSession) -> None:
    """Let no query bring more to the driver than a share of its memory, unless the user has set how much.

    Spark asks this setting of the context for every query, and stops one that brings more while it comes: so what an
    update holds on the driver is bounded by what it is, not by what it was estimated to be.
    """
    jvm: Any = session._jvm
    settings: Any = session.sparkContext._jsc
    conf = settings.sc().conf()
    if not conf.contains(RESULTS):
        conf.set(RESULTS, str(max(jvm.java.lang.Runtime.getRuntime().maxMemory() // SHARE, 32 * 1024 * 1024)))


def _in_utc(session: SparkSession) -> None:
    """Let the JVM, this process and every Python worker count in UTC, wherever they run.

    Spark hands a Python function a time without a zone, in the zone of the worker's machine (SPARK-33863): the same
    job would make other rows in Tokyo. The workers of a context start with its `environment`.
    """
    zones: Any = session._jvm.java.util.TimeZone  # type: ignore[union-attr]
    zones.setDefault(zones.getTimeZone("UTC"))
    session.sparkContext.environment["TZ"] = "UTC"
    os.environ["TZ"] = "UTC"
    time.tzset()


def _submitted_with() -> dict[str, str]:
    """What spark-submit was given of the confs that lakemill has a value for."""
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return {}
    reach_java: Any = SparkContext._ensure_initialized
    reach_java()
    given = {key: SparkConf().get(key) for key in (*QUICK, *FAIR, *DELTA)}
    return {key: value for key, value in given.items() if value is not None}


def _with_delta(confs: dict[str, str]) -> dict[str, str]:
    """Delta's extension is one of those that a project names."""
    named = [name.strip() for name in confs[EXTENSIONS].split(",") if name.strip()]
    missing = [] if DELTA[EXTENSIONS] in named else [DELTA[EXTENSIONS]]
    return {**confs, EXTENSIONS: ",".join([*missing, *named])}


def session_apart(session: SparkSession) -> SparkSession:
    """A session with the same settings, of which the first one sees no change.

    A commit's transaction number and metadata are settings of a session, so two tables that are written at one time
    need one each.
    """
    clone: Any = session._jsparkSession.cloneSession()
    apart = SparkSession(session.sparkContext, clone)
    # What asks for the session of its thread, as Delta does in places, gets this one.
    SparkSession._get_j_spark_session_class(session._jvm).setActiveSession(clone)  # type: ignore[attr-defined]
    return apart


def _check_versions(session: SparkSession) -> None:
    if numbers(session.version) < NEEDS_SPARK:
        raise UsageError(f"lakemill needs Spark 4.0 or newer; this is {session.version}.")
    try:
        delta = _delta_version(session)
    except (Py4JError, TypeError):
        raise UsageError(
            "Spark has no Delta: its jars are not on the class path. Here, `make setup` puts them there; on a cluster "
            "the release has them, see conf/emr.yaml and conf/emr-serverless.yaml."
        ) from None
    if numbers(delta) < NEEDS_DELTA:
        raise UsageError(f"lakemill needs Delta 4.0 or newer; this is {delta}.")


def versions(session: SparkSession) -> str:
    """What a table is made with, where another version may print a plan or compile a function in another way."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"Spark {session.version}, Delta {_delta_version(session)}, Python {python}"


def _delta_version(session: SparkSession) -> str:
    jvm: Any = session._jvm
    return str(getattr(jvm.io.delta, "package$").__getattr__("MODULE$").VERSION())


def numbers(version: str) -> tuple[int, ...]:
    """(4, 0, 0) of 4.0.0-amzn-1-spark."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def _runtime(session: SparkSession, spark_conf: Mapping[str, str]) -> dict[str, str]:
    """The confs that a running session may still take; a new session has only the context's."""
    return {key: value for key, value in spark_conf.items() if session.conf.isModifiable(key)}
