"""lakemill contract: what it prints, and its exit codes. None of it but `infer` needs Spark."""

import json
from pathlib import Path

import pytest
from contracts.test_reader import RIGHT

from lakemill.cli import main
from lakemill.contracts.folder import contract_path, read_file

HERE = Path(__file__).resolve().parents[1]
JOB = 'from lakemill import Job\n\njob = Job(source="raw.sales", target="silver.sales")\n'
PLACES = "tables: {silver.codes: x, silver.refunds: x, silver.baskets: x, raw.sales: x}\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "jobs" / "silver").mkdir(parents=True)
    (tmp_path / "conf" / "contracts").mkdir(parents=True)
    (tmp_path / "conf" / "base.yaml").write_text(PLACES)
    (tmp_path / "jobs" / "silver" / "sales.py").write_text(JOB)
    contract_path(tmp_path, "silver.sales").write_text(RIGHT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys, code: int, *arguments: str) -> str:
    capsys.readouterr()
    assert main(["contract", *arguments]) == code
    output = capsys.readouterr()
    return output.out + output.err


def test_check(project, capsys):
    lines = told(capsys, 0, "check").splitlines()
    assert lines[0].split()[:3] == ["table", "version", "columns"]
    assert lines[1].split() == ["silver.sales", "1.2.0", "6", "13", "7", "1", "0"]
    assert json.loads(told(capsys, 0, "check", "--json")) == []


def test_check_names_each_problem(project, capsys):
    path = contract_path(project, "silver.sales")
    path.write_text(RIGHT.replace("unit: h", "unit: x").replace("required: true", "required: 1"))
    output = told(capsys, 2, "check")
    assert f"lakemill: {path}, line 21, schema[silver.sales].properties[basket].required: true or false" in output
    assert f"lakemill: {path}, line 83, slaProperties[latency].unit" in output
    problems = json.loads(told(capsys, 2, "check", "--json"))
    assert [(problem["line"], problem["place"].rpartition(".")[2]) for problem in problems] == [
        (21, "required"),
        (83, "unit"),
    ]


def test_check_of_a_file(project, capsys):
    other = project / "draft.yaml"
    other.write_text(RIGHT.replace("unit: h", "unit: x"))
    assert "draft.yaml, line 83" in told(capsys, 2, "check", "draft.yaml")
    told(capsys, 0, "check", "conf/contracts/silver.sales.yaml")
    assert "cannot be read" in told(capsys, 2, "check", "absent.yaml")


def test_diff(project, capsys):
    new = project / "new.yaml"
    old = "conf/contracts/silver.sales.yaml"
    new.write_text(RIGHT.replace("maxLength: 8", "maxLength: 9"))
    output = told(capsys, 1, "diff", old, "new.yaml")
    assert "2 to 8 letters" in output and "2 to 9 letters" in output and output.endswith("This breaks readers.\n")
    rows = json.loads(told(capsys, 1, "diff", old, "new.yaml", "--json"))
    assert [(row["place"], row["what"], row["breaks"]) for row in rows] == [("column code", "length", "readers")]
    new.write_text(RIGHT.replace("in euros", "in dollars"))
    assert "in dollars" in told(capsys, 0, "diff", old, "new.yaml")
    assert told(capsys, 0, "diff", old, old) == ""
    new.write_text("a: b")
    assert "new.yaml, line 1" in told(capsys, 2, "diff", old, "new.yaml")


def test_import_prints_a_contract_with_what_was_left_out(project, capsys):
    foreign = HERE / "contracts" / "foreign.odcs.yaml"
    output = told(capsys, 0, "import", str(foreign), "silver.payments")
    assert "# left out the other tables: receivers." in output
    written = project / "x.yaml"
    written.write_text(output)
    assert read_file(written).contract.table == "silver.payments" and not read_file(written).problems
    assert "Name one of them after a layer" in told(capsys, 2, "import", str(foreign))
    assert "cannot be read" in told(capsys, 2, "import", "absent.yaml")


def test_export_prints_what_the_reader_takes(project, capsys):
    output = told(capsys, 0, "export", "silver.sales")
    assert output.startswith("apiVersion: v3.2.0\n")
    (project / "x.yaml").write_text(output)
    assert told(capsys, 0, "diff", "conf/contracts/silver.sales.yaml", "x.yaml") == ""
    assert 'Did you mean "silver.sales"?' in told(capsys, 2, "export", "silver.sale")


@pytest.mark.parametrize("arguments", [["check", "a", "b"], ["diff", "a"], ["infer"], ["import"], ["export", "a", "b"]])
def test_too_much_or_too_little(project, capsys, arguments):
    assert f"lakemill contract {arguments[0]} takes" in told(capsys, 2, *arguments)


@pytest.mark.parametrize("action", ["infer", "export"])
@pytest.mark.parametrize("name", ["sales", "../silver.sales", "Silver.sales", "silver.sales.yaml"])
def test_what_is_no_table_name(project, capsys, action, name):
    assert f'"{name}" is no table name' in told(capsys, 2, action, name)


def test_infer_reads_a_table(lake, project, capsys):
    rows = [(n, f"{n},5", None if n % 2 else "a") for n in range(100, 210)]
    lake.put("raw.sales", rows, "id bigint, price string, note string")
    (project / "conf" / "base.yaml").write_text(f"tables: {{raw.sales: {lake.uri('raw.sales')}}}\n")
    output = told(capsys, 0, "infer", "raw.sales")
    (project / "x.yaml").write_text(output)
    columns = read_file(project / "x.yaml").contract.columns
    assert [(column.name, column.logical, column.physical, column.required) for column in columns] == [
        ("id", "integer", "bigint", True),
        ("price", "number", "string", True),
        ("note", "string", "string", False),
    ]
    assert columns[1].form.decimal == ","
    assert "# Inferred from 110 rows." in output
