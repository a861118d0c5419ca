"""The README's claims are run: its job is the shape it says, its project starts as it says, its files are there."""

import json
import re
from pathlib import Path

import pytest
import submit
from pyspark.sql.types import StructType

from lakemill import Job
from lakemill.cli import main
from lakemill.maps.rowwise import check_map

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_its_job_runs(lake):
    code = re.findall(r"```python\n(.*?)```", README, re.S)[0]
    names = {"__name__": "readme"}
    exec(code, names)
    job = names["job"]
    assert isinstance(job, Job)
    lake.spark.sql("select 1 as store_id, date '2017-01-01' as day, 2.50bd as amount, false as withdrawn").write.format(
        "delta"
    ).option("delta.enableChangeDataFeed", "true").save(lake.uri("silver.sales"))
    assert lake.run(job).reason == "FIRST_RUN"
    lake.delta("silver.sales").update(set={"amount": "4.00"})
    assert lake.run(job).reason == "UPDATE"
    assert [float(row[0]) for row in lake.rows("gold.daily_sales", "average")] == [4.0]
    assert lake.differences(job) == []


def test_its_python_function_is_marked(spark):
    code = README.split("### Python in a map")[1].split("```python\n")[1].split("```")[0]
    names = {"__name__": "readme"}
    exec(code, names)
    assert [names["town"].function(address) for address in ("5 High St, Ely", None)] == ["Ely", None]
    job = Job(source="raw.orders", map=names["orders_by_town"], key=["town"], target="gold.towns")
    assert check_map(spark, job, {"raw.orders": StructType.fromDDL("address string, amount int")}).schema.names


def test_its_ten_minutes(lake, tmp_path, monkeypatch, capsys):
    """The commands of "Your own table in ten minutes", in their order, on a table without a change feed."""
    place = tmp_path / "orders"
    lake.spark.sql("select 'north' as region, 5 as amount union all select 'south', 7").write.format("delta").save(
        str(place)
    )
    section = README.split("## Your own table in ten minutes")[1].split("\n## ")[0]
    (alter,) = re.findall(r"^    (ALTER TABLE .*)$", section, re.M)
    lake.spark.sql(alter.replace("/data/orders", str(place)))
    commands = re.findall(r"^    lakemill (.*)$", section, re.M)
    assert [command.split()[0] for command in commands] == ["init", "run", "verify"]
    monkeypatch.chdir(tmp_path)
    for command in commands:
        arguments = command.replace("/data/orders", str(place)).split()
        assert main(arguments) == 0, capsys.readouterr()
        if arguments[0] == "init":
            monkeypatch.chdir(tmp_path / "mine")
    job = next((tmp_path / "mine" / "jobs" / "gold").glob("*.py"))
    assert len(job.read_text().splitlines()) <= 25
    assert "equal" in capsys.readouterr().out
    lake.spark.sql("select 'north' as region, 1 as amount").write.format("delta").mode("append").save(str(place))
    assert main(["run", "--policy", "update"]) == 0
    assert "UPDATE" in capsys.readouterr().out


@pytest.mark.parametrize("command", re.findall(r"^    .venv/bin/lakemill (run .*--dry-run)$", README, re.M))
def test_its_dry_runs_print_requests(command, capsys):
    assert main(command.split(), ROOT) == 0
    *uploads, last = json.loads(capsys.readouterr().out)
    assert {each["operation"] for each in uploads} == {"put_object"}
    assert last["operation"] in ("run_job_flow", "start_job_run")


def test_its_script_prints_requests(monkeypatch, capsys):
    (command,) = re.findall(r"^    .venv/bin/python scripts/submit.py (.*--dry-run)$", README, re.M)
    monkeypatch.chdir(ROOT)
    assert submit.command(command.split()) == 0
    assert json.loads(capsys.readouterr().out)[-1]["operation"] == "run_job_flow"


@pytest.mark.parametrize("command", sorted(set(re.findall(r"(?:`|^    )make ([a-z0-9-]+)", README, re.M))))
def test_its_make_targets_exist(command):
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.M), command


def test_its_files_exist():
    for path in re.findall(r"(?:scripts|tests|lib)/[\w/]+\.py", README):
        assert (ROOT / path).is_file(), path
