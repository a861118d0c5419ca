"""The code of the README and of the pages is run: jobs fit their sources, the first table is made as it says."""

import inspect
import json
import re

import pytest
import submit
from pages import PAGES, ROOT, blocks, commands, names_of
from pyspark.sql.types import StructType

from lakemill import Job
from lakemill.cli import main
from lakemill.kinds import kind_of
from lakemill.maps.check import check_job

SALES = "basket_id bigint, product_id int, store_id int, day date, amount decimal(12,2), withdrawn boolean"
COLUMNS = {
    "bronze.orders": "order_id string, status string, placed_on string, amount string, dump_date date, "
    "line_number bigint",
    "bronze.prices": "product int, price decimal(9,2), day date",
    "raw.orders": "order_id int, customer_id int, region string, amount decimal(9,2), weight double, status string, "
    "placed_at timestamp, address string",
    "silver.orders": "order_id bigint, status string, day date, amount decimal(12,2)",
    "silver.products": "product_id int, department string",
    "silver.sales": SALES,
}
"""The tables that the pages' jobs read."""


def test_its_job_runs(lake):
    job = names_of("README.md")["job"]
    lake.spark.sql("select 1 as store_id, date '2017-01-01' as day, 2.50bd as amount, false as withdrawn").write.format(
        "delta"
    ).option("delta.enableChangeDataFeed", "true").save(lake.uri("silver.sales"))
    assert lake.run(job).reason == "FIRST_RUN"
    lake.delta("silver.sales").update(set={"amount": "4.00"})
    assert lake.run(job).reason == "UPDATE"
    shown = lake.rows("gold.daily_sales", "lines", "revenue", "average", "largest")
    assert [tuple(float(value) for value in row) for row in shown] == [(1.0, 4.0, 4.0, 4.0)]


def _jobs(names: dict) -> list[Job]:
    """The jobs of a page that read tables; a map that stands alone is the map of one."""
    loose = [names["orders_by_town"]] if "orders_by_town" in names else []
    made = [Job(source="raw.orders", map=function, key=["town"], target="gold.towns") for function in loose]
    return made + [job for job in names.values() if isinstance(job, Job) and job.sources]


def test_every_job_of_the_pages_fits_its_sources(spark):
    checked = []
    for page in PAGES:
        for job in _jobs(names_of(page)):
            mapped = check_job(spark, job, {name: StructType.fromDDL(COLUMNS[name]) for name in job.sources})
            assert kind_of(job, mapped.schema).removal
            checked.append(job.target)
    assert {"gold.daily_sales", "gold.towns", "gold.regions", "gold.order_ranks", "gold.bought_together"} <= set(
        checked
    )


def test_every_test_of_the_pages_passes(spark, monkeypatch):
    monkeypatch.chdir(ROOT)
    passed = []
    for page in (page for page in PAGES if blocks(page)):
        for name, test in names_of(page).items():
            if name.startswith("test_"):
                test(*[spark for _ in inspect.signature(test).parameters])
                passed.append(name)
    assert len(passed) == 2


def test_its_first_table(lake, tmp_path, monkeypatch, capsys):
    """The commands of "How do I make a table of my own?", in their order, on a table without a change feed."""
    place, page = tmp_path / "orders", PAGES["docs/own-table.md"]
    lake.spark.sql("select 'north' as region, 5 as amount union all select 'south', 7").write.format("delta").save(
        str(place)
    )
    (alter,) = re.findall(r"^    (ALTER TABLE .*)$", page, re.M)
    assert f'"{alter}"' in page, "the line for Python is another one"
    lake.spark.sql(alter.replace("/data/orders", str(place)))
    lines = re.findall(r"^    lakemill (.*)$", page, re.M)
    assert [line.split()[0] for line in lines] == ["init", "run", "verify"]
    assert lines == re.findall(r"^    lakemill (.*)$", PAGES["README.md"], re.M)
    monkeypatch.chdir(tmp_path)
    for line in lines:
        arguments = line.replace("/data/orders", str(place)).split()
        assert main(arguments) == 0, capsys.readouterr()
        if arguments[0] == "init":
            monkeypatch.chdir(tmp_path / "mine")
    job = next((tmp_path / "mine" / "jobs" / "gold").glob("*.py"))
    assert len(job.read_text().splitlines()) <= 25
    assert "equal" in capsys.readouterr().out
    lake.spark.sql("select 'north' as region, 1 as amount").write.format("delta").mode("append").save(str(place))
    assert main(["run", "--policy", "update"]) == 0
    assert "UPDATE" in capsys.readouterr().out


DRY_RUNS = [
    command for page in PAGES for command in commands(page) if command.endswith("--dry-run") and "gold." in command
]


@pytest.mark.parametrize("command", DRY_RUNS)
def test_its_dry_runs_print_requests(command, capsys):
    assert main(command.split(), ROOT) == 0
    *uploads, last = json.loads(capsys.readouterr().out)
    assert {each["operation"] for each in uploads} == {"put_object"}
    assert last["operation"] in ("run_job_flow", "start_job_run")


def test_its_script_prints_requests(monkeypatch, capsys):
    (command,) = re.findall(r"^    .venv/bin/python scripts/submit.py (.*--dry-run)$", PAGES["docs/emr.md"], re.M)
    monkeypatch.chdir(ROOT)
    assert submit.command(command.split()) == 0
    assert json.loads(capsys.readouterr().out)[-1]["operation"] == "run_job_flow"
