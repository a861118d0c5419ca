"""One lock file a table: two processes on one machine meet there, and the second is told who holds it."""

import fcntl
import hashlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lakemill.errors import Busy, UsageError


def lock_folder(lake: str) -> Path:
    """Where a lake's lock files are: inside a local lake, else in this machine's temporary folder."""
    if "://" not in lake:
        return Path(lake) / "_locks"
    return Path(tempfile.gettempdir()) / f"lakemill-locks-{hashlib.sha256(lake.encode()).hexdigest()[:12]}"


@contextmanager
def lock(folder: Path, table: str) -> Iterator[None]:
    """Hold the table; raises Busy, naming the holder, where another process or thread has it.

    The operating system lets go of it when a process ends, however it ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder}: the lake's folder cannot be written ({error.strerror}). Set `lake:` in conf to one that can."
        ) from None
    with open(folder / f"{table}.lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{table}: {_holder(file.name)} is working on it. Wait for it to end, then run again.") from None
        file.truncate(0)
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": _now(), "command": sys.argv[:6]}, file)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _holder(path: str) -> str:
    try:
        holder = json.loads(Path(path).read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']} (since {holder['since']}: {' '.join(holder['command'])})"
    except (ValueError, KeyError):
        return "another process"
