"""Python functions of shared modules run in Spark's workers, however a job names them, and as they are now."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakemill.graph import load_jobs

ROOT = Path(__file__).resolve().parent.parent
TEXTS = """\
from dataclasses import dataclass

from lakemill import pure

SIGN = "{sign}"


@dataclass(frozen=True)
class Price:
    amount: int

    @property
    def shown(self):
        return f"{{SIGN}}{{self.amount}}"


def shown(amount):
    return Price(amount).shown


@pure("string")
def priced(amount):
    return shown(amount)


def per_key(rows):
    import pandas as pd

    return pd.DataFrame({{"key": [rows["key"][0]], "shown": ["".join(sorted(map(shown, rows["amount"])))]}})


def add(state, row):
    return sorted([*state, shown(row.amount)])


def merge(one, other):
    return sorted(one + other)


def present(state):
    return "".join(state)
"""
JOB = """\
import shared.texts
from lakemill import Fold, Job, PerKey, pure
from shared import texts
from shared.texts import Price, add, merge, per_key, present, priced


@pure("string")
def by_package(amount):
    return shared.texts.shown(amount)


@pure("string")
def by_module(amount):
    return texts.shown(amount)


@pure("string")
def late(amount):
    from shared.texts import shown

    return shown(amount) if isinstance(texts.Price(1), Price) else "another class"


def ways(rows):
    shown = [way("amount").alias(way.name) for way in (priced, by_package, by_module, late)]
    return rows.select("key", "amount", *shown)


def grouped(rows):
    return rows.groupBy("key").applyInPandas(per_key, "key string, shown string")


job = Job(
    source="raw.t",
    map=ways,
    key=["key"],
    reduce={"all": Fold("amount", [], add, merge, present, "string")},
    target="gold.x",
)
"""
ROWS = [("a", 1), ("a", 3), ("b", 2)]


def project(folder: Path, sign: str) -> Path:
    for name, text in {"shared/texts.py": TEXTS.format(sign=sign), "gold/x.py": JOB}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(autouse=True)
def left():
    yield
    load_jobs(ROOT / "jobs")


def test_in_workers_that_ran_another_project(spark, tmp_path):
    """The same workers, one task after the other: a new project, and a module that changed."""
    rows = spark.createDataFrame(ROWS, "key string, amount bigint").coalesce(1)
    places = [tmp_path / "one", tmp_path / "one", tmp_path / "two"]
    for folder, sign in zip(places, "$€£", strict=True):
        made = load_jobs(project(folder, sign))["gold.x"]
        expected = sorted((key, amount, *[f"{sign}{amount}"] * 4) for key, amount in ROWS)
        assert sorted(tuple(row) for row in made.map(rows).collect()) == expected
    types = {field.name: field.dataType for field in rows.schema.fields}
    shown = rows.groupBy("key").agg(made.reducers["all"].plain(types))
    assert sorted(map(tuple, shown.collect())) == [("a", "£1£3"), ("b", "£2")]
    grouped = sys.modules["gold.x"].grouped(rows)
    assert sorted(map(tuple, grouped.collect())) == [("a", "£1£3"), ("b", "£2")]


def test_under_plain_spark_submit(lake, tmp_path):
    """Java runs before Python does, and no lakemill before the job's file."""
    lake.put("raw.t", ROWS, "key string, amount bigint")
    project(tmp_path / "mine" / "jobs", "$")
    (tmp_path / "mine" / "conf").mkdir()
    text = f"lake: lake\ntables:\n  raw.t: {lake.uri('raw.t')}\nspark:\n  spark.sql.shuffle.partitions: 1\n"
    (tmp_path / "mine" / "conf" / "base.yaml").write_text(
        text + "  spark.master: local[1]\n  spark.ui.enabled: false\n  spark.databricks.delta.snapshotPartitions: 1\n"
    )
    job = tmp_path / "mine" / "jobs" / "gold" / "x.py"
    job.write_text(JOB.replace("import shared", "import lakemill\nimport shared", 1) + "\nlakemill.run(job)\n")
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "lib")}
    environment |= {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    submit = Path(sys.executable).parent / "spark-submit"
    done = subprocess.run([str(submit), str(job)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = lake.spark.read.format("delta").load(str(tmp_path / "mine" / "lake" / "gold" / "x"))
    assert sorted(map(tuple, rows.select("key", "all").collect())) == [("a", "$1$3"), ("b", "$2")]
