"""What is submitted really runs, as on EMR: another Python, Delta 4.0.0, nothing of this repository on its path.

The tables are then those of a local run of the same days, row for row, the hidden state included.
"""

import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from emr_machine import CLUSTER, Machine
from fake_emr import FakeEmr, Work
from shop import Shop

from lakemill.cli import main

from ..test_shared_workers import JOB, TEXTS
from .conftest import APPLICATION, CLUSTER as BY_TAG, JARS, PLACES, SUBMIT, new_project, write

pytestmark = [pytest.mark.s3, pytest.mark.spark]
TABLES = ["bronze.sales", "silver.sales", "gold.daily_sales"]
DAYS = [date(2017, 12, 28), date(2017, 12, 29), date(2017, 12, 30)]
SMALL = """\
  spark.sql.shuffle.partitions: 2
  spark.databricks.delta.snapshotPartitions: 1
  spark.sql.sources.parallelPartitionDiscovery.parallelism: 2
"""
LOCAL = """\
spark:
  spark.master: local[2]
  spark.ui.enabled: false
"""


@dataclass(frozen=True)
class Delivered:
    """What a local run made of a delivery: the landing then, the lake then, and what it printed."""

    landing: Path
    lake: Path
    printed: str


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> list[Delivered]:
    """Two deliveries, and the same job files run here after each: what runs elsewhere is compared with."""
    folder = tmp_path_factory.mktemp("here")
    project, shop, found = new_project(folder / "project"), Shop(households=40), []
    write(project, "local", f"lake: {folder / 'lake'}\nlanding: {folder / 'landing'}\n" + LOCAL + SMALL)
    for number, days in enumerate((DAYS[:2], DAYS[2:])):
        shop.deliver(folder / "landing", days[0], days[-1])
        with redirect_stdout(StringIO()) as printed:
            assert main(["run", "+gold.daily_sales"], project) == 0
        then = [shutil.copytree(folder / name, folder / f"{name}-{number}") for name in ("landing", "lake")]
        found.append(Delivered(*then, printed.getvalue()))
    return found


@pytest.fixture
def machine(tmp_path: Path, moto_url: str, aws: Any, fake_emr: FakeEmr, monkeypatch: pytest.MonkeyPatch) -> FakeEmr:
    """An EMR that really runs what it is given, and may be asked every second how it is."""
    assert CLUSTER.exists(), "run this by `make test-s3`, which makes build/cluster"
    monkeypatch.setattr("lakemill.submit.wait.LONGEST", 1.0)
    works = Machine(tmp_path / "machine", moto_url)

    def begins(asked: dict[str, Any]) -> Work:
        return Work(lambda: works.step(asked) if "HadoopJarStep" in asked else works.job_run(asked))

    fake_emr.forget(begins)
    fake_emr.add_application("00f0000000000001")
    fake_emr.add_cluster(tags={"lakemill": "shop"})
    return fake_emr


def rows(table: Path) -> list[str]:
    """All columns of all rows, as text, in an order of their own."""
    found = DeltaTable(str(table)).to_pyarrow_table()
    return sorted(repr(sorted(row.items())) for row in found.to_pylist())


def same_tables(one: Path, other: Path) -> None:
    for name in TABLES:
        left, right = (rows(lake / name.replace(".", "/")) for lake in (one, other))
        assert left and left == right, name


def plans(printed: str) -> list[str]:
    return [word for word in printed.split() if word in ("rebuild", "update", "nothing")]


def test_a_step_makes_the_tables_that_a_local_run_makes(machine, delivered, project, tmp_path, capsys):
    """The cluster was found by its tag; the lake is on a disk that both can read."""
    lake, landing = tmp_path / "far", tmp_path / "landing"
    places = f"lake: file://{lake}\nlanding: file://{landing}\n"
    write(project, "emr", places + SUBMIT + BY_TAG + "spark:\n" + SMALL)
    for number, (here, plan) in enumerate(zip(delivered, ["rebuild", "update"], strict=True)):
        shutil.copytree(here.landing, landing, dirs_exist_ok=True)
        assert main(["run", "+gold.daily_sales", "--env", "emr"], project) == 0, capsys.readouterr().err
        assert "COMPLETED" in capsys.readouterr().out
        said = (tmp_path / "machine" / f"run-{number}" / "stdout").read_text()
        assert plans(said) == plans(here.printed) and {*plans(said)} == {plan}
        same_tables(lake, here.lake)
    assert len(machine.steps[next(iter(machine.clusters))]) == 2


def test_a_job_run_with_its_lake_on_s3(machine, delivered, project, tmp_path, aws, capsys):
    """Landing and lake are on S3, through S3A; Delta is there because the run names the release's jars."""
    write(project, "emr-serverless", PLACES + SUBMIT + APPLICATION + JARS + SMALL)
    for here in delivered:
        put(aws, here.landing, "landing")
        assert main(["run", "+gold.daily_sales", "--env", "emr-serverless"], project) == 0, capsys.readouterr().err
        same_tables(got(aws, "tables", tmp_path / "far"), here.lake)
    assert len(machine.runs) == 2


PLACE = """

@pure("string")
def place(amount):
    import shared.texts

    return shared.texts.__file__


def map(rows):
    return ways(rows).withColumn("place", place("amount"))


job = Job(source="raw.t", map=map, key=["key"], reduce={**job.reduce, "place": Max("place")}, target="gold.x")
"""


def test_a_step_whose_jobs_share_python_functions(machine, tmp_path, capsys):
    """Workers have the modules of the zip's top alone: the folder that the driver made of it is not on their path."""
    write_deltalake(
        str(tmp_path / "raw"),
        pa.table({"key": ["a", "a", "b"], "amount": [1, 3, 2]}),
        configuration={"delta.enableChangeDataFeed": "true"},
    )
    mine = tmp_path / "mine"
    for name, text in {"shared/texts": TEXTS.format(sign="$"), "gold/x": JOB + PLACE}.items():
        (mine / "jobs" / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / "jobs" / f"{name}.py").write_text(text.replace("import Fold, Job,", "import Fold, Job, Max,"))
    (mine / "conf").mkdir()
    write(mine, "base", f"tables:\n  raw.t: file://{tmp_path / 'raw'}\n")
    places = f"lake: file://{tmp_path / 'far'}\nlanding: file://{tmp_path / 'landing'}\n"
    write(mine, "emr", places + SUBMIT + BY_TAG + "spark:\n" + SMALL)
    assert main(["run", "--env", "emr"], mine) == 0, capsys.readouterr().err
    found = DeltaTable(str(tmp_path / "far" / "gold" / "x")).to_pyarrow_table().to_pylist()
    assert sorted((row["key"], row["all"]) for row in found) == [("a", "$1$3"), ("b", "$2")]
    assert all(row["place"].endswith("/lakemill.zip/shared/texts.py") for row in found)


def test_a_step_that_fails(machine, project, tmp_path, capsys):
    """A job's error ends spark-submit; EMR then knows that it failed, and why is in the logs alone."""
    places = f"lake: file://{tmp_path / 'far'}\nlanding: file://{tmp_path / 'nowhere'}\n"
    write(project, "emr", places + SUBMIT + BY_TAG + "spark:\n" + SMALL)
    assert main(["run", "bronze.sales", "--env", "emr"], project) == 1
    assert "FAILED (Unknown Error.)" in capsys.readouterr().err
    logs = (tmp_path / "machine" / "run-0" / "stdout").read_text()
    assert "nowhere/sales: there is no such folder" in logs


def test_a_job_run_that_fails_says_why(machine, project, capsys):
    """EMR Serverless tells the last lines: here, that Delta's jars are not on the class path."""
    jars = JARS.replace("/usr/share/aws/delta/lib/delta-spark.jar,", "")
    write(project, "emr-serverless", PLACES + SUBMIT + APPLICATION + jars)
    assert main(["run", "bronze.sales", "--env", "emr-serverless"], project) == 1
    said = capsys.readouterr().err
    assert "FAILED" in said and "Spark has no Delta: its jars are not on the class path" in said


def put(aws: Callable[[str], Any], folder: Path, prefix: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            aws("s3").upload_file(str(path), "lake", f"{prefix}/{path.relative_to(folder)}")


def got(aws: Callable[[str], Any], prefix: str, folder: Path) -> Path:
    """What is below a prefix, on disk: delta-rs then reads it as another reader would."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = aws("s3").get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix=f"{prefix}/")
    for found in (item for page in pages for item in page.get("Contents", [])):
        path = folder / found["Key"].removeprefix(f"{prefix}/")
        if not found["Key"].endswith("/"):
            path.parent.mkdir(parents=True, exist_ok=True)
            aws("s3").download_file("lake", found["Key"], str(path))
    return folder
