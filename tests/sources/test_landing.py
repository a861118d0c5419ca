"""How far a landing was read: what came later is new; where anything else changed, all is looked at again."""

import os
import random
from pathlib import Path

import pytest
from dump_folders import deliver

from lakemill.sources.dumps import Dumps
from lakemill.sources.landing import Landing
from lakemill.sources.storage import Stamp, Storage


def landing(folders: dict[str, tuple[int, int] | None]) -> Landing:
    """A landing of folders with the size and the time of their manifests."""
    return Landing(
        "file:/landing/sales", "sales", {name: Stamp(*stamp) if stamp else None for name, stamp in folders.items()}
    )


def test_only_what_came_later_is_new():
    before = landing({"a": (9, 100), "b": (9, 200), "c": None})
    after = landing({"a": (9, 100), "b": (9, 200), "c": (9, 201), "d": None})
    assert after.since(before.position()) == ["c"]
    assert before.since(before.position()) == []
    assert (before.under_way, after.under_way) == (["c"], ["d"])


def test_a_folder_that_is_not_moved_into_its_place_yet_is_under_way():
    moving = landing({".a": (9, 100), "_b": (9, 100)})
    assert (list(moving.manifests), moving.under_way) == (["_b"], [".a"])


OTHERWISE = {
    "one of the same moment": {"a": (9, 100), "b": (9, 200), "late": (9, 200)},
    "one of an earlier time": {"a": (9, 100), "b": (9, 200), "late": (9, 50)},
    "another size": {"a": (8, 100), "b": (9, 200)},
    "another time": {"a": (9, 101), "b": (9, 200)},
    "another name": {"x": (9, 100), "b": (9, 200)},
    "gone": {"b": (9, 200)},
    "the newest gone": {"a": (9, 100)},
    "no manifest any more": {"a": None, "b": (9, 200)},
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_all_are_looked_at_again_where_what_was_known_changed(what):
    known = landing({"a": (9, 100), "b": (9, 200)}).position()
    now = landing(OTHERWISE[what] | {"new": (9, 300)})
    assert now.since(known) == list(now.manifests)
    assert not now.is_as_at(known)


@pytest.mark.parametrize("position", [None, {}, {"digest": "0" * 32}, {"mark": 5}, {"mark": "5", "digest": "x"}])
def test_a_position_that_an_earlier_version_wrote_knows_nothing(position):
    now = landing({"a": (9, 100), "b": (9, 200)})
    assert now.since(position) == ["a", "b"]


def test_no_manifest_is_ever_missed():
    """Random arrivals, many at one moment and out of order: what was never read is always given."""
    rng = random.Random(1515)
    for _ in range(500):
        folders: dict[str, tuple[int, int] | None] = {}
        known, position = set[str](), None
        for step in range(8):
            for n in range(rng.randint(0, 3)):
                folders[f"{rng.randint(0, 9)}-{step}{n}"] = rng.choice([None, (9, rng.randint(0, 4) + step // 2)])
            now = landing(folders)
            given = now.since(position)
            assert set(now.manifests) - known <= set(given)
            if rng.random() < 0.6:
                known, position = set(now.manifests), now.position()


def test_only_new_manifests_are_read(tmp_path, monkeypatch):
    """Hundreds of dumps are known: what a run reads does not grow with them."""
    feed = tmp_path / "sales"
    for n in range(400):
        deliver(feed / f"{n:03}", {"a.csv": (b"id\n%d\n" % n, 1)})
    storage, uri = Storage(None), f"file:{feed}"  # type: ignore[arg-type]  # local files are read without Spark
    position = Landing(uri, "sales", storage.manifests(uri)).position()
    late = deliver(feed / "late", {"a.csv": (b"id\nlate\n", 1)})
    os.utime(late / "manifest.json", (2**31, 2**31))
    opened: list[str] = []
    read = Storage.content
    monkeypatch.setattr(Storage, "content", lambda self, uri, most=None: opened.append(uri) or read(self, uri, most))
    dumps = Dumps(storage, Landing(uri, "sales", storage.manifests(uri)))
    newer, refused = dumps.came(position)
    assert refused == {}
    assert [dump.folder for dump in newer] == ["late"]
    assert opened == [f"file:{late}/manifest.json"]
    assert len(dumps.came()[0]) == 401


def test_local_folders_are_listed_as_they_are_named(tmp_path):
    feed = tmp_path / "a [b]" / "sales"
    names = ["a*", "a[1]", "{x,y}", "2024-03-01T06:00:00Z", "a\\b", "_x", ".x", "größe", "day=1", "a%20b", "#"]
    for name in names:
        deliver(feed / name, {"a.csv": (b"id\n1\n", 1)})
    Path(feed / "empty").mkdir()
    Path(feed / "odd" / "manifest.json").mkdir(parents=True)
    (feed / "stray.csv").write_text("id\n1\n")
    listed = Storage(None).manifests(f"file:{feed}")  # type: ignore[arg-type]
    assert {name for name, stamp in listed.items() if stamp} == set(names)
    assert {name for name, stamp in listed.items() if not stamp} == {"empty", "odd"}
