"""Dumps as a source: what a team delivers as files. Each is checked against its manifest and taken once, whole.

A dump is a folder `landing/<feed>/<folder>` with a manifest. It is known by its day and its files' digests, so a dump
that is delivered again is known by what it holds, and a later snapshot that happens to equal an earlier one is a dump
of its own.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import Row

from lakemill.errors import DataRefused, UsageError
from lakemill.lake.change import Change
from lakemill.lake.progress import Position
from lakemill.sources.header import bronze_schema, check_header, table_columns
from lakemill.sources.landing import Landing
from lakemill.sources.manifest import MANIFEST, Delivery, DumpFile, read_manifest
from lakemill.sources.records import Expected, read_header, records, unlike
from lakemill.sources.storage import Storage, at_once

HEAD = 256 * 1024
"""So many bytes of a file are read for its header; more only where that is longer."""

# Names are no patterns, folders such as day=1 are no columns, and what a session says of files that are damaged or gone
# must not lose a row. The first of these is Spark's own and in no documentation: `_check_handed_out` relies on none.
READ_ALL = {
    "__globPaths__": "false",
    "recursiveFileLookup": "true",
    "ignoreCorruptFiles": "false",
    "ignoreMissingFiles": "false",
}


@dataclass(frozen=True)
class Dumps:
    """One feed, as its landing was when the run began."""

    storage: Storage
    landing: Landing

    @property
    def name(self) -> str:
        """The feed's name."""
        return self.landing.feed

    @property
    def keeps(self) -> float:
        """For ever: dumps stay in the landing."""
        return math.inf

    def words(self, change: Change | None) -> str:
        """Where the dumps lie, and which are left for a later run."""
        place, left = f"dumps in {self.landing.uri}", self.landing.left
        return f"{place}; {left}" if left else place

    def position(self) -> Position:
        """How far the landing reads."""
        return self.landing.position()

    def came(self, since: Position | None = None) -> list[Delivery]:
        """The dumps whose manifests came since a position, in the order of their folders' names; all, if it is None.

        Raises DataRefused for a manifest that is none.
        """
        return self.read(self.landing.since(since))

    def read(self, folders: Sequence[str]) -> list[Delivery]:
        """The dumps of these folders; raises DataRefused for a manifest that is none."""
        uri, feed = self.landing.uri, self.landing.feed
        contents = at_once(lambda folder: self.storage.content(f"{uri}/{folder}/{MANIFEST}"), folders)
        return [read_manifest(uri, feed, *pair) for pair in zip(folders, contents, strict=True)]

    def rows(self, dumps: Sequence[Delivery], known: Sequence[str], oldest: Callable[[], date | None]) -> DataFrame:
        """All rows of these dumps, raw, with where each came from.

        known: the columns of the table that has some.   oldest: the first day that it has; asked where that matters.

        Raises DataRefused for a file that is not there. The others are checked while they are read, so an action on
        the rows raises where a file is not what its manifest says.
        """
        files = [file for dump in dumps for file in dump.files]
        self._check_sizes(files)
        headers = self._headers(files)
        days = {file: dump.dump_date for dump in dumps for file in dump.files}
        columns = tuple(table_columns(known, headers, lambda file: days[file] < (oldest() or date.min)))
        expected = {
            file.path: Expected(file, headers[file], dump.dump_id, dump.dump_date, columns)
            for dump in dumps
            for file in dump.files
        }
        spark = self.storage.spark
        contents = spark.read.format("binaryFile").options(**READ_ALL).load(list(expected)).select("path", "content")
        _check_handed_out(contents, expected)
        rows = contents.rdd.flatMap(lambda row: _records(expected, row))
        return spark.createDataFrame(rows, bronze_schema(columns), verifySchema=False)

    def _check_sizes(self, files: Sequence[DumpFile]) -> None:
        for file, size in zip(files, at_once(lambda file: self.storage.size(file.path), files), strict=True):
            if size is None:
                raise DataRefused(f"{file.path}: the manifest names this file and it is not there. Nothing was loaded.")
            if size != file.size:
                raise DataRefused(unlike(file, f"{file.size} bytes", f"{size}"))

    def _headers(self, files: Sequence[DumpFile]) -> dict[DumpFile, tuple[str, ...]]:
        headers = dict(zip(files, at_once(self._header, files), strict=True))
        for file, header in headers.items():
            check_header(file, header)
        return headers

    def _header(self, file: DumpFile) -> tuple[str, ...]:
        try:
            header = read_header(file, self.storage.content(file.path, HEAD) or b"")
        except DataRefused:
            header = None
        if header is None:  # it is longer, or cannot be read: then the whole file tells where
            header = read_header(file, self.storage.content(file.path) or b"")
        return header or ()


def dumps_of(spark: SparkSession, root: str, feed: str) -> Dumps:
    """The dumps of a feed in the landing as it is now; raises UsageError where the feed has no folder."""
    storage, place = Storage(spark), f"{root}/{feed}"
    uri = storage.qualified(place)
    if uri is None:
        raise UsageError(
            f"{place}: there is no such folder, so nobody can tell whether dumps are missing. Set `landing:` in conf "
            f'to where the folder "{feed}" is delivered, or make it, empty, if nothing has been delivered yet.'
        )
    return Dumps(storage, Landing(uri, feed, storage.manifests(uri)))


def not_loaded(dumps: Iterable[Delivery], loaded: Collection[str]) -> list[Delivery]:
    """The dumps whose ids are not among the loaded ones, each once: the first by its folder's name."""
    first: dict[str, Delivery] = {}
    for dump in dumps:
        first.setdefault(dump.dump_id, dump)
    return [dump for dump in first.values() if not dump.ids_among(loaded)]


def loaded_again(dumps: Iterable[Delivery], loaded: Mapping[str, str], table: str) -> list[Delivery]:
    """The dumps that are loaded (id -> file name), under their ids: of the same folder, or another that holds the same.

    Raises UsageError where the landing no longer has one of them: reading it again would lose its rows.
    """
    chosen: dict[str, Delivery] = {}
    gone = dict(loaded)
    for dump in dumps:
        ids = dump.ids_among(loaded)
        for dump_id in ids:
            gone.pop(dump_id, None)
        here = [dump_id for dump_id in ids if loaded[dump_id] in [file.name for file in dump.files]]
        if here or (ids and dump.dump_id not in chosen):
            chosen[dump.dump_id] = replace(dump, dump_id=(here or ids)[0])
    if gone:
        raise UsageError(
            f"{table}: the landing no longer holds {len(gone)} of the dumps that were loaded "
            f"(such as {min(gone.values())}), so it cannot be read again without losing rows. "
            "Put them back; nothing was written."
        )
    return list(chosen.values())


def _check_handed_out(contents: DataFrame, expected: Iterable[str]) -> None:
    """Raises DataRefused where Spark would not read each of these files, once, and no others."""
    # As URIs, of which one of this machine begins file:/// here and file:/ everywhere else.
    handed_out = sorted(re.sub("^file:/+", "file:/", unquote(uri)) for uri in contents.inputFiles())
    if handed_out != sorted(expected):
        different = sorted(set(handed_out) ^ set(expected)) or handed_out
        raise DataRefused(
            f"{different[0]}: Spark does not read this file as it is named. Rename it; nothing was loaded."
        )


def _records(expected: Mapping[str, Expected], row: Row) -> Iterator[tuple[object, ...]]:
    return records(expected[str(row["path"])], bytes(row["content"]))
