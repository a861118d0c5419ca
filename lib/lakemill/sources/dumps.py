"""Dumps: what a team delivers as files. Each is checked against its manifest and becomes bronze rows once, whole.

A dump is a folder `landing/<feed>/<folder>` with a manifest.json:
    {"feed": "sales", "dump_date": "2017-01-01",
     "files": [{"name": "sales.csv.gz", "bytes": 81, "sha256": "..", "rows": 4}]}
Its id is the digest of its day and its files' digests, so a dump that is delivered again is known by what it holds,
and a later snapshot that happens to equal an earlier one is a dump of its own.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from lakemill.errors import DataRefused, UsageError
from lakemill.lake.files import read_texts

MANIFEST = "manifest.json"
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")


@dataclass(frozen=True)
class DumpFile:
    """One file of a dump as its manifest has it. `path`: where it is; `name`: below the landing."""

    path: str
    name: str
    size: int
    sha256: str
    rows: int


@dataclass(frozen=True)
class Delivery:
    """One dump: its id, the day that it is of, and its files."""

    dump_id: str
    dump_date: date
    folder: str
    files: tuple[DumpFile, ...]


@dataclass(frozen=True)
class Landing:
    """The folders that one feed has been delivered in, and a digest that changes when a manifest comes or changes."""

    uri: str
    feed: str
    manifests: tuple[str, ...]
    digest: str

    def deliveries(self, spark: SparkSession) -> list[Delivery]:
        """All of them in the order of their folders' names; raises DataRefused for a manifest that is none."""
        texts = read_texts(spark, self.manifests)
        return [_delivery(self, path, text) for path, text in zip(self.manifests, texts, strict=True)]


def look(spark: SparkSession, root: str, feed: str) -> Landing:
    """The landing of a feed as it is now; raises DataRefused where a dump's folder has no manifest."""
    jvm: Any = spark._jvm
    uri = f"{root}/{feed}"
    path = jvm.org.apache.hadoop.fs.Path(uri)
    files = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    if not files.exists(path):
        raise UsageError(
            f"{uri}: there is no such folder, so nobody can tell whether dumps are missing. Set `landing:` in conf to "
            f'where the folder "{feed}" is delivered, or make it, empty, if nothing has been delivered yet.'
        )
    folders = [str(status.getPath()) for status in files.listStatus(path) if status.isDirectory()]
    folders = [folder for folder in sorted(folders) if not folder.rsplit("/", 1)[-1].startswith((".", "_"))]
    statuses = files.globStatus(jvm.org.apache.hadoop.fs.Path(f"{uri}/*/{MANIFEST}"))
    stamps = {str(s.getPath()): (int(s.getLen()), int(s.getModificationTime())) for s in statuses}
    manifests = [f"{folder}/{MANIFEST}" for folder in folders]
    for manifest in manifests:
        if manifest not in stamps:
            raise DataRefused(
                f"{manifest.removesuffix('/' + MANIFEST)}: the dump has no {MANIFEST}, so nobody can tell whether it "
                "is complete. Ask the team that delivers it to write the manifest last; nothing was loaded."
            )
    said = json.dumps([(manifest, stamps[manifest]) for manifest in manifests])
    return Landing(uri, feed, tuple(manifests), hashlib.sha256(said.encode()).hexdigest()[:32])


def _delivery(landing: Landing, path: str, text: str | None) -> Delivery:
    folder = path.removesuffix("/" + MANIFEST)
    try:
        said = json.loads(text or "")
        if said["feed"] != landing.feed:
            raise ValueError(f'it is of the feed "{said["feed"]}" and lies in that of "{landing.feed}"')
        files = tuple(_file(landing, folder, entry) for entry in said["files"])
        if not files:
            raise ValueError("it names no files")
        day = date.fromisoformat(said["dump_date"])
    except (KeyError, TypeError, ValueError) as wrong:
        what = f"it has no {wrong}" if isinstance(wrong, KeyError) else str(wrong)
        raise DataRefused(
            f"{path}: the manifest is not one: {what}. It should hold feed, dump_date (a day as 2017-01-31) and "
            "files with name, bytes, sha256 and rows; nothing was loaded."
        ) from None
    digest = hashlib.sha256("".join([day.isoformat(), *(file.sha256 for file in files)]).encode()).hexdigest()
    return Delivery(digest[:16], day, folder.rsplit("/", 1)[-1], files)


def _file(landing: Landing, folder: str, entry: Mapping[str, Any]) -> DumpFile:
    name = str(entry["name"])
    if not FILE_NAME.fullmatch(name):
        raise ValueError(f'"{name}" is not a plain file name')
    below = f"{landing.feed}/{folder.rsplit('/', 1)[-1]}/{name}"
    return DumpFile(f"{folder}/{name}", below, int(entry["bytes"]), str(entry["sha256"]), int(entry["rows"]))


def not_loaded(deliveries: Iterable[Delivery], loaded: Mapping[str, str]) -> list[Delivery]:
    """The deliveries of dumps that are not loaded (id -> file name), each dump once: the first by folder's name."""
    first: dict[str, Delivery] = {}
    for delivery in deliveries:
        first.setdefault(delivery.dump_id, delivery)
    return [delivery for dump_id, delivery in first.items() if dump_id not in loaded]


def choose(deliveries: Iterable[Delivery], loaded: Mapping[str, str], table: str) -> list[Delivery]:
    """The deliveries of the dumps already loaded (id -> file name): the same folder, or another that holds the same.

    Raises UsageError where the landing no longer has one of them: reading it again would lose its rows.
    """
    found: dict[str, Delivery] = {}
    for delivery in deliveries:
        if delivery.dump_id not in found or loaded.get(delivery.dump_id) in [file.name for file in delivery.files]:
            found[delivery.dump_id] = delivery
    gone = sorted(set(loaded) - set(found))
    if gone:
        raise UsageError(
            f"{table}: the landing no longer holds {len(gone)} of the dumps that were loaded "
            f"(such as {loaded[gone[0]]}), so it cannot be read again without losing rows. "
            "Put them back; nothing was written."
        )
    return [found[dump_id] for dump_id in loaded]
