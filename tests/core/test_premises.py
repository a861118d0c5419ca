"""What is claimed of a job without Spark: that it is the one that made a table, and only if nothing else decides it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql.types import StructType
from test_imports import LIB, imported

from lakemill.graph import load_job
from lakemill.lake.surroundings import DECIDES, SETTING, installed, surroundings
from lakemill.maps.premises import premises

COLUMNS = {"raw.sales": StructType().add("shop", "string").add("amount", "long")}
JOB = """
from decimal import Decimal
from pyspark.sql import DataFrame, functions as F
from lakemill import Count, CountDistinct, Fold, Job, Sum, pure
{before}
def rows(sales: DataFrame) -> DataFrame:
    return {result}
job = Job(source="raw.sales", map=rows, key=["shop"], reduce={{"n": {reducer}}}, target="gold.sales")
"""


def told(folder: Path, result="sales", before="", reducer="Count()", columns=COLUMNS, around="spark", shared="") -> str:
    path = folder / "gold" / "sales.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(JOB.format(result=result, before=before, reducer=reducer))
    if shared:
        (folder / "shared").mkdir(exist_ok=True)
        (folder / "shared" / "rates.py").write_text(shared)
    sys.modules.pop("gold.sales", None)
    return premises(load_job(path), columns, around)


IN_SIGHT = [
    {},
    {"result": 'sales.where(F.col("amount") > LIMIT)', "before": "LIMIT = 3"},
    {"result": 'sales.where(F.col("amount") > RATES["a"][0])', "before": 'RATES = {"a": [Decimal("1.5")]}'},
    {"result": "sales.select(*[F.col(name) for name in sorted(sales.columns)])"},
    {"result": 'sales.select(twice("amount"))', "before": '@pure("long")\ndef twice(x):\n    return 2 * x'},
    {"result": "taxed(sales)", "before": "from shared.rates import taxed",
     "shared": "def taxed(rows):\n    return rows"},
    {"reducer": 'Sum("amount")'},
]  # fmt: skip
OUT_OF_SIGHT = [
    {"result": 'sales.where(F.lit(os.environ.get("A")) == "1")', "before": "import os"},
    {"result": 'sales.where(F.col("amount") > date.today().year)', "before": "from datetime import date"},
    {"result": 'sales.where(F.col("amount") > time.time())', "before": "import time"},
    {"result": 'sales.where(F.col("shop") == open("/tmp/shop").read())'},
    {"result": 'sales.where(F.col("amount") > hash("a"))'},
    {"result": 'sales.where(F.col("amount") > look("a"))', "before": "look = hash"},
    {"result": 'sales.where(F.col("shop") == yaml.safe_load("a"))', "before": "import yaml"},
    {"result": 'sales.where(F.col("shop") == sales.sparkSession.conf.get("a"))'},
    {"result": 'sales.where(F.col("shop") == Path("a").read_text())', "before": "from pathlib import Path"},
    {"result": "taxed(sales)", "before": "from shared.rates import taxed",
     "shared": "import random\ndef taxed(rows):\n    return rows.limit(random.choice([1]))"},
    {"result": 'sales.where(F.col("shop") == HELD)', "before": "HELD = object()"},
]  # fmt: skip


@pytest.mark.parametrize("job", IN_SIGHT)
def test_the_same_job_has_the_same_premises_in_another_process(job, tmp_path):
    here = told(tmp_path, **job)
    code = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parent.parent)]}\n"
        f"from pathlib import Path; from test_premises import told; print(told(Path({str(tmp_path)!r}), **{job!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": str(LIB.parent), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert here
    assert done.stdout.strip() == here


def test_whatever_decides_the_plan_is_among_them(tmp_path):
    jobs = [told(tmp_path, **job) for job in IN_SIGHT]
    more = {"raw.sales": StructType().add("shop", "string").add("amount", "integer")}
    jobs += [told(tmp_path, columns=more), told(tmp_path, around="another Spark")]
    jobs += [told(tmp_path, **{**IN_SIGHT[1], "before": "LIMIT = 4"})]
    jobs += [told(tmp_path, **{**IN_SIGHT[5], "shared": "def taxed(rows):\n    return rows.limit(2)"})]
    assert len(set(jobs)) == len(jobs)
    assert "" not in jobs


def test_a_value_from_elsewhere_is_among_them(tmp_path, monkeypatch):
    """The file says the same, and what it read when it was imported does not."""
    job = {"result": 'sales.where(F.col("shop") == NAME)', "before": 'import os\nNAME = os.environ["LAKEMILL_TRIED"]'}
    monkeypatch.setenv("LAKEMILL_TRIED", "a")
    first = told(tmp_path, **job)
    assert first and first == told(tmp_path, **job)
    monkeypatch.setenv("LAKEMILL_TRIED", "b")
    assert told(tmp_path, **job) != first


@pytest.mark.parametrize("job", OUT_OF_SIGHT)
def test_nothing_is_claimed_of_a_job_that_looks_at_something_else(job, tmp_path):
    assert told(tmp_path, **job) == ""


def test_nothing_is_claimed_where_spark_is_unknown_or_the_job_has_no_file(tmp_path):
    assert told(tmp_path, around="") == ""
    job = load_job(tmp_path / "gold" / "sales.py")
    object.__setattr__(job, "files", {})
    assert premises(job, COLUMNS, "spark") == ""


def test_the_surroundings_are_settings_versions_and_code(monkeypatch):
    confs = {"spark.sql.shuffle.partitions": "4"}
    code = (
        "from lakemill.lake.surroundings import surroundings\n"
        f"print(surroundings({confs!r}), surroundings({{**{confs!r}, 'spark.sql.caseSensitive': 'true'}}))"
        f"\nprint(surroundings(None), surroundings({{'spark.jars': 'a.jar'}}))"
    )
    environment = {name: value for name, value in os.environ.items() if not SETTING.fullmatch(name)}
    environment["PYTHONPATH"] = str(LIB.parent)

    def asked(**more: str) -> list[str]:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, env=environment | more, check=True)
        return done.stdout.split("\n")

    first, unknown, _ = asked()
    plain, sensitive = first.split()
    assert plain != sensitive
    assert unknown.split() == []
    assert asked()[0] == first
    assert asked(SPARK_LOCAL_IP="127.0.0.1")[0] != first
    assert asked(SPARK_HOME="/opt/spark")[0].split() == []
    assert asked(HADOOP_CONF_DIR="/etc/hadoop")[0].split() == []


def test_what_is_installed_is_what_a_session_says(spark):
    from lakemill.lake.session import versions

    assert installed() == versions(spark)


def test_each_file_on_which_fingerprints_hang_is_in_the_digest():
    """All that the check of a job imports, but for what only speaks, and what finds the files that are digested."""
    reached, ahead = set(), [LIB / "maps" / "check.py", LIB / "lake" / "session.py"]
    while ahead:
        path = ahead.pop()
        if path not in reached:
            reached.add(path)
            places = [LIB.joinpath(*name.split(".")[1:]) for name in imported(path) if name.startswith("lakemill.")]
            ahead += [p for place in places for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()]
    names = {str(path.relative_to(LIB)) for path in reached} - {"errors.py", "modules.py", "lake/surroundings.py"}
    assert {name for name in names if not name.startswith(tuple(DECIDES))} == set()
    assert {"maps/rowwise.py", "reducers/sum.py", "core/reduction.py", "python/bytecode.py"} <= names


def test_surroundings_of_a_running_spark_are_those_that_it_was_started_with(spark):
    from conftest import SPARK

    assert surroundings(SPARK)
    assert surroundings({**SPARK, "spark.sql.shuffle.partitions": "5"}) == ""
