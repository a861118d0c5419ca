"""A dump's CSV files as rows: complete, as text, each with the line that it begins on.

Python's csv module instead of Spark's reader, which has no line numbers, splits quoted newlines and drops rows and
fields without a word. A file is read whole by one task, so a dump's files should stay below some hundred MB each.
"""

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DateType, LongType, Row, StringType, StructField, StructType

from lakemill.errors import DataRefused
from lakemill.sources.dumps import Delivery, DumpFile

LINEAGE = ("dump_date", "dump_id", "file_name", "line_number")
MAX_FIELD = 16 * 1024 * 1024


@dataclass(frozen=True)
class Expected:
    """What one file must be, and the dump that it belongs to."""

    file: DumpFile
    header: tuple[str, ...]
    dump_id: str
    dump_date: date


def bronze_schema(header: Sequence[str]) -> StructType:
    """The columns of a bronze table: the file's, as text, then where each row came from."""
    kinds = [DateType(), StringType(), StringType(), LongType()]
    lineage = [StructField(name, kind) for name, kind in zip(LINEAGE, kinds, strict=True)]
    return StructType([*(StructField(name, StringType()) for name in header), *lineage])


def read_header(spark: SparkSession, file: DumpFile) -> tuple[str, ...]:
    """The column names of a file; raises DataRefused where they are no usable names."""
    content = _content(spark, [file])[0]["content"]
    header = next(_numbered(file, csv.reader(_text(file, bytes(content)), strict=True)), (1, []))[1]
    if not header:
        raise DataRefused(f"{file.path}: the file is empty; a header line with the columns' names was expected.")
    names = [name.lower() for name in header]
    for name in header:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name) or names.count(name.lower()) > 1 or name in LINEAGE:
            raise DataRefused(
                f'{file.path}, line 1: "{name}" cannot be a column: names are letters, digits and _, each once, '
                f"and not {', '.join(LINEAGE)}. Ask the team that delivers it for a proper header; nothing was loaded."
            )
    return tuple(header)


def read_rows(spark: SparkSession, deliveries: Sequence[Delivery], header: tuple[str, ...]) -> DataFrame:
    """All rows of these dumps. Every file is checked while it is read, so an action on it raises where one is wrong."""
    expected = {
        file.name: Expected(file, header, delivery.dump_id, delivery.dump_date)
        for delivery in deliveries
        for file in delivery.files
    }
    contents = spark.read.format("binaryFile").load([each.file.path for each in expected.values()])
    rows = contents.select("path", "content").rdd.flatMap(lambda row: _rows(expected, row))
    return spark.createDataFrame(rows, bronze_schema(header), verifySchema=False)


def missing_files(spark: SparkSession, deliveries: Sequence[Delivery]) -> None:
    """Raises DataRefused for a file that a manifest names and that is not there, or has another size."""
    jvm = spark._jvm
    conf = spark._jsparkSession.sessionState().newHadoopConf()
    for file in (file for delivery in deliveries for file in delivery.files):
        path = jvm.org.apache.hadoop.fs.Path(file.path)  # type: ignore[union-attr]
        files = path.getFileSystem(conf)
        if not files.exists(path):
            raise DataRefused(f"{file.path}: the manifest names this file and it is not there. Nothing was loaded.")
        size = int(files.getFileStatus(path).getLen())
        if size != file.size:
            raise DataRefused(_not_as_said(file, f"{file.size} bytes", f"{size}"))


def refused(error: Exception) -> DataRefused | None:
    """The refusal that a task raised, as the driver should raise it."""
    found = re.search(r"lakemill\.errors\.DataRefused: (.*)", str(error))
    return DataRefused(found.group(1)) if found else None


def _content(spark: SparkSession, files: Sequence[DumpFile]) -> list[Row]:
    return spark.read.format("binaryFile").load([file.path for file in files]).select("path", "content").collect()


def _rows(expected: Mapping[str, Expected], row: Row) -> Iterator[tuple[object, ...]]:
    name = "/".join(str(row["path"]).rsplit("/", 3)[1:])
    return records(expected[name], bytes(row["content"]))


def records(expected: Expected, content: bytes) -> Iterator[tuple[object, ...]]:
    """The rows of one file; raises DataRefused at the first thing that is not as the manifest or the header says."""
    file = expected.file
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise DataRefused(_not_as_said(file, f"sha256 {file.sha256}", digest))
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(_text(file, content), strict=True)
    count = -1
    for first, record in _numbered(file, reader):
        count += 1
        if count:
            _check_width(expected, record, first)
            yield (*record, expected.dump_date, expected.dump_id, file.name, first)
        elif tuple(record) != expected.header:
            raise DataRefused(_not_as_said(file, f"the columns {','.join(expected.header)}", ",".join(record)))
    if max(count, 0) != file.rows or count < 0:
        raise DataRefused(_not_as_said(file, f"{file.rows} rows and a header", f"{max(count, 0)} rows"))


def _numbered(file: DumpFile, reader: "csv._reader") -> Iterator[tuple[int, list[str]]]:  # type: ignore[name-defined]
    """The records that are no empty lines, each with the number of its first physical line."""
    while True:
        first = reader.line_num + 1
        try:
            record = next(reader, None)
        except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error) as wrong:
            raise DataRefused(
                f"{file.path}, line {first}: it cannot be read: {wrong}. Expected: gzip or plain CSV in UTF-8 "
                "with quotes doubled. Ask for the dump again; nothing was loaded."
            ) from None
        if record is None:
            return
        if record:
            yield first, record


def _check_width(expected: Expected, record: list[str], line: int) -> None:
    if len(record) != len(expected.header):
        raise DataRefused(
            f"{expected.file.path}, line {line}: {len(record)} fields where the header has {len(expected.header)}. "
            "Ask for the dump again; nothing was loaded."
        )


def _text(file: DumpFile, content: bytes) -> io.TextIOWrapper:
    raw: io.BytesIO | gzip.GzipFile = io.BytesIO(content)
    if file.name.endswith(".gz"):
        raw = gzip.GzipFile(fileobj=io.BytesIO(content))
    return io.TextIOWrapper(raw, encoding="utf-8", errors="strict", newline="")


def _not_as_said(file: DumpFile, said: str, found: str) -> str:
    return (
        f"{file.path}: the manifest or the table says {said}, found {found}. The file is damaged, incomplete "
        "or not the one that was meant; ask for the dump again. Nothing was loaded."
    )
