"""The command line: every error is one paragraph with its exit code, and changes nothing."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakemill.cli import main
from lakemill.lake.lock import lock, lock_folder

SCHEMA = "region string, ordered_on date, amount decimal(12,2), order_id bigint"
JOB = """
from lakemill import {imports}
def rows(orders):
    return orders{rest}
job = Job(source="raw.orders", map=rows, key=["region"], reduce={{"total": {reducer}}}, target="gold.{name}")
"""


@pytest.fixture
def project(lake, monkeypatch):
    """A project that `lakemill init` started on a table of the user's."""
    rows = [("north", None, 10, 1), ("south", None, 5, 2), ("north", None, 1, 3)]
    lake.spark.createDataFrame([], SCHEMA)
    from decimal import Decimal

    lake.put("raw.orders", [(r, d, Decimal(a), i) for r, d, a, i in rows], SCHEMA)
    folder = lake.root / "mine"
    assert main(["init", str(folder), "--table", "raw.orders", "--at", lake.uri("raw.orders")]) == 0
    monkeypatch.chdir(folder)
    return folder


def add(project: Path, name: str, reducer: str = 'Sum("amount")', rest: str = "", imports: str = "Count, Job, Sum"):
    path = project / "jobs" / "gold" / f"{name}.py"
    path.write_text(JOB.format(imports=imports, rest=rest, reducer=reducer, name=name))
    return f"gold.{name}"


def told(capsys, code: int, *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == code
    said = capsys.readouterr()
    return said.out + said.err


def test_init_run_verify_status_history_explain_graph(project, lake, capsys):
    assert "orders_by_region" in told(capsys, 0, "graph")
    plan = told(capsys, 0, "explain", "gold.orders_by_region")
    assert "rebuild, FIRST_RUN" in plan
    assert [word for word in ("map ", "combine ", "shuffle ", "reduce ") if f"\n  {word}" not in plan] == []
    assert "rebuild" in told(capsys, 0, "run")
    assert "NOTHING_NEW" in told(capsys, 0, "run")
    assert "equal" in told(capsys, 0, "verify")
    table = project / "lake" / "gold" / "orders_by_region"
    rows = lake.spark.read.format("delta").load(str(table)).orderBy("region").collect()
    assert [(row.region, row.rows, row.total_amount) for row in rows] == [("north", 2, 11), ("south", 1, 5)]
    (status,) = json.loads(told(capsys, 0, "status", "--json"))
    assert (status["table"], status["rows"], status["status"]) == ("gold.orders_by_region", 2, "done")
    (run,) = json.loads(told(capsys, 0, "history", "gold.orders_by_region", "--json"))
    assert (run["plan"], run["reason"], run["rows_in"], run["rows_out"]) == ("rebuild", "FIRST_RUN", 3, 2)
    maintained = json.loads(told(capsys, 0, "maintain", "--json"))
    assert [(one["table"], one["remarks"]) for one in maintained] == [("gold.orders_by_region", []), ("ops.runs", [])]
    assert "NOTHING_NEW" in told(capsys, 0, "run")


def test_the_first_test_of_a_project_passes(project):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(project / "tests")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"},  # else it warms up for long
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_verify_names_a_damage(project, lake, capsys):
    told(capsys, 0, "run")
    from delta.tables import DeltaTable

    table = DeltaTable.forPath(lake.spark, str(project / "lake" / "gold" / "orders_by_region"))
    table.update("region = 'north'", {"rows": "7"})
    said = told(capsys, 1, "verify")
    assert "column rows at region=north: stored 7, expected 2" in said


def test_verify_updates_first_where_what_it_was_made_from_is_gone(project, lake, capsys):
    from decimal import Decimal

    lake.put("raw.orders", [("west", None, Decimal(3), 4)], SCHEMA)
    told(capsys, 0, "run")
    orders, uri = lake.delta("raw.orders"), lake.uri("raw.orders")
    keeping = "set tblproperties (delta.deletedFileRetentionDuration = 'interval 0 hours')"
    lake.spark.sql(f"alter table delta.`{uri}` {keeping}")
    orders.optimize().executeCompaction()
    lake.put("raw.orders", [("east", None, Decimal(2), 5)], SCHEMA)
    orders.vacuum()
    said = told(capsys, 1, "verify")
    assert f"raw.orders was vacuumed on {datetime.now(UTC).date()}" in said and "--update" in said
    assert "equal" in told(capsys, 0, "verify", "--update")
    assert "fraction" in told(capsys, 2, "verify", "--sample", "1.5")
    orders.delete("region = 'east'")
    orders.vacuum()
    assert "can only be rebuilt" in told(capsys, 2, "verify", "--update")


def test_bad_usage_is_2_and_changes_nothing(project, lake, capsys):
    told(capsys, 0, "run")
    version = lake.log("raw.orders").version
    wrong = {
        add(project, "doubles", rest='.withColumn("amount", orders.amount.cast("double"))'): r"amount.*cast\(",
        add(project, "aggregates", rest=".groupBy('region').count()"): "groupBy/agg",
        add(project, "unknown_column", reducer='Sum("amuont")'): 'Did you mean "amount"',
        add(project, "map_column", rest='.select("regoin")'): "regoin",
    }
    import re

    for table, says in wrong.items():
        said = told(capsys, 2, "run", table)
        assert re.search(says, said), said
        assert said.count("\n\n") == 0
        assert not (project / "lake" / table.replace(".", "/")).exists()
    assert lake.log("raw.orders").version == version
    assert 'Did you mean "gold.orders_by_region"' in told(capsys, 2, "run", "gold.orders_by_regoin")
    assert 'Did you mean "gold.orders_by_region"' in told(capsys, 2, "verify", "gold.orders_by_regoin")
    (project / "conf" / "local.yaml").write_text("sparc: {}")
    assert 'Did you mean "spark"' in told(capsys, 2, "run")


def test_a_lake_that_cannot_be_read(project, capsys):
    (project / "conf" / "base.yaml").write_text("lake: lake\ntables:\n  raw.orders: /nowhere/at/all\n")
    assert "there is no Delta table at /nowhere/at/all" in told(capsys, 2, "run")
    assert not (project / "lake" / "gold").exists()


def test_a_failure_stops_only_what_reads_it(project, capsys):
    broken = add(project, "broken", rest=".limit(1)")
    (project / "jobs" / "gold" / "reads_broken.py").write_text(
        f'from lakemill import Count, Job\njob = Job(source="{broken}", key=[], reduce={{"n": Count()}}, '
        'target="gold.reads_broken")'
    )
    said = told(capsys, 2, "run")
    lines = {line.split()[0]: line.split()[1] for line in said.splitlines() if line.startswith("gold.")}
    assert lines == {"gold.broken": "failed", "gold.reads_broken": "skipped", "gold.orders_by_region": "rebuild"}


def test_a_second_process_is_1(project, capsys):
    with lock(lock_folder(str(project / "lake")), "gold.orders_by_region"):
        assert "is working on it" in told(capsys, 1, "run")
    assert not (project / "lake" / "gold").exists()


def test_outside_a_project(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "lakemill init" in told(capsys, 2, "run")


def test_init_refuses(project, tmp_path, capsys):
    assert "not empty" in told(capsys, 2, "init", str(project), "--at", str(tmp_path))
    assert "no Delta table" in told(capsys, 2, "init", "new", "--at", str(tmp_path))
    assert "no table name" in told(capsys, 2, "init", "new", "--table", "Orders", "--at", str(tmp_path))


def test_plain_spark_submit_with_an_empty_home(project, tmp_path):
    """`spark-submit jobs/gold/x.py` does what `lakemill run gold.x` does."""
    home = tmp_path / "home"
    home.mkdir()
    submit = Path(sys.executable).parent / "spark-submit"
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    if os.environ.get("JAVA_HOME"):
        environment["JAVA_HOME"] = os.environ["JAVA_HOME"]
    done = subprocess.run(
        [str(submit), "jobs/gold/orders_by_region.py"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FIRST_RUN" in done.stdout
    assert (project / "lake" / "gold" / "orders_by_region" / "_delta_log").is_dir()
    assert list(home.iterdir()) == []
