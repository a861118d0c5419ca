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
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lakemill.errors import DataRefused
from lakemill.sources.header import places
from lakemill.sources.manifest import DumpFile

MAX_FIELD = 16 * 1024 * 1024
PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""How files that are packed begin, none of which can be the beginning of a header."""


@dataclass(frozen=True)
class Expected:
    """What one file must be: its header, the dump that it belongs to, and the columns of the table that it goes to."""

    file: DumpFile
    header: tuple[str, ...]
    dump_id: str
    dump_date: date
    columns: tuple[str, ...]


def read_header(file: DumpFile, content: bytes) -> tuple[str, ...] | None:
    """The first record of a file, from its first bytes; None where it may not end within them.

    Raises DataRefused where these cannot be read.
    """
    text = _text(file, content)
    header = next(_numbered(file, content, text), (1, []))[1]
    if len(content) < file.size and not _has_more(text):
        return None
    return tuple(header)


def records(expected: Expected, content: bytes) -> Iterator[tuple[object, ...]]:
    """The rows of one file; raises DataRefused at the first thing that is not as the manifest or the header says."""
    file = expected.file
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise DataRefused(unlike(file, f"sha256 {file.sha256}", digest))
    order = places(expected.header, expected.columns)
    count = -1
    for line, record in _numbered(file, content, _text(file, content)):
        count += 1
        if count:
            _check_width(expected, record, line)
            # Behind the fields the lineage, and last what a column that the file does not have is taken from.
            record += (expected.dump_date, expected.dump_id, file.name, line, None)  # type: ignore[arg-type]
            yield tuple(map(record.__getitem__, order))
        elif tuple(record) != expected.header:
            raise DataRefused(unlike(file, f"the columns {','.join(expected.header)}", ",".join(record)))
    if count != file.rows:
        raise DataRefused(unlike(file, f"{file.rows} rows and a header", f"{max(count, 0)} rows"))


def unlike(file: DumpFile, told: str, given: str) -> str:
    """The refusal of a file that is not what its manifest says."""
    return (
        f"{file.path}: the manifest or the table says {told}, found {given}. The file is damaged, incomplete "
        "or not the one that was meant; ask for the dump again. Nothing of the dump was loaded."
    )


def _numbered(file: DumpFile, content: bytes, text: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    """The records that are no empty lines, each with the number of its first physical line."""
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(text, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader, None)
        except UnicodeDecodeError:
            # The text is decoded by blocks, of which the error tells neither the line nor the place in the file.
            raise DataRefused(_refusal(file, *_bad_byte(file, content))) from None
        except (csv.Error, EOFError, OSError, zlib.error) as problem:
            raise DataRefused(_refusal(file, line, str(problem))) from None
        if record is None:
            return
        if record:
            yield line, record


def _has_more(text: io.TextIOWrapper) -> bool:
    try:
        return text.read(1) != ""
    except (UnicodeDecodeError, EOFError, OSError, zlib.error):
        return False


def _check_width(expected: Expected, record: list[str], line: int) -> None:
    if len(record) != len(expected.header):
        raise DataRefused(
            f"{expected.file.path}, line {line}: {len(record)} fields where the header has {len(expected.header)}. "
            "Ask for the dump again; nothing of the dump was loaded."
        )


def _refusal(file: DumpFile, line: int, problem: str) -> str:
    return (
        f"{file.path}, line {line}: it cannot be read: {problem}. Expected: CSV in UTF-8 with quotes doubled, packed "
        "by gzip if the name ends in .gz and not packed otherwise. Ask for the dump again; nothing of it was loaded."
    )


def _bad_byte(file: DumpFile, content: bytes) -> tuple[int, str]:
    """The line of the first byte that is not UTF-8, and the problem in words."""
    packed = [name for start, name in PACKED.items() if content.startswith(start)]
    if packed and not _is_gzip(file):
        return 1, f"it is packed by {packed[0]}"
    line, offset = 1, 0
    for piece in _raw(file, content):  # up to and with a newline, which is no part of another character in UTF-8
        try:
            piece.decode("utf-8")
        except UnicodeDecodeError as problem:
            at, byte = offset + problem.start, piece[problem.start]
            return line + _breaks(piece[: problem.start]), f"byte {at} of the text, 0x{byte:02x}, is not UTF-8"
        line, offset = line + _breaks(piece), offset + len(piece)
    return line, "it is not UTF-8"


def _breaks(text: bytes) -> int:
    return len(re.findall(rb"\r\n|\r|\n", text))


def _is_gzip(file: DumpFile) -> bool:
    return file.name.lower().endswith(".gz")


def _raw(file: DumpFile, content: bytes) -> io.BytesIO | gzip.GzipFile:
    return gzip.GzipFile(fileobj=io.BytesIO(content)) if _is_gzip(file) else io.BytesIO(content)


def _text(file: DumpFile, content: bytes) -> io.TextIOWrapper:
    """The file's text, without the byte order mark that it may begin with."""
    return io.TextIOWrapper(_raw(file, content), encoding="utf-8-sig", errors="strict", newline="")
