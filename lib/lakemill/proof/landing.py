"""The landing, read a second time: what a bronze table should hold. It shares no reading with a run.

A run lists folders by Python, has Spark read the files, and knows a dump by its id. Here Hadoop lists, tasks read the
files themselves, the rows' own file names say which dumps the table has, and the rows of each file are counted, too.
"""

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pyspark import RDD
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from lakemill.errors import DataRefused, UsageError
from lakemill.lake.progress import Position
from lakemill.proof.difference import Difference
from lakemill.sources.landing import Landing
from lakemill.sources.storage import Stamp

AT_ONCE = 16
MOST_FIELD = 2**31 - 1


@dataclass(frozen=True)
class Listed:
    """A file as a manifest lists it, and the dump that its rows are of in the table."""

    name: str
    sha256: str
    rows: int
    day: date
    dump_id: str


@dataclass(frozen=True)
class Landed:
    """What lies in a feed's landing and was loaded: its files by their paths."""

    spark: SparkSession
    uri: str
    files: Mapping[str, Listed]

    def rows(self, schema: StructType) -> DataFrame:
        """The rows of all files, in the table's columns; raises DataRefused where a file is not what was loaded."""
        files, names = self.files, schema.names
        contents = _contents(self.spark, sorted(files))
        rows = contents.flatMap(lambda pair: _rows(files[pair[0]], pair[1], names) if pair[0] in files else ())
        return self.spark.createDataFrame(rows, schema, verifySchema=False)

    def lacking(self, counted: Mapping[tuple[str, str], int]) -> list[Difference]:
        """The files of which the table has not as many rows as their manifests say. counted: by dump id and file."""
        return [
            Difference("rows of a file", file.name, str(counted.get((file.dump_id, file.name), 0)), str(file.rows))
            for file in self.files.values()
            if counted.get((file.dump_id, file.name), 0) != file.rows
        ]


def landed(
    spark: SparkSession, place: str, feed: str, position: Position | None, counted: Mapping[tuple[str, str], int]
) -> Landed:
    """The files that a table should hold. counted: how many rows it has of each dump id and file.

    Where the landing is as it was at the position, all dumps of that time should be there; else those that are.
    Raises UsageError where the landing no longer holds one of them.
    """
    uri, contents, stamps = _manifests(spark, place)
    manifests = {folder: _listed(feed, folder, contents[folder]) for folder in contents}
    ids = {_folder(name): dump_id for dump_id, name in counted}
    gone = [name for dump_id, name in counted if not _is_there(manifests, dump_id, name, ids)]
    if gone:
        raise UsageError(
            f"{place}: the landing no longer holds {gone[0]} as it was loaded, so the table cannot be compared with "
            "it. Put it back and verify again."
        )
    landing = Landing(uri, feed, stamps)
    known = set(landing.manifests) - set(landing.since(position)) if landing.is_as_at(position) else set()
    chosen: dict[tuple[date, tuple[str, ...]], str] = {}
    for folder in [*sorted(set(ids)), *sorted(known - set(ids))]:
        if manifests[folder]:
            content = manifests[folder][0].day, tuple(sorted(file.sha256 for file in manifests[folder]))
            chosen.setdefault(content, folder)
    files = {
        f"{uri}/{file.name.split('/', 1)[1]}": Listed(
            file.name, file.sha256, file.rows, file.day, ids.get(folder, "not loaded")
        )
        for folder in chosen.values()
        for file in manifests[folder]
    }
    return Landed(spark, uri, files)


def _contents(spark: SparkSession, paths: Sequence[str]) -> RDD[tuple[str, bytes]]:
    """The paths and contents of files, which each task reads by itself where they are on this machine.

    Elsewhere only Spark reads them on all machines: whole folders here, of which the files that count are taken. What
    it leaves out is told by `Landed.lacking`, and what it gives is told by its digest.
    """
    if all(path.startswith("file:/") for path in paths):
        parts = min(len(paths), 8 * spark.sparkContext.defaultParallelism)
        return spark.sparkContext.parallelize(paths, max(parts, 1)).map(
            lambda path: (path, Path(path.removeprefix("file:")).read_bytes())
        )
    folders = sorted({path.rsplit("/", 1)[0] for path in paths})
    return _by_spark(spark, folders)


def _by_spark(spark: SparkSession, folders: Sequence[str]) -> RDD[tuple[str, bytes]]:
    whole = spark.read.format("binaryFile").options(__globPaths__="false", recursiveFileLookup="true").load([*folders])
    return whole.select("path", "content").rdd.map(lambda row: (str(row["path"]), bytes(row["content"])))


def _is_there(manifests: Mapping[str, Sequence[Listed]], dump_id: str, name: str, ids: Mapping[str, str]) -> bool:
    """Whether the folder that a file was loaded from still lists it; it may have been filled anew by another dump."""
    folder = _folder(name)
    listed = [file.name for file in manifests.get(folder, ())]
    return name in listed and ids[folder] == dump_id


def _folder(name: str) -> str:
    return name.split("/")[1]


def _manifests(spark: SparkSession, place: str) -> tuple[str, dict[str, bytes], dict[str, Stamp | None]]:
    """The feed's folder as Hadoop names it, and what its manifests hold, and their stamps, by their folders."""
    jvm: Any = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path(place)
    system = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    uri = str(system.makeQualified(path).toString())

    def manifest(folder: str) -> tuple[bytes, Stamp] | None:
        place = jvm.org.apache.hadoop.fs.Path(f"{uri}/{folder}/manifest.json")
        if not system.exists(place):
            return None
        status, stream = system.getFileStatus(place), system.open(place)
        try:
            return bytes(stream.readAllBytes()), Stamp(int(status.getLen()), int(status.getModificationTime()))
        finally:
            stream.close()

    statuses = system.listStatus(path) if system.exists(path) else ()
    folders = [str(status.getPath().toString())[len(uri) + 1 :] for status in statuses if status.isDirectory()]
    with ThreadPoolExecutor(AT_ONCE) as readers:
        read = {name: entry for name, entry in zip(folders, readers.map(manifest, folders), strict=True) if entry}
    return (
        uri,
        {name: content for name, (content, _) in read.items()},
        {name: stamp for name, (_, stamp) in read.items()},
    )


def _listed(feed: str, folder: str, content: bytes) -> list[Listed]:
    """The files of a manifest; none where it is none, since no dump was loaded by it."""
    try:
        manifest = json.loads(content)
        day = date.fromisoformat(manifest["dump_date"])
        files = [(f"{feed}/{folder}/{file['name']}", file["sha256"], file["rows"]) for file in manifest["files"]]
    except (KeyError, TypeError, ValueError, RecursionError):
        return []
    return [Listed(name, sha256, rows, day, "") for name, sha256, rows in files]


def _rows(file: Listed, content: bytes, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """The rows of one file, as the table should have them."""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DataRefused(f"{file.name}: the file is not the one that was loaded: its sha256 is another. Put it back.")
    raw = gzip.decompress(content) if file.name.lower().endswith(".gz") else content
    csv.field_size_limit(MOST_FIELD)
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(raw.removeprefix(b"\xef\xbb\xbf")), "utf-8", newline=""))
    header: list[str] = []
    for record in reader:
        if record and header:
            # The reader stands behind the record, which may hold line breaks.
            line = reader.line_num - sum(len(re.findall("\r\n|\r|\n", field)) for field in record)
            values: dict[str, object] = dict(zip(header, record, strict=True))
            values |= {"dump_date": file.day, "dump_id": file.dump_id, "file_name": file.name, "line_number": line}
            yield tuple(values.get(name.lower()) for name in columns)
        elif record:
            header = [name.lower() for name in record]
