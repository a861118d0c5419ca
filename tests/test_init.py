"""`lakemill init` on tables whose logs and names are odd: the project is Python, and its job fits the table."""

import ast
import json
import random
import re

import pytest
import yaml

from lakemill.errors import UsageError
from lakemill.graph import load_job, load_jobs
from lakemill.init import init

from .submit.conftest import ROOT

STRUCT = {"type": "struct", "fields": [{"name": "x", "type": "long", "nullable": True, "metadata": {}}]}
ARRAY = {"type": "array", "elementType": "string", "containsNull": True}
MAP = {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True}


@pytest.fixture(autouse=True, scope="module")
def left():
    yield
    load_jobs(ROOT / "jobs")


def table(folder, columns, *others):
    """A log of one commit that tells the columns, and others after it, as texts."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in columns.items()]
    schema = json.dumps({"type": "struct", "fields": fields}, ensure_ascii=False)
    first = json.dumps({"metaData": {"id": "a", "schemaString": schema}}, ensure_ascii=False)
    for number, text in enumerate((first, *others)):
        (log / f"{number:020d}.json").write_bytes(text.encode())
    return folder


def made(tmp_path, columns, *others, name="raw.orders"):
    """What init writes for such a table: the job that is loaded from it, and its texts."""
    paths = init(tmp_path / "mine", name, str(table(tmp_path / "table", columns, *others)))
    (path,) = [path for path in paths if path.parent.name == "gold"]
    return load_job(path), [path.read_text(encoding="utf-8") for path in paths if path.suffix == ".py"]


def fits(job, texts, columns):
    """The job's columns are those of the table, or plain names for them; every file names the table's own."""
    for text in texts:
        constants = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        assert constants & set(columns)
    made = [*job.key, *job.reducers]
    assert len({name.lower() for name in made}) == len(made)
    assert "_state" not in made
    for name in made:
        assert re.fullmatch(r"\w+", name)


SEPARATORS = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"]


def test_what_separates_lines_for_unicode_does_not_in_a_log(tmp_path):
    stats = json.dumps({"minValues": {"shop": "".join(SEPARATORS)}}, ensure_ascii=False)
    added = json.dumps({"add": {"path": "x", "stats": stats}}, ensure_ascii=False)
    job, texts = made(tmp_path, {"shop": "string", "n": "long"}, f"{added}\r\n\n{added}")
    fits(job, texts, ["shop"])
    assert job.key == ("shop",)


@pytest.mark.parametrize("text", ["{", "[]", '{"metaData": {}}', '{"metaData": {"schemaString": "{"}}', "\x00"])
def test_a_log_that_is_none(tmp_path, text):
    with pytest.raises(UsageError, match=r"00001\.json is no commit of a Delta table\. Nothing was written"):
        made(tmp_path, {"shop": "string"}, text)
    assert not (tmp_path / "mine").exists()


NAMES = [
    'say "it"', "a\\b", "a\\", "it's", "a.b", "a`b", "`", "", " ", "\n", "\t", "\u2028", "\x85", '"""', "{x}", "${key}",
    "$", "%s", "class", "None", "for", "job", "rows", "Rows", "run", "total_n", "largest_n", "_state", "_STATE", "2024",
    "größe", "数量", "😀", "a" * 300, "a b,c;d(e)=f", "--", "#x", "x'; drop table", "\u202ex", "e\u0301", "\ufeffx",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_that_no_program_would_choose(tmp_path, name):
    """As the key, and as the number that is added up."""
    job, texts = made(tmp_path / "key", {name: "string", "n": "long"})
    fits(job, texts, [name])
    assert len(job.key) == 1 and len(job.reducers) == 3
    number = name if name != "n" else "m"
    job, texts = made(tmp_path / "number", {"k": "string", number: "decimal(12,2)"})
    fits(job, texts, [number])
    assert job.key == ("k",)


def test_random_names(tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    signs = "ab_Z9 .`'\"\\\n\t${}()#;,=:\u2028\x85\x00\x7fä数😀"
    kinds = ["string", "long", "double", "decimal(38,37)", "timestamp", "variant", STRUCT, ARRAY, MAP]
    for number in range(50):
        names = {"".join(chance.choices(signs, k=chance.randint(0, 8))) for _ in range(4)}
        columns = {name: chance.choice(kinds) for name in sorted(names)}
        lower = {name.lower(): name for name in columns}  # Delta takes no two that differ in capitals
        columns = {name: kind for name, kind in columns.items() if name in lower.values()}
        fits(*made(tmp_path / str(number), columns), columns)


def test_columns_of_nested_types_only(tmp_path):
    job, texts = made(tmp_path, {"a": STRUCT, "b": ARRAY, "c": MAP})
    fits(job, texts, ["a"])
    assert job.key == () and list(job.reducers) == ["rows"] and job.target == "gold.orders_counted"


def test_no_columns(tmp_path):
    with pytest.raises(UsageError, match="has no columns"):
        made(tmp_path, {})


def test_a_long_name_of_a_table(tmp_path):
    name = f"raw.{'t' * 63}"
    job, _ = made(tmp_path, {"a" * 63: "string"}, name=name)
    assert job.source == name and len(job.target) <= len("gold.") + 63


@pytest.mark.parametrize("folder", ['it: "is" #1', "a\\b", "größe 😀", "- x", "{a: b}", "a\x85b", "%", "it's"])
def test_a_place_that_yaml_would_read_otherwise(tmp_path, folder):
    place = table(tmp_path / folder, {"a": "string"})
    init(tmp_path / "mine", "raw.orders", str(place))
    conf = yaml.safe_load((tmp_path / "mine" / "conf" / "base.yaml").read_text(encoding="utf-8"))
    assert conf["tables"] == {"raw.orders": str(place)}


def test_the_project_runs(lake, monkeypatch, capsys):
    """On a table whose names need quoting everywhere: its own test passes, too, without a session of lakemill's."""
    from lakemill.cli import main

    lake.put("raw.orders", [("x", 3), ("x", 4), ("y", 5)], '`a.b``c "d\\\\` string, `no.` int')
    assert main(["init", str(lake.root / "mine"), "--table", "raw.orders", "--at", lake.uri("raw.orders")]) == 0
    monkeypatch.chdir(lake.root / "mine")
    assert main(["run"]) == 0, capsys.readouterr()
    (found,) = (lake.root / "mine" / "lake" / "gold").iterdir()
    rows = lake.spark.read.format("delta").load(str(found)).drop("_state")
    assert sorted(map(tuple, rows.collect())) == [("x", 2, 7, 4), ("y", 1, 5, 5)]
    (test,) = (lake.root / "mine" / "tests").glob("*.py")
    names: dict[str, object] = {"__file__": str(test)}
    exec(compile(test.read_text(), str(test), "exec"), names)
    names["test_a_row_keeps_its_values"]()
