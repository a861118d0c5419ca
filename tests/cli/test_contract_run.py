"""A project whose tables have contracts, as its people see it: run, quarantine, status, nothing new."""

import json

import pytest
import yaml
from conftest import SPARK

from lakemill.cli import main

LINES = """
from lakemill import Job
def delivered(lines):
    return lines.select("line", "product", "amount")
job = Job(source="raw.lines", map=delivered, target="silver.lines")
"""
TOTAL = """
from lakemill import Job, Sum
job = Job(source="silver.lines", key=["product"], reduce={"amount": Sum("amount")}, target="gold.products")
"""
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: silver.lines
version: 1.0.0
schema:
  - name: silver.lines
    properties:
      - {name: line, logicalType: integer, required: true}
      - {name: product, logicalType: string, classification: personal, logicalTypeOptions: {maxLength: 3}}
      - {name: amount, logicalType: number, physicalType: "decimal(8,2)"}
    quality:
      - {name: one_a_line, type: library, metric: duplicateValues, mustBe: 0, severity: fail,
         arguments: {properties: [line]}}
"""
SCHEMA = "line string, product string, amount string"


@pytest.fixture
def lines(lake, tmp_path, monkeypatch):
    files = {
        "jobs/silver/lines.py": LINES,
        "jobs/gold/products.py": TOTAL,
        "conf/contracts/silver.lines.yaml": CONTRACT,
        "conf/base.yaml": yaml.safe_dump({"spark": SPARK, "lake": str(lake.root / "lake")}),
    }
    for name, text in files.items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text(text)
    monkeypatch.chdir(tmp_path / "mine")
    lake.put_by_spark("raw.lines", [("1", "tea", "1.50"), ("2", "coffee", "x"), ("3", "tea", "0.25")], SCHEMA)
    return lake


def listed(capsys, *arguments: str) -> list[dict]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def told(capsys, code: int, *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == code, capsys.readouterr()
    said = capsys.readouterr()
    return said.out + said.err


CHECK = "checks.silver_lines_one_a_line"


def test_what_does_not_meet_its_contract_is_shown_and_leaves(lines, capsys):
    runs = {run["table"]: run for run in listed(capsys, "run")}
    assert list(runs) == [
        "silver.lines_quarantine", "silver.lines", f"{CHECK}_groups", CHECK, "gold.products"
    ]  # fmt: skip
    assert [runs[name]["quarantined"] for name in ("silver.lines", "gold.products")] == [1, None]
    waiting = listed(capsys, "quarantine")
    assert [(row["rule"], row["column"], row["rows"], row["such as"]) for row in waiting] == [
        ("type", "amount", 1, "amount='x'"),
        ("length", "product", 1, "product (personal data, not shown)"),
    ]
    assert "conf/contracts/silver.lines.yaml" in told(capsys, 0, "quarantine", "silver.lines")
    assert "has no contract, and so no quarantine" in told(capsys, 2, "quarantine", "gold.products")
    assert "Spark was not started" in told(capsys, 0, "run"), "what contracts make is known by its logs, too"
    lines.spark.sql(f"update delta.`{lines.uri('raw.lines')}` set product = 'mug', amount = '4' where line = '2'")
    told(capsys, 0, "run")
    assert [row["rule"] for row in listed(capsys, "quarantine")] == ["no row waits"]
    assert lines.rows("gold.products") == [("mug", 4), ("tea", 1.75)]
    assert "equal" in told(capsys, 0, "verify")


def test_a_check_that_has_rows_is_told_by_each_run_and_by_status(lines, capsys):
    told(capsys, 0, "run")
    lines.put_by_spark("raw.lines", [("3", "tea", "7.00")], SCHEMA)
    for _ in range(2):
        said = told(capsys, 3, "run")
        assert "of silver.lines 1 group of its rows breaks the rule one_a_line of its contract" in said
        assert f"{CHECK}, which it comes after, has rows: gold.products is left as it is" in said
    status = {row["table"]: row for row in listed(capsys, "status")}
    assert (status[CHECK]["rows"], status["gold.products"]["status"]) == (1, "skipped")
    lines.spark.sql(f"delete from delta.`{lines.uri('raw.lines')}` where amount = '7.00'")
    told(capsys, 0, "run")
    assert lines.rows("gold.products") == [("tea", 1.75)]
