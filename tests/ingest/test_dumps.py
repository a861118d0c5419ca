"""A dump is taken whole or not at all: what is not as its manifest says is refused by name, and nothing is loaded."""

import gzip
import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

from lakemill import Dump, Job
from lakemill.errors import DataRefused, LakemillError, UsageError
from lakemill.sources.dumps import DumpFile
from lakemill.sources.records import Expected, records

SALES = Job(source=Dump("sales"), target="bronze.sales")
GOOD = b'id,note\n1,a\n2,"two\nlines, and ""quotes"""\n\n3,\n'


def write(folder: Path, content: bytes, name: str = "sales.csv", day: str = "2017-01-01", **changed) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    file = {"name": name, "bytes": len(content), "sha256": digest, "rows": 3, **changed}
    manifest = {"feed": "sales", "dump_date": day, "files": [file]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def expected(content: bytes, rows: int = 3, name: str = "sales/d/sales.csv") -> Expected:
    file = DumpFile(f"/landing/{name}", name, len(content), hashlib.sha256(content).hexdigest(), rows)
    return Expected(file, ("id", "note"), "abc", date(2017, 1, 1))


def test_every_record_with_its_first_physical_line():
    found = [(row[0], row[1], row[-1]) for row in records(expected(GOOD), GOOD)]
    assert found == [("1", "a", 2), ("2", 'two\nlines, and "quotes"', 3), ("3", "", 6)]


def test_gzip_and_crlf():
    content = gzip.compress(GOOD.replace(b"\n", b"\r\n"))
    found = list(records(expected(content, name="sales/d/sales.csv.gz"), content))
    assert [row[-1] for row in found] == [2, 3, 6]
    assert found[1][1] == 'two\r\nlines, and "quotes"'


MALFORMED = {
    "too few rows": (b"id,note\n1,a\n", 3, "3 rows"),
    "too many rows": (GOOD, 2, "2 rows"),
    "empty": (b"", 0, "a header"),
    "short row": (b"id,note\n1\n", 1, "line 2: 1 fields"),
    "long row": (b"id,note\n1,a,b\n", 1, "line 2: 3 fields"),
    "reordered header": (b"note,id\n1,a\n", 1, "columns id,note"),
    "missing column": (b"id\n1\n", 1, "columns id,note"),
    "unbalanced quote": (b'id,note\n1,"a\n', 1, "line 2"),
    "text after a quote": (b'id,note\n1,"a"b\n', 1, "line 2"),
    "not UTF-8": ("id,note\n1,é\n".encode("latin-1"), 1, "utf-8"),
    "UTF-16": ("id,note\n1,a\n".encode("utf-16"), 1, "utf-8"),
    "BOM": ("\ufeffid,note\n1,a\n".encode(), 1, "columns id,note"),
    "repeated header at the end": (b"id,note\n1,a\nid,note\n", 1, "1 rows"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_file_is_refused_by_name(what):
    content, rows, says = MALFORMED[what]
    with pytest.raises(DataRefused, match=says) as refused:
        list(records(expected(content, rows), content))
    assert "/landing/sales/d/sales.csv" in str(refused.value)


def test_a_truncated_gzip_is_refused():
    content = gzip.compress(GOOD * 1000)[:-20]
    with pytest.raises(DataRefused, match="cannot be read"):
        list(records(expected(content, 3000, "sales/d/sales.csv.gz"), content))


def test_a_file_that_is_no_gzip_is_refused():
    with pytest.raises(DataRefused, match="gzip"):
        list(records(expected(GOOD, 3, "sales/d/sales.csv.gz"), GOOD))


@pytest.fixture
def landing(lake) -> Path:
    folder = lake.root / "landing" / "sales"
    write(folder / "2017-01-01", GOOD)
    return folder


def test_each_dump_once_by_what_it_holds(lake, landing):
    assert lake.run(SALES).reason == "FIRST_RUN"
    assert lake.rows("bronze.sales", "id", "note", "line_number") == [
        ("1", "a", 2),
        ("2", 'two\nlines, and "quotes"', 3),
        ("3", "", 6),
    ]
    write(landing / "2017-01-01-again", GOOD)
    assert lake.run(SALES).plan == "nothing"
    write(landing / "2016-12-31", GOOD.replace(b"1,a", b"9,z"), day="2016-12-31")
    run = lake.run(SALES)
    assert (run.plan, run.reason, run.rows_in, run.rows_out) == ("update", "UPDATE", 3, 3)
    assert len(lake.rows("bronze.sales")) == 6
    assert lake.differences(SALES) == []
    assert lake.run(SALES, "rebuild").rows_out == 6
    assert lake.differences(SALES) == []


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _no_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def _no_file(folder: Path) -> None:
    (folder / "sales.csv").unlink()


def _other_size(folder: Path) -> None:
    (folder / "sales.csv").write_bytes(GOOD + b"4,x\n")


def _other_content(folder: Path) -> None:
    (folder / "sales.csv").write_bytes(GOOD.replace(b"1,a", b"1,b"))


def _escapes(folder: Path) -> None:
    write(folder, GOOD, name="sales.csv")
    text = (folder / "manifest.json").read_text().replace('"sales.csv"', '"../../secret"')
    (folder / "manifest.json").write_text(text)


def _no_day(folder: Path) -> None:
    text = (folder / "manifest.json").read_text().replace("2017-01-02", "yesterday")
    (folder / "manifest.json").write_text(text)


WRONG = {
    "no manifest": (_no_manifest, "no manifest.json"),
    "manifest is no JSON": (_no_json, "not one"),
    "no file": (_no_file, "not there"),
    "other size": (_other_size, "bytes"),
    "other content": (_other_content, "sha256"),
    "path out of the folder": (_escapes, "not a plain file name"),
    "no day": (_no_day, "yesterday"),
}


def test_a_wrong_delivery_is_refused_and_nothing_is_loaded(lake, landing):
    lake.run(SALES)
    version = lake.log("bronze.sales").version
    for what, (spoil, says) in WRONG.items():
        write(landing / "2017-01-03", GOOD.replace(b"1,a", b"7,g"), day="2017-01-03")
        write(landing / "2017-01-02", GOOD.replace(b"1,a", b"8,h"), day="2017-01-02")
        spoil(landing / "2017-01-02")
        with pytest.raises(DataRefused, match=says) as refused:
            lake.run(SALES)
        assert "2017-01-02" in str(refused.value), what
        assert lake.log("bronze.sales").version == version, what


def test_a_changed_header_is_refused(lake, landing):
    lake.run(SALES)
    write(landing / "2017-01-02", GOOD.replace(b"id,note", b"id,remark"), day="2017-01-02")
    with pytest.raises(DataRefused, match="columns id,note"):
        lake.run(SALES)


def test_dumps_that_left_the_landing_cannot_be_read_again(lake, landing):
    lake.run(SALES)
    (landing / "2017-01-01").rename(lake.root / "elsewhere")
    write(landing / "2017-01-02", GOOD.replace(b"1,a", b"8,h"), day="2017-01-02")
    with pytest.raises(UsageError, match="without losing rows"):
        lake.run(SALES, "rebuild")
    assert lake.run(SALES).plan == "update"
    assert len(lake.rows("bronze.sales")) == 6


def test_an_empty_landing_is_nothing_new_and_a_missing_one_is_told(lake):
    with pytest.raises(UsageError, match="there is no such folder"):
        lake.run(SALES)
    Path(lake.world.landing, "sales").mkdir(parents=True)
    assert lake.run(SALES).reason == "NOTHING_NEW"
    with pytest.raises(LakemillError, match="cannot be verified"):
        lake.differences(SALES)


def test_a_snapshot_that_is_as_it_was_two_months_ago_is_loaded(lake):
    landing = Path(lake.world.landing, "sales")
    for month, content in (("01", GOOD), ("02", GOOD.replace(b"1,a", b"1,b")), ("03", GOOD)):
        write(landing / f"2017-{month}-01", content, day=f"2017-{month}-01")
    lake.run(SALES)
    assert len({(row[0], row[1]) for row in lake.rows("bronze.sales", "dump_date", "dump_id")}) == 3


def test_a_dump_that_somebody_deleted_from_bronze_is_missed_by_verify(lake):
    landing = Path(lake.world.landing, "sales")
    for day in ("2017-01-01", "2017-01-02"):
        write(landing / day, GOOD.replace(b"1,a", day[-1:].encode() + b",a"), day=day)
    lake.run(SALES)
    assert lake.differences(SALES) == []
    lake.delta("bronze.sales").delete("dump_date = '2017-01-02'")
    assert {found.kind for found in lake.differences(SALES)} == {"missing row"}


def test_a_first_dump_that_is_no_gzip_is_refused(lake):
    write(Path(lake.world.landing, "sales") / "2017-01-01", b"no gzip", name="sales.csv.gz")
    with pytest.raises(DataRefused, match=r"sales\.csv\.gz"):
        lake.run(SALES)
