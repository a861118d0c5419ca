"""A file's records are those of Python's csv over its decoded text; what cannot be read is refused with its line."""

import csv
import gzip
import hashlib
import io
import random
import re
from datetime import date

import pytest

from lakemill.errors import DataRefused
from lakemill.proof.landing import Listed, _rows
from lakemill.sources.header import LINEAGE, bronze_schema, check_header, table_columns
from lakemill.sources.manifest import DumpFile
from lakemill.sources.records import Expected, read_header, records

GOOD = b'id,note\n1,a\n2,"two\nlines, and ""quotes"""\n\n3,\n'
DAY = date(2017, 1, 1)
MARK = "\ufeff".encode()


def dump_file(content: bytes, rows: int = 3, name: str = "sales/d/sales.csv") -> DumpFile:
    return DumpFile(f"/landing/{name}", name, len(content), hashlib.sha256(content).hexdigest(), rows)


def read(
    content: bytes, rows: int = 3, name: str = "sales/d/sales.csv", header=("id", "note"), columns=()
) -> list[tuple]:
    file = dump_file(content, rows, name)
    columns = tuple(columns) or (*header, *LINEAGE)
    return list(records(Expected(file, header, "abc", DAY, columns), content))


def test_every_record_with_its_first_physical_line():
    assert [(row[0], row[1], row[-1]) for row in read(GOOD)] == [
        ("1", "a", 2),
        ("2", 'two\nlines, and "quotes"', 3),
        ("3", "", 6),
    ]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.GZ", "a.gz"])
def test_gzip_and_crlf(name):
    content = gzip.compress(GOOD.replace(b"\n", b"\r\n")[:20]) + gzip.compress(GOOD.replace(b"\n", b"\r\n")[20:])
    rows = read(content, name=f"sales/d/{name}")
    assert [row[-1] for row in rows] == [2, 3, 6]
    assert rows[1][1] == 'two\r\nlines, and "quotes"'


MALFORMED = {
    "too few rows": (b"id,note\n1,a\n", 3, "3 rows"),
    "too many rows": (GOOD, 2, "2 rows"),
    "empty": (b"", 0, "a header"),
    "blank": (b"\n\n", 0, "a header"),
    "short row": (b"id,note\n1\n", 1, "line 2: 1 fields"),
    "long row": (b"id,note\n1,a,b\n", 1, "line 2: 3 fields"),
    "another header than before": (b"note,id\n1,a\n", 1, "columns id,note"),
    "missing column": (b"id\n1\n", 1, "columns id,note"),
    "unbalanced quote": (b'id,note\n1,"a\n', 1, "line 2"),
    "text after a quote": (b'id,note\n1,"a"b\n', 1, "line 2"),
    "not UTF-8": ("id,note\n1,é\n".encode("latin-1"), 1, "line 2: .*byte 10 of the text, 0xe9, is not UTF-8"),
    "UTF-16": ("id,note\n1,a\n".encode("utf-16"), 1, "line 1: .*0xff, is not UTF-8"),
    "a mark within": (b"id,note\n" + MARK[:2] + b",a\n", 1, "line 2: .*byte 8"),
    "repeated header at the end": (b"id,note\n1,a\nid,note\n", 1, "1 rows"),
    "packed": (gzip.compress(GOOD), 3, "packed by gzip"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_file_is_refused_by_name(what):
    content, rows, words = MALFORMED[what]
    with pytest.raises(DataRefused, match=words) as refused:
        read(content, rows)
    assert "/landing/sales/d/sales.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_damaged_gzip_is_refused():
    whole = gzip.compress(GOOD * 1000)
    for content in (whole[:-20], whole[:200], GOOD, whole + b"more", whole[:-8] + bytes(8)):
        with pytest.raises(DataRefused, match=r"cannot be read.* gzip"):
            read(content, 3000, "sales/d/sales.csv.gz")


def test_another_content_is_refused():
    file = dump_file(GOOD)
    other = GOOD.replace(b"1,a", b"1,b")
    with pytest.raises(DataRefused, match="sha256"):
        list(records(Expected(file, ("id", "note"), "abc", DAY, ("id", "note", *LINEAGE)), other))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_of_a_bad_byte_is_the_right_one(end):
    """Anywhere in files far larger than the blocks that are decoded; quoted fields have lines of their own."""
    rng = random.Random(8192)
    for name in ["a.csv"] * 15 + ["a.csv.gz"] * 5:
        lines = ["id,note", *(f'{n},"näme{end}{n}"' for n in range(3000))]
        text = end.join(lines).encode()
        at = rng.choice([m.start() for m in re.finditer(b"me", text)])
        bad = text[:at] + rng.choice([b"\xe9", b"\xff", b"\xc3", b"\x80", b"\xed\xa0\x80"]) + text[at:]
        line = len(re.findall(rb"\r\n|\r|\n", text[:at])) + 1
        with pytest.raises(DataRefused, match=f"line {line}: .*byte {at} of the text"):
            read(gzip.compress(bad, 1) if name.endswith("gz") else bad, 3000, f"sales/d/{name}")


PIECES = [
    b",",
    b",",
    b",",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b'"',
    b'""',
    b"a",
    b"1",
    b" ",
    b"\xc3\xa9",
    b"\xff",
    b"\x00",
    MARK,
]


def oracle(content: bytes) -> tuple[list[str], list[list[str]]] | None:
    """Header and records by Python's csv over the decoded text; None where there are none that are sound."""
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
        found = [record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record]
    except (UnicodeDecodeError, csv.Error):
        return None
    if not found or any(len(record) != len(found[0]) for record in found):
        return None
    return found[0], found[1:]


def test_random_bytes_are_read_as_the_oracle_reads_them_or_refused():
    rng, sound = random.Random(20170101), 0
    for _ in range(6000):
        width = rng.randint(1, 3)
        start = rng.choice([b"", MARK]) + b",".join([b"id", b"b", b"c"][:width]) + rng.choice([b"\n", b"\r\n"])
        rows = [b",".join(rng.choice(FIELDS) for _ in range(width)) for _ in range(rng.randint(0, 4))]
        content = start + b"\n".join(rows)
        if rng.random() < 0.5:
            content += b"".join(rng.choice(PIECES) for _ in range(rng.randint(0, 12)))
        expected, name = oracle(content), rng.choice(["a.csv", "a.csv.gz"])
        packed = gzip.compress(content) if name.endswith("gz") else content
        header = ("id", "b", "c")[:width]
        try:
            found = read(packed, len(expected[1]) if expected else 0, f"sales/d/{name}", header)
        except DataRefused:
            assert expected is None or tuple(expected[0]) != header, content
            continue
        assert expected is not None, content
        assert [list(row[:width]) for row in found] == expected[1], content
        again = Listed(f"sales/d/{name}", hashlib.sha256(packed).hexdigest(), 0, DAY, "abc")
        assert list(_rows(again, packed, [*header, *LINEAGE])) == found, content  # the second reading, lines included
        sound += 1
    assert sound > 2000


FIELDS = [
    b"",
    b"a",
    b"1.5",
    b'"q"',
    b'"a,b"',
    b'"x\ny"',
    b'"x\r\n\r\ny"',
    b'"say ""hi"""',
    "é日本".encode(),
    b" s ",
    b"''",
]


def test_a_header_is_read_from_the_first_bytes():
    for content in (GOOD, MARK + GOOD, b"\n\n" + GOOD, MARK + b'"id","note"\n1,a\n'):
        assert read_header(dump_file(content), content) == ("id", "note")
        assert read_header(dump_file(content * 9), content) == ("id", "note")
    packed = gzip.compress(GOOD + b"".join(b"%d,%d\n" % (n, n * n) for n in range(99999)))
    assert read_header(dump_file(packed, name="sales/d/a.gz"), packed[:4096]) == ("id", "note")
    assert read_header(dump_file(GOOD), b"id,no") is None  # cut
    assert read_header(dump_file(b"id,note"), b"id,note") == ("id", "note")
    assert read_header(dump_file(b""), b"") == ()


@pytest.mark.parametrize(
    "names",
    [["id", "ID"], ["a b"], [""], ["id", "dump_ID"], ["_state"], ["_change_type"], ["\ufeffid"], ["1a"], ["é"], []],
)
def test_a_header_that_cannot_be_columns_is_refused(names):
    with pytest.raises(DataRefused, match="/landing/sales/d/sales.csv") as refused:
        check_header(dump_file(b""), names)
    assert str(refused.value).isprintable()


def columns(known: list[str], *headers: str, older: str = "") -> list[str]:
    """older: the header that is of a day before all that the table has."""
    files = {dump_file(b"", name=f"sales/{n}/a.csv"): header.split(",") for n, header in enumerate(headers)}
    return table_columns(known, files, lambda file: ",".join(files[file]) == older)


BRONZE = ["id", "note", *LINEAGE]


def test_a_column_more_is_taken_and_stands_behind_the_lineage():
    assert columns([], "id,note") == BRONZE
    assert columns([], "id,note", "note,more,id", "id,note") == [*BRONZE, "more"]
    assert columns(BRONZE, "NOTE,Id") == BRONZE
    wider = columns(BRONZE, "id,note,more")
    assert columns(wider, "id,note", "id,MORE,note", "x,id,note") == [*BRONZE, "more", "x"]
    assert bronze_schema(wider).simpleString() == (
        "struct<id:string,note:string,dump_date:date,dump_id:string,file_name:string,line_number:bigint,more:string>"
    )


@pytest.mark.parametrize("header", ["id", "id,remark", "id,more"])
def test_a_lost_column_is_refused_by_name(header):
    for known in (BRONZE, [*BRONZE, "more"]):
        with pytest.raises(DataRefused, match='no column "note"') as refused:
            columns(known, header)
        assert "damaged" not in str(refused.value)
        assert ('"remark" is new' in str(refused.value)) == ("remark" in header)


def test_a_dump_from_before_the_first_may_lack_what_came_after_it():
    assert columns(BRONZE, "id", older="id") == BRONZE
    assert columns(BRONZE, "id", "note,id,more", older="id") == [*BRONZE, "more"]
    with pytest.raises(DataRefused, match='no column "id"'):
        columns(BRONZE, "id", "note", older="id")


def test_values_go_where_their_names_are():
    content = b"note,ID\na,1\n,2\n"
    rows = read(content, 2, header=("note", "ID"), columns=[*BRONZE, "more"])
    lineage = (DAY, "abc", "sales/d/sales.csv")
    assert rows == [("1", "a", *lineage, 2, None), ("2", "", *lineage, 3, None)]
