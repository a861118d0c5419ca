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
from lakemill.sources.accepted import Accepted, Refused
from lakemill.sources.header import bronze_schema, check_header
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

    def came(self, since: Position | None = None) -> tuple[list[Delivery], Refused]:
        """The dumps whose manifests came since a position, in the order of their folders' names; all, if it is None.

        And the folders whose manifest is none.
        """
        return self.read(self.landing.since(since))

    def read(self, folders: Sequence[str]) -> tuple[list[Delivery], Refused]:
        """The dumps of these folders, and those folders whose manifest is none."""
        uri, feed = self.landing.uri, self.landing.feed
        contents = at_once(lambda folder: self.storage.content(f"{uri}/{folder}/{MANIFEST}"), folders)
        dumps, refused = list[Delivery](), dict[str, str]()
        for folder, content in zip(folders, contents, strict=True):
            try:
                dumps.append(read_manifest(uri, feed, folder, content))
            except DataRefused as error:
                refused[folder] = str(error)
        return dumps, refused

    def accepted(
        self, dumps: Sequence[Delivery], known: Sequence[str], oldest: Callable[[], date | None]
    ) -> tuple[Accepted, Refused]:
        """The dumps whose files are there, as large as they should be, with headers that fit; and the others.

        known: the columns of the table that has some.   oldest: the first day that it has; asked where that matters.
        """
        files = [file for dump in dumps for file in dump.files]
        headers = dict(zip(files, at_once(self._header_or_refusal, files), strict=True))
        accepted, refused = Accepted((), tuple(known), {}), dict[str, str]()
        for dump in dumps:
            try:
                accepted = accepted.with_dump(dump, headers, oldest)
            except DataRefused as error:
                refused[dump.folder] = str(error)
        return accepted, refused

    def rows(self, accepted: Accepted) -> DataFrame:
        """All rows of these dumps, raw, with where each came from.

        The files are checked while they are read, so an action on the rows raises where one is not what its manifest
        says: `unsound` tells all of these.
        """
        expected = accepted.expected
        rows = self._contents(expected).rdd.flatMap(lambda row: _records(expected, row))
        return self.storage.spark.createDataFrame(rows, bronze_schema(accepted.columns), verifySchema=False)

    def unsound(self, accepted: Accepted) -> Refused:
        """The dumps of which a file is not what its manifest and its header say; all files are read for that."""
        expected, folders = accepted.expected, dict[str, str]()
        for dump in accepted.dumps:
            folders |= {file.path: dump.folder for file in dump.files}
        faults = self._contents(expected).rdd.map(lambda row: (str(row["path"]), _fault(expected, row)))
        return {folders[path]: fault for path, fault in sorted(faults.filter(lambda told: bool(told[1])).collect())}

    def _contents(self, expected: Mapping[str, Expected]) -> DataFrame:
        read = self.storage.spark.read.format("binaryFile").options(**READ_ALL)
        contents = read.load(list(expected)).select("path", "content")
        _check_handed_out(contents, expected)
        return contents

    def _header_or_refusal(self, file: DumpFile) -> tuple[str, ...] | DataRefused:
        try:
            size = self.storage.size(file.path)
            if size is None:
                raise DataRefused(
                    f"{file.path}: the manifest names this file and it is not there. Nothing of the dump was loaded."
                )
            if size != file.size:
                raise DataRefused(unlike(file, f"{file.size} bytes", f"{size}"))
            header = self._header(file)
            check_header(file, header)
        except DataRefused as error:
            return error
        return header

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


def _fault(expected: Mapping[str, Expected], row: Row) -> str:
    """Why a file is not taken; empty where it is as it should be."""
    try:
        for _ in _records(expected, row):
            pass
    except DataRefused as error:
        return str(error)
    return ""


def _records(expected: Mapping[str, Expected], row: Row) -> Iterator[tuple[object, ...]]:
    return records(expected[str(row["path"])], bytes(row["content"]))
