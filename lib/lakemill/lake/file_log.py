"""The log of a Delta table on this machine, read from its files without Spark.

It tells exactly what Delta's own log would, or raises Unsure: of a log that is damaged, of a kind that is not known
here, or whose columns and properties stand in no file that can be read here.
"""

import json
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyspark.sql.types import StructType

from lakemill.errors import LakemillError
from lakemill.lake.log import Commit, Log, actions_of, schema_of

COMMIT = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")
ELSEWHERE = ("_commits", "_staged_commits")
"""Folders of commits that a catalog decides about: where they hold some, the log alone does not tell the newest."""
KNOWN_FEATURES = {
    "allowColumnDefaults", "appendOnly", "changeDataFeed", "checkConstraints", "checkpointProtection", "clustering",
    "columnMapping", "deletionVectors", "domainMetadata", "generatedColumns", "icebergCompatV1", "icebergCompatV2",
    "identityColumns", "inCommitTimestamp", "invariants", "rowTracking", "timestampNtz", "typeWidening",
    "typeWidening-preview", "v2Checkpoint", "vacuumProtocolCheck", "variantType", "variantType-preview",
}  # fmt: skip
"""What a table may ask of its readers and writers without its newest version being told elsewhere."""
READER_VERSION, WRITER_VERSION = 3, 7
UNITS = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}


class Unsure(LakemillError):
    """What was asked cannot be told for certain without Spark."""


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
            names = frozenset(os.listdir(self._folder))
        except FileNotFoundError:
            return frozenset()
        if any(os.listdir(f"{self._folder}/{name}") for name in ELSEWHERE if name in names):
            raise Unsure(f"{self.uri}: a catalog decides about its commits")
        return names

    @property
    def _folder(self) -> str:
        return f"{self.uri.removeprefix('file:')}/_delta_log"

    def _text(self, name: str) -> str | None:
        if name not in self._names:
            return None
        with open(f"{self._folder}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()

    @cached_property
    def _declared(self) -> Declared:
        declared = self._walked() or self._by_delta_rs()
        _check_known(self.uri, declared.protocol)
        return declared

    def _walked(self) -> Declared | None:
        """What the commits and their checksums declare, from the newest back; None where they do not reach that far."""
        declared: dict[str, dict[str, Any]] = {}
        for version in range(self.version, -1, -1):
            commit = self.commit(version)
            if commit is None:
                return None
            for action in commit.actions:
                for kind in {"metaData", "protocol"} & set(action):
                    declared.setdefault(kind, action[kind])
            told = self.checksum(version)
            if told.get("metadata") and told.get("protocol"):
                declared = {"metaData": told["metadata"], "protocol": told["protocol"]} | declared
            if len(declared) == 2:
                return Declared(declared["metaData"], declared["protocol"])
        return None

    def _by_delta_rs(self) -> Declared:
        """What a checkpoint declares, read by delta-rs where it is installed."""
        try:
            from deltalake import DeltaTable
        except ImportError:
            raise Unsure(f"{self.uri}: only a checkpoint tells its columns, and deltalake is not installed") from None
        try:
            table = DeltaTable(self._folder.removesuffix("/_delta_log"), version=self.version, without_files=True)
            metadata, protocol, columns = table.metadata(), table.protocol(), table.schema().to_json()
        except Exception as error:  # whatever it does not understand, Spark may
            raise Unsure(f"{self.uri}: delta-rs cannot read its log: {error}") from error
        listed = {"id": str(metadata.id), "schemaString": columns, "configuration": dict(metadata.configuration)}
        asks = {"minReaderVersion": protocol.min_reader_version, "minWriterVersion": protocol.min_writer_version}
        features = {"readerFeatures": protocol.reader_features, "writerFeatures": protocol.writer_features}
        return Declared(listed | {"partitionColumns": list(metadata.partition_columns)}, asks | features)


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


def _check_known(uri: str, protocol: dict[str, Any]) -> None:
    """Raises Unsure where a table asks more of its readers and writers than is known here."""
    asked = {*(protocol.get("readerFeatures") or ()), *(protocol.get("writerFeatures") or ())}
    newer = protocol["minReaderVersion"] > READER_VERSION or protocol["minWriterVersion"] > WRITER_VERSION
    if newer or asked - KNOWN_FEATURES:
        raise Unsure(f"{uri}: it asks for what is not known here: {', '.join(sorted(asked - KNOWN_FEATURES))}")


def _milliseconds(interval: str) -> int:
    """How long an interval is that Delta's properties name, of one plain unit; raises Unsure for any other."""
    known = re.fullmatch(r"(?:interval\s+)?(\d+)\s+([a-z]+?)s?", interval.strip().lower())
    if known is None or known[2] not in UNITS:
        raise Unsure(f'"{interval}" is no interval that is known here')
    return int(known[1]) * UNITS[known[2]]
