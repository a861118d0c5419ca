"""A Delta table that is written down: its commits as the actions that Delta writes, and which files are there."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql.types import StructType

from lakemill.lake.log import CHANGE_FEED, Commit, Log, schema_of
from lakemill.lake.tables import Pin, Table

Action = dict[str, Any]


def add(path: str, rows: int = 1, size: int = 100, moves: bool = False) -> Action:
    """A file that comes; moves: its rows only move into it."""
    stats = json.dumps({"numRecords": rows})
    return {"add": {"path": path, "size": size, "dataChange": not moves, "stats": stats, "partitionValues": {}}}


def remove(path: str, rows: int = 1, size: int = 100, moves: bool = False) -> Action:
    """A file that goes, as Spark says it."""
    stats = json.dumps({"numRecords": rows})
    told = {"extendedFileMetadata": True, "partitionValues": {}, "size": size, "stats": stats}
    return {"remove": {"path": path, "dataChange": not moves, **told}}


def cdc(path: str, size: int = 50) -> Action:
    """A file that was written for the change feed alone."""
    return {"cdc": {"path": path, "size": size, "dataChange": False}}


def info(operation: str, **more: Any) -> Action:
    """What the writer says of the commit."""
    return {"commitInfo": {"operation": operation, "timestamp": 1_700_000_000_000, "operationParameters": {}, **more}}


def declares(schema: StructType, feed: bool = True, partitions: Iterable[str] = (), id: str = "t") -> Action:
    """The table's columns and properties."""
    return {
        "metaData": {
            "id": id,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema.json(),
            "partitionColumns": list(partitions),
            "configuration": {CHANGE_FEED: "true"} if feed else {},
        }
    }


@dataclass
class LiteralLog(Log):
    """A log of commits that somebody wrote down. The newest metadata of all commits ever made is the snapshot's.

    gone: versions whose JSON was cleaned away.   sizes: bytes of versions, where a checksum tells them.
    """

    made: list[list[Action]]
    uri: str = "/lake/t"
    gone: set[int] = field(default_factory=set)
    sizes: Mapping[int, int] = field(default_factory=dict)
    keeps_files: int = 7 * 86_400_000
    keeps_log: int = 30 * 86_400_000

    @property
    def version(self) -> int:
        return len(self.made) - 1

    def metadata_as_of(self, version: int) -> dict[str, Any]:
        """What Delta's own snapshot of a version declares: also where the commit's JSON is gone."""
        said = [
            action["metaData"] for actions in self.made[: version + 1] for action in actions if "metaData" in action
        ]
        return said[-1]

    @property
    def table_id(self) -> str:
        return str(self.metadata_as_of(self.version)["id"])

    @property
    def schema(self) -> StructType:
        return schema_of(self.metadata_as_of(self.version))

    def setting(self, key: str) -> str | None:
        return self.metadata_as_of(self.version)["configuration"].get(key)

    def bytes_at(self, version: int) -> int:
        return self.sizes.get(version, 0)

    def transaction(self, app_id: str) -> int | None:
        """The last one of all commits ever made: a snapshot keeps it when the log is cleaned."""
        taken = [Commit(at, tuple(actions)).transaction(app_id) for at, actions in enumerate(self.made)]
        return next((number for number in reversed(taken) if number is not None), None)

    def commit(self, version: int) -> Commit | None:
        there = 0 <= version < len(self.made) and version not in self.gone
        return Commit(version, tuple(self.made[version])) if there else None


@dataclass(frozen=True)
class LiteralTable(Table):
    """A table of which the log is written down. lost: the files that are not there any more."""

    written: LiteralLog | None = None
    lost: frozenset[str] = frozenset()

    def log(self) -> LiteralLog:
        assert self.written is not None
        return self.written

    def missing(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if path in self.lost]

    def full(self, version: int) -> Any:
        """Only the columns; a version is there while its log reaches back to it."""
        log = self.log()
        if version in log.gone:
            raise AnalysisException(f"version {version} was cleaned away")
        return SimpleNamespace(schema=schema_of(log.metadata_as_of(version)))


def pinned(log: LiteralLog, lost: Iterable[str] = (), version: int | None = None) -> Pin:
    """The table as a run pins it."""
    table = LiteralTable(None, "raw.t", log.uri, log, frozenset(lost))  # type: ignore[arg-type]
    return Pin(table, log.version if version is None else version, log.table_id, log.schema)
