"""A landing's files as bytes: here by Python, elsewhere by Hadoop. A path is a name, never a pattern."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from lakemill.lake.sparkless import NO_SPARK
from lakemill.lake.unsure import Unsure
from lakemill.sources.manifest import MANIFEST

AT_ONCE = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Stamp:
    """A file's size, and when it was last written (milliseconds since 1970)."""

    size: int
    modified: int


@dataclass(frozen=True)
class Storage:
    """Where a landing's small things are read: on the driver, since a Spark job takes longer for them."""

    spark: SparkSession

    def qualified(self, uri: str) -> str | None:
        """The folder's name as Spark's readers write it; None where there is no such folder."""
        if self.spark is NO_SPARK:
            return _qualified_here(uri)
        path = self._path(uri)
        system = path.getFileSystem(self._conf)
        return str(system.makeQualified(path).toString()) if system.exists(path) else None

    def manifests(self, uri: str) -> dict[str, Stamp | None]:
        """The folders right in a qualified one, each with the stamp of its manifest; None where it has none."""
        local = _local(uri)
        return dict(_folders(local)) if local else self._remote_folders(uri)

    def size(self, uri: str) -> int | None:
        """How many bytes a file has; None where there is no such file."""
        local = _local(uri)
        if local:
            return os.path.getsize(local) if os.path.isfile(local) else None
        path = self._path(uri)
        system = path.getFileSystem(self._conf)
        return int(system.getFileStatus(path).getLen()) if system.exists(path) else None

    def content(self, uri: str, most: int | None = None) -> bytes | None:
        """What a file holds, or its first bytes, at most so many; None where there is no such file."""
        local = _local(uri)
        if local:
            if not os.path.isfile(local):
                return None
            with open(local, "rb") as file:
                return file.read(most)
        path = self._path(uri)
        system = path.getFileSystem(self._conf)
        if not system.exists(path):
            return None
        stream = system.open(path)
        try:
            return bytes(stream.readAllBytes() if most is None else stream.readNBytes(most))
        finally:
            stream.close()

    def _remote_folders(self, uri: str) -> dict[str, Stamp | None]:
        """All files below are listed at once: an object store answers that with one request for a thousand files."""
        folders: dict[str, Stamp | None] = {}
        path = self._path(uri)
        listed = path.getFileSystem(self._conf).listFiles(path, True)
        while listed.hasNext():
            status = listed.next()
            below = str(status.getPath().toString()).removeprefix(f"{uri}/").split("/")
            if len(below) > 1:
                folders.setdefault(below[0])
            if below[1:] == [MANIFEST]:
                folders[below[0]] = Stamp(int(status.getLen()), int(status.getModificationTime()))
        return folders

    def _path(self, uri: str) -> Any:
        jvm: Any = self.spark._jvm
        return jvm.org.apache.hadoop.fs.Path(uri)

    @cached_property
    def _conf(self) -> Any:
        return self.spark._jsparkSession.sessionState().newHadoopConf()


def at_once(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The results for all items in their order, several at a time: waiting for a remote file takes longest."""
    with ThreadPoolExecutor(AT_ONCE) as workers:
        return list(workers.map(work, items))


def _local(uri: str) -> str | None:
    return uri.removeprefix("file:") if uri.startswith("file:/") else None


def _qualified_here(uri: str) -> str | None:
    """As Hadoop has it of a machine whose own files need no scheme."""
    if "://" in uri:
        raise Unsure(f"{uri} is not on this machine")
    path = os.path.abspath(uri.removeprefix("file:"))
    return f"file:{path}" if os.path.exists(path) else None


def _folders(path: str) -> Iterator[tuple[str, Stamp | None]]:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir():
                yield entry.name, _stamp(os.path.join(entry.path, MANIFEST))


def _stamp(path: str) -> Stamp | None:
    if not os.path.isfile(path):
        return None
    status = os.stat(path)
    return Stamp(status.st_size, status.st_mtime_ns // 1_000_000)
