"""Manifest: what a dump says of itself, in the file that is written last. What is none is refused, in words.

{"feed": "sales", "dump_date": "2017-01-01",
 "files": [{"name": "sales.csv.gz", "bytes": 81, "sha256": "..", "rows": 4}]}
"""

import hashlib
import itertools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lakemill.errors import DataRefused

MANIFEST = "manifest.json"
MOST_BYTES = 2**31 - 1
"""A file is read whole by one task, and the JVM holds no longer array."""
MOST_ROWS = 2**63 - 1
ORDERS = 5040
"""How many orders of a dump's files are tried to know it by the identity that hung on their order: all of seven."""


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
    """One dump: its id, the day that it is of, its folder's name, and its files."""

    dump_id: str
    dump_date: date
    folder: str
    files: tuple[DumpFile, ...]

    def ids_among(self, ids: Collection[str]) -> list[str]:
        """Which of these ids are the dump's.

        The id once hung on the order of the files, so a dump that was loaded then has the id of some order.
        """
        digests = [file.sha256 for file in self.files]
        orders = itertools.chain([sorted(digests), digests], itertools.permutations(digests))
        own = (identity(self.dump_date, order) for order in itertools.islice(orders, ORDERS + 2)) if ids else ()
        return list(dict.fromkeys(dump_id for dump_id in own if dump_id in ids))


def identity(day: date, digests: Sequence[str]) -> str:
    """The id of a dump: of its day and of what it holds, so that it is known when it is delivered again."""
    return hashlib.sha256("".join([day.isoformat(), *digests]).encode()).hexdigest()[:16]


def read_manifest(uri: str, feed: str, folder: str, content: bytes | None) -> Delivery:
    """The dump that a manifest describes; raises DataRefused where it is none. `uri`: the feed's folder."""
    try:
        manifest = _entries(content)
        _check_feed(manifest, feed)
        day = _day(manifest)
        listed = manifest.get("files")
        if not isinstance(listed, list) or not listed:
            raise ValueError('its "files" is no list of files, or an empty one')
        files = tuple(_file(f"{uri}/{folder}", f"{feed}/{folder}", entry) for entry in listed)
        names = [file.name for file in files]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"it lists {twice[0].rsplit('/', 1)[-1]} twice")
    except (ValueError, RecursionError) as problem:
        what = "it is nested too deep" if isinstance(problem, RecursionError) else str(problem)
        raise DataRefused(
            f"{uri}/{folder}/{MANIFEST}: the manifest is not one: {what}. It should be JSON in UTF-8 that holds feed, "
            "dump_date (a day as 2017-01-31) and files with name, bytes, sha256 and rows; nothing of the dump was "
            "loaded."
        ) from None
    return Delivery(identity(day, sorted(file.sha256 for file in files)), day, folder, files)


def _entries(content: bytes | None) -> Mapping[str, Any]:
    """The manifest's JSON object, of which no name may stand twice and no number may be none."""
    if content is None:
        raise ValueError("it is gone")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(f"byte {problem.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark (U+FEFF)")
    manifest = json.loads(text, object_pairs_hook=_each_name_once, parse_constant=_no_number)
    if not isinstance(manifest, dict):
        raise ValueError("it is no JSON object")
    return manifest


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has {_shown(next(name for name in names if names.count(name) > 1))} twice")
    return entries


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _check_feed(manifest: Mapping[str, Any], feed: str) -> None:
    if "feed" not in manifest:
        raise ValueError("it has no feed")
    if manifest["feed"] != feed:
        raise ValueError(f'it is of the feed {_shown(manifest["feed"])} and lies in that of "{feed}"')


def _day(manifest: Mapping[str, Any]) -> date:
    day = manifest.get("dump_date")
    if not isinstance(day, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        raise ValueError(f"its dump_date is {_shown(day)}, which is no day as 2017-01-31")
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise ValueError(f'its dump_date is "{day}", and there is no such day') from None


def _file(place: str, below: str, entry: Any) -> DumpFile:
    if not isinstance(entry, dict):
        raise ValueError(f"its files are objects with name, bytes, sha256 and rows, and {_shown(entry)} is none")
    name = _file_name(entry.get("name"))
    size = _whole_number(name, "bytes", entry.get("bytes"), MOST_BYTES)
    if size == 0:
        raise ValueError(f"{name} has 0 bytes, and a file has a header with the columns' names at least")
    sha256 = entry.get("sha256")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"the sha256 of {name} is {_shown(sha256)}, not 64 hexadecimal digits in small letters")
    rows = _whole_number(name, "rows", entry.get("rows"), MOST_ROWS)
    return DumpFile(f"{place}/{name}", f"{below}/{name}", size, sha256, rows)


def _file_name(name: Any) -> str:
    """A file's name, as one that Hadoop does not take for something else: an unfinished file, or another folder's."""
    if not isinstance(name, str) or not name.isprintable() or not name or len(name.encode()) > 255:
        raise ValueError(f"{_shown(name)} is not a plain file name")
    # Hadoop takes a colon in a file's own name for the end of a scheme, such as s3.
    if any(sign in name for sign in "/\\:") or name == MANIFEST:
        raise ValueError(f"{_shown(name)} is not a plain file name")
    if name.startswith(("_", ".")) or name.endswith("._COPYING_"):
        raise ValueError(
            f"{name} is named as Hadoop and Spark name files that are not finished, and leave out: rename it, "
            "so that it begins with neither _ nor . and does not end in ._COPYING_"
        )
    return name


def _whole_number(name: str, what: str, value: Any, most: int) -> int:
    # A bool is an int to Python, and 2.9 would be cut to one.
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"the {what} of {name} are {_shown(value)}, not a whole number from 0 to {most}")
    return value


def _shown(value: Any) -> str:
    """A value of a manifest in a message: as JSON, marks that nobody sees included, and cut."""
    text = "missing" if value is None else json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
