"""What a Spark that lakemill starts here would be: told from files and settings, without starting it.

How Spark prints a plan hangs on its version and on what it is set to. Where both are as they were when a table was
made, and the job is, too, the table is not made anew; to know that much, nothing has to run.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pyspark

import lakemill

SETTING = re.compile(r"(PY)?SPARK_.*|HADOOP_.*|YARN_.*|_JAVA_OPTIONS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS")
"""Variables of the environment that set something in Spark or in its JVM."""
ANOTHER = (
    "SPARK_HOME", "SPARK_CONF_DIR", "HADOOP_CONF_DIR", "YARN_CONF_DIR", "PYSPARK_GATEWAY_PORT", "PYSPARK_SUBMIT_ARGS",
)  # fmt: skip
"""Variables by which Spark, or its settings, come from where nobody looks here."""
OTHER_CLASSES = (
    "spark.jars", "spark.driver.extraClassPath", "spark.executor.extraClassPath", "spark.hadoop.fs.default",
    "spark.plugins", "spark.sql.extensions", "spark.sql.catalog.",
)  # fmt: skip
"""How the names of confs begin that bring other classes, or another place for paths without a scheme."""


DECIDES = (
    "columns.py", "job.py", "contracts", "core", "lake/java.py", "lake/launch.py", "lake/presented.py",
    "lake/session.py", "maps", "python", "quality", "reducers",
)  # fmt: skip
"""The files and folders of lakemill's own code on which fingerprints hang."""


class _Launched:
    """What Spark's surroundings were when this process started it; a process has one Spark."""

    confs: Mapping[str, str] | None = None
    text = ""


def note_launch(spark_conf: Mapping[str, str]) -> None:
    """Remember that Spark is started with these confs, before that changes the environment."""
    _Launched.confs, _Launched.text = dict(spark_conf), _now(spark_conf)


def surroundings(spark_conf: Mapping[str, str] | None) -> str:
    """A digest of what decides how Spark reads a job, but for the job; empty where something of it is out of sight.

    Where Spark runs in this process already, it is of that one, and empty unless it was started with the same confs.
    """
    if spark_conf is None:
        return ""
    context = getattr(sys.modules.get("pyspark.core.context"), "SparkContext", None)
    if context is None or context._active_spark_context is None:
        return _now(spark_conf)
    return _Launched.text if _Launched.confs == dict(spark_conf) else ""


@cache
def installed() -> str:
    """The versions of what would run, as `lakemill.lake.session.versions` says them; empty where jars do not tell."""
    names = [path.name for path in (Path(pyspark.__file__).parent / "jars").glob("*.jar")]
    versions = {what: _versions(names, what) for what in ("spark-core", "delta-spark")}
    if any(len(known) != 1 for known in versions.values()):
        return ""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"Spark {versions['spark-core'][0]}, Delta {versions['delta-spark'][0]}, Python {python}"


def _versions(names: list[str], what: str) -> list[str]:
    pattern = re.compile(rf"{what}(?:_[\d.]+)+-(.+)\.jar")
    return [known[1] for name in names if (known := pattern.fullmatch(name))]


def _now(spark_conf: Mapping[str, str]) -> str:
    defaults = _defaults()
    named = [*spark_conf, *(line.strip() for text in defaults.values() for line in text.splitlines())]
    elsewhere = [name for name in ANOTHER if os.environ.get(name)] + [name for name in defaults if name.endswith("xml")]
    if elsewhere or any(name.startswith(OTHER_CLASSES) for name in named) or not (installed() and _own_code()):
        return ""
    settings = {name: value for name, value in os.environ.items() if SETTING.fullmatch(name)}
    told = [installed(), _own_code(), sorted(defaults.items()), sorted(spark_conf.items()), sorted(settings.items())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _defaults() -> dict[str, str]:
    """The files that set something in Spark beside lakemill's own conf, by name."""
    files = (Path(pyspark.__file__).parent / "conf").glob("*")
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file()}


@cache
def _own_code() -> str:
    """A digest of lakemill's own code that reads jobs; empty where it does not lie in a folder."""
    folder = Path(lakemill.__file__).parent
    places = [folder / name for name in DECIDES]
    files = [path for place in places for path in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    if not all(path.is_file() for path in files):
        return ""
    texts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return hashlib.sha256("".join(texts).encode()).hexdigest() if files else ""
