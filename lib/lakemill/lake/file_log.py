"""The log of a Delta table on this machine, read from its files without Spark.

It tells exactly what Delta's own log would, or raises Unsure: of a log that is damaged, of a kind that is not known
here, or whose columns and properties stand in no file that can be read here.
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyspark.sql.types import StructType

from lakemill.lake.delta_rs import declared, rows_counted
from lakemill.lake.log import Commit, Log, actions_of, rows_in, schema_of
from lakemill.lake.unsure import Unsure

COMMIT = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")
OF_CATALOGS = ("_commits", "_staged_commits")
"""Folders of commits that a catalog decides about: where they hold some, the log alone does not tell the newest."""
KNOWN_FEATURES = {
    "allowColumnDefaults", "appendOnly", "changeDataFeed", "checkConstraints", "checkpointProtection", "clustering",
    "columnMapping", "deletionVectors", "domainMetadata", "generatedColumns", "icebergCompatV1", "icebergCompatV2",
    "identityColumns", "inCommitTimestamp", "invariants", "rowTracking", "timestampNtz", "typeWidening",
    "typeWidening-preview", "v2Checkpoint", "vacuumProtocolCheck", "variantType", "variantType-preview",
}  # fmt: skip
"""What a table may ask of its readers and writers without its newest version being told elsewhere."""
READER_VERSION, WRITER_VERSION = 3, 7
MILLISECONDS = {
    "millisecond": 1,
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}


@dataclass(frozen=True)
class Declared:
    """What a version of a table declares: its columns and properties, and what it asks of its readers and writers."""

    metadata: dict[str, Any]
    protocol: dict[str, Any]


@dataclass(frozen=True)
class FileLog(Log):
    """A table's log as its files are when they are first asked for: take a new one to see later commits."""

    uri: str
    _commits: dict[int, Commit | None] = field(default_factory=dict)

    @cached_property
    def version(self) -> int:
        return _newest(self._names)

    @property
    def table_id(self) -> str:
        return str(self._declared.metadata["id"])

    @cached_property
    def schema(self) -> StructType:
        return schema_of(self._declared.metadata)

    @property
    def keeps_files(self) -> int:
        return _milliseconds(self.setting("delta.deletedFileRetentionDuration") or "interval 1 week")

    @property
    def keeps_log(self) -> int:
        return _milliseconds(self.setting("delta.logRetentionDuration") or "interval 30 days")

    def setting(self, key: str) -> str | None:
        value = (self._declared.metadata.get("configuration") or {}).get(key)
        return None if value is None else str(value)

    def bytes_at(self, version: int) -> int:
        return int(self.checksum(version).get("tableSizeBytes", 0))

    def transaction(self, app_id: str) -> int | None:
        """The newest that a commit took; raises Unsure where only a checkpoint could tell of an older one."""
        for version in range(self.version, -1, -1):
            commit = self.commit(version)
            if commit is None:
                raise Unsure(f"{self.uri}: the log's files do not reach back to version {version}")
            taken = commit.transaction(app_id)
            if taken is not None:
                return taken
        return None

    def commit(self, version: int) -> Commit | None:
        if version not in self._commits:
            text = self._text(f"{version:020d}.json")
            try:
                self._commits[version] = None if text is None else Commit(version, actions_of(text))
            except ValueError:
                raise Unsure(f"{self.uri}: version {version} of its log is damaged") from None
        return self._commits[version]

    def files(self) -> int | None:
        """How many files the newest version has; None where its checksum does not tell."""
        told = self.checksum(self.version).get("numFiles")
        return None if told is None else int(told)

    def rows(self) -> int:
        """How many rows the newest version has by its files' statistics; raises Unsure where these do not tell."""
        files = self._files()
        return rows_counted(self.folder, self.version) if files is None else sum(map(self._rows, files))

    def _rows(self, file: dict[str, Any]) -> int:
        rows = rows_in(file)
        if rows is None:
            raise Unsure(f"{self.uri}: some of its files have no statistics")
        return rows - int((file.get("deletionVector") or {}).get("cardinality", 0))

    def _files(self) -> list[dict[str, Any]] | None:
        """The newest version's files, from the last checksum that lists all and the commits since.

        None where neither that nor the first commit is there.
        """
        since: list[Commit] = []
        for version in range(self.version, -1, -1):
            whole = self.checksum(version)
            if "allFiles" in whole and len(whole["allFiles"]) == whole.get("numFiles"):
                return _after(whole["allFiles"], since)
            commit = self.commit(version)
            if commit is None:
                return None
            since.insert(0, commit)
        return _after([], since)

    def checksum(self, version: int) -> dict[str, Any]:
        """What Delta wrote of the whole table beside a commit; empty where it did not, or where it is of another."""
        try:
            told = json.loads(self._text(f"{version:020d}.crc") or "{}")
        except ValueError:
            return {}
        commit = self.commit(version)
        same = commit is not None and commit.info.get("txnId") and told.get("txnId") == commit.info["txnId"]
        return dict(told) if same else {}

    @cached_property
    def _names(self) -> frozenset[str]:
        if "://" in self.uri:
            raise Unsure(f"{self.uri} is not on this machine")
        try:
            names = frozenset(os.listdir(f"{self.folder}/_delta_log"))
        except FileNotFoundError:
            return frozenset()
        if any(os.listdir(f"{self.folder}/_delta_log/{name}") for name in OF_CATALOGS if name in names):
            raise Unsure(f"{self.uri}: a catalog decides about its commits")
        return names

    @property
    def folder(self) -> str:
        """Where the table lies, as Python names it."""
        return self.uri.removeprefix("file:")

    def _text(self, name: str) -> str | None:
        if name not in self._names:
            return None
        with open(f"{self.folder}/_delta_log/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()

    @cached_property
    def _declared(self) -> Declared:
        told = self._walked() or Declared(*declared(self.folder, self.version))
        _check_known(self.uri, told.protocol)
        return told

    def _walked(self) -> Declared | None:
        """What the commits and their checksums declare, from the newest back; None where they do not reach that far."""
        told: dict[str, dict[str, Any]] = {}
        for version in range(self.version, -1, -1):
            commit = self.commit(version)
            if commit is None:
                return None
            for action in commit.actions:
                for kind in ("metaData", "protocol"):
                    if action.get(kind):
                        told.setdefault(kind, action[kind])
            whole = self.checksum(version)
            if whole.get("metadata") and whole.get("protocol"):
                told = {"metaData": whole["metadata"], "protocol": whole["protocol"]} | told
            if len(told) == 2:
                return Declared(told["metaData"], told["protocol"])
        return None


def _newest(names: frozenset[str]) -> int:
    """The newest version of a log of these files; raises Unsure where they do not tell it for certain."""
    commits = {int(known[1]) for name in names if (known := COMMIT.fullmatch(name))}
    checkpoints = [int(known[1]) for name in names if (known := CHECKPOINT.fullmatch(name))]
    whole, newest = max(checkpoints, default=-1), max(commits, default=-1)
    if newest < whole or not commits.issuperset(range(whole + 1, newest + 1)):
        raise Unsure("files of its log are missing")
    if newest < 0 and any(name.endswith((".json", ".parquet")) for name in names):
        raise Unsure("its log is of a kind that is not known here")
    return newest


def _after(files: list[dict[str, Any]], commits: Iterable[Commit]) -> list[dict[str, Any]]:
    """The files that there are after these commits, which are in order."""
    there = {_identity(file): file for file in files}
    for commit in commits:
        for action in commit.actions:
            if action.get("remove"):
                there.pop(_identity(action["remove"]), None)
        for action in commit.actions:
            if action.get("add"):
                there[_identity(action["add"])] = action["add"]
    return list(there.values())


def _identity(file: dict[str, Any]) -> tuple[str, str]:
    """What tells a file from any other: its path, and which of its rows are deleted."""
    vector = file.get("deletionVector") or {}
    return str(file["path"]), json.dumps([vector.get(name) for name in ("storageType", "pathOrInlineDv", "offset")])


def _check_known(uri: str, protocol: dict[str, Any]) -> None:
    """Raises Unsure where a table asks more of its readers and writers than is known here."""
    asked = {*(protocol.get("readerFeatures") or ()), *(protocol.get("writerFeatures") or ())}
    newer = protocol["minReaderVersion"] > READER_VERSION or protocol["minWriterVersion"] > WRITER_VERSION
    if newer or asked - KNOWN_FEATURES:
        raise Unsure(f"{uri}: it asks for what is not known here: {', '.join(sorted(asked - KNOWN_FEATURES))}")


def _milliseconds(interval: str) -> int:
    """How long an interval is that Delta's properties name, of one plain unit; raises Unsure for any other."""
    known = re.fullmatch(r"(?:interval\s+)?(\d+)\s+([a-z]+?)s?", interval.strip().lower())
    if known is None or known[2] not in MILLISECONDS:
        raise Unsure(f'"{interval}" is no interval that is known here')
    return int(known[1]) * MILLISECONDS[known[2]]
