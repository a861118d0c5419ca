"""A manifest is what it should be or refused in words; a dump is known by what it holds, in whatever order."""

import itertools
import json
import random
from datetime import date

import pytest
from dump_folders import entry

from lakemill.errors import DataRefused
from lakemill.sources.dumps import loaded_again, not_loaded
from lakemill.sources.manifest import Delivery, identity, read_manifest

DIGESTS = [f"{n:064x}" for n in range(9)]


def manifest(**changed) -> dict:
    files = [entry("a.csv", b"id,v\n1,a\n2,b\n", 2), entry("b.csv", b"id,v\n3,c\n", 1)]
    return {"feed": "sales", "dump_date": "2017-01-31", "files": files, **changed}


def text(**changed) -> str:
    return json.dumps(manifest(**changed))


def file(**changed) -> str:
    """A manifest whose first file has other entries."""
    first, second = manifest()["files"]
    return text(files=[first | changed, second])


def read(content: bytes | str | None, folder: str = "d") -> Delivery:
    return read_manifest(
        "file:/landing/sales", "sales", folder, content.encode() if isinstance(content, str) else content
    )


def delivery(*numbers: int, folder: str = "d", day: str = "2017-01-31") -> Delivery:
    """A dump of files with these digests, as its manifest lists them."""
    files = [{"name": f"f{n}.csv", "bytes": 9, "sha256": DIGESTS[n], "rows": 1} for n in numbers]
    return read(text(files=files, dump_date=day), folder)


REFUSED = {
    "nothing": ("", "Expecting value"),
    "gone": (None, "it is gone"),
    "no JSON": ("{", "Expecting"),
    "two values": (text() + text(), "Extra data"),
    "a list": (f"[{text()}]", "no JSON object"),
    "a text": ('"manifest"', "no JSON object"),
    "nested": ("[" * 200_000, "nested too deep"),
    "UTF-16": (text().encode("utf-16"), "not UTF-8"),
    "Latin-1": (text(note="é").replace("\\u00e9", "é").encode("latin-1"), "not UTF-8"),
    "BOM": ("\ufeff" + text(), "byte order mark"),
    "a name twice": (text()[:-1] + ', "dump_date": "2030-01-01"}', '"dump_date" twice'),
    "an entry twice": (text().replace('"rows": 2', '"rows": 2, "rows": 3'), '"rows" twice'),
    "no feed": ('{"dump_date": "2017-01-31", "files": []}', "no feed"),
    "another feed": (text(feed="returns"), '"returns"'),
    "a feed that is none": (text(feed=["sales"]), "sales"),
    "no files": (text(files=[]), '"files"'),
    "files that are none": (text(files={"a.csv": 1}), '"files"'),
    "a file that is none": (text(files=["a.csv"]), "a.csv"),
    "a file twice": (text(files=manifest()["files"] * 2), "a.csv twice"),
    "NaN": (text().replace('"rows": 2', '"rows": NaN'), "NaN"),
    "Infinity": (text().replace('"rows": 2', '"rows": -Infinity'), "Infinity"),
    "overflow": (text().replace('"rows": 2', '"rows": 1e999'), "rows of a.csv"),
    "many digits": (text().replace('"rows": 2', '"rows": ' + "9" * 5000), "digits"),
    "a day with time": (text(dump_date="2017-01-31T00:00:00"), "2017-01-31T00:00:00"),
    "a day cut": (text(dump_date="2017-1-31"), "2017-1-31"),
    "a day without lines": (text(dump_date="20170131"), "20170131"),
    "a week": (text(dump_date="2017-W05-2"), "2017-W05-2"),
    "other digits": (text(dump_date="\uff12017-01-31"), "no day as"),
    "no such day": (text(dump_date="2017-02-29"), "no such day"),
    "a number for a day": (text(dump_date=20170131), "20170131"),
    "no day": (text(dump_date=None), "missing"),
}  # fmt: skip
BAD_NUMBERS = [True, False, 2.0, 2.9, -1, "2", None, [2], {"n": 2}, 2**64, 10**40]
BAD_NAMES = [
    "", ".", "..", "../a.csv", "/etc/passwd", "x/a.csv", "x\\a.csv", "a:b.csv", "a\ncsv", "a\u0000.csv", "a\u2028.csv",
    "\ud800", "_a.csv", ".a.csv", "a.csv._COPYING_", "manifest.json", "a" * 256, "é" * 128, 7, None, ["a.csv"], True,
]  # fmt: skip
BAD_DIGESTS = ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n", "\u0660" * 64, 0, None, ["0" * 64]]


@pytest.mark.parametrize("what", REFUSED)
def test_a_manifest_that_is_none_is_refused_in_words(what):
    content, words = REFUSED[what]
    with pytest.raises(DataRefused, match=words) as refused:
        read(content)
    assert str(refused.value).startswith("file:/landing/sales/d/manifest.json: the manifest is not one: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("entries", "words"),
    [({key: value}, key) for key in ("bytes", "rows") for value in BAD_NUMBERS]
    + [({"bytes": 0}, "0 bytes")]
    + [({"name": name}, "name") for name in BAD_NAMES]
    + [({"sha256": digest}, "sha256 of a.csv") for digest in BAD_DIGESTS],
    ids=str,
)
def test_a_file_that_is_none_is_refused_in_words(entries, words):
    with pytest.raises(DataRefused, match=words) as refused:
        read(file(**entries))
    assert len(str(refused.value)) < 700


def test_what_is_refused_is_named():
    for name in ("_a.csv", ".a.csv", "a.csv._COPYING_"):
        with pytest.raises(DataRefused, match=f"{name} is named as"):
            read(file(name=name))


@pytest.mark.parametrize("name", ["Größe 1,2.csv", "a[1]{x}*?.csv", "a#c%20.csv", "日本.CSV.gz", "-", "a=b", "a b.csv"])
def test_any_plain_name_is_taken(name):
    assert read(file(name=name, more={"is": "ignored"})).files[0].name == f"sales/d/{name}"


def test_a_manifest_with_one_byte_other_is_taken_as_it_reads_or_refused():
    rng, sound = random.Random(15), text(note="x" * 20).encode()
    for _ in range(3000):
        content = bytearray(sound)
        for _ in range(rng.randint(1, 3)):
            content[rng.randrange(len(content))] = rng.choice(b'0123456789"{}[],:-.eE\x00\xff abtruefalsn')
        try:
            dump = read(bytes(content))
        except DataRefused:
            continue
        plain = json.loads(content)  # the oracle: what the text says, without any check
        listed = [(f"sales/d/{f['name']}", f["bytes"], f["sha256"], f["rows"]) for f in plain["files"]]
        assert [(f.name, f.size, f.sha256, f.rows) for f in dump.files] == listed
        assert dump.dump_date.isoformat() == plain["dump_date"]
        assert all(type(f.size) is int and f.size > 0 and type(f.rows) is int and f.rows >= 0 for f in dump.files)


def test_an_id_hangs_on_the_day_and_the_content_only():
    ids = {delivery(*order, folder=str(order)).dump_id for order in itertools.permutations(range(4))}
    assert len(ids) == 1
    others = {delivery(*n, day=d).dump_id for n in ((0,), (0, 1), (3,)) for d in ("2017-01-30", "2017-01-31")}
    assert len(others) == 6
    assert not ids & others


def test_a_dump_that_was_loaded_under_the_order_of_its_files_is_known():
    then = identity(date(2017, 1, 31), [DIGESTS[n] for n in (2, 0, 1)])
    assert delivery(2, 0, 1).ids_among({then}) == [then]
    assert delivery(0, 1, 2).ids_among({then, "another"}) == [then]
    assert not_loaded([delivery(1, 0, 2), delivery(0, 1, 3)], {then: "sales/d/f0.csv"}) == [delivery(0, 1, 3)]
    again = loaded_again([delivery(1, 0, 2)], {then: "sales/d/f0.csv"}, "bronze.sales")
    assert [dump.dump_id for dump in again] == [then]


def test_a_dump_that_was_loaded_twice_is_read_again_once():
    orders = {"a": (0, 1), "b": (1, 0)}
    loaded = {identity(date(2017, 1, 31), [DIGESTS[n] for n in o]): f"sales/{k}/f0.csv" for k, o in orders.items()}
    dumps = [delivery(*order, folder=folder) for folder, order in orders.items()]
    assert len(loaded_again(dumps, loaded, "bronze.sales")) == 1
