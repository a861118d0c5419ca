"""A Delta table's log as values: which version it is at, what each commit did, and what its writer said.

Nothing here reads a file or asks Spark. `delta_log.py` does, so what is decided from a log can be tried on any log.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import unquote

from pyspark.sql.types import StructType

Z85_UUID = 20
"""Characters of a UUID in Z85, ZeroMQ's base 85 (rfc.zeromq.org/spec/32)."""
Z85_TO_B85 = str.maketrans(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~",
)

CHANGE_FEED = "delta.enableChangeDataFeed"


@dataclass(frozen=True)
class Commit:
    """One version of a table: the actions of its JSON."""

    version: int
    actions: tuple[dict[str, Any], ...]

    @property
    def info(self) -> dict[str, Any]:
        """What the writer said of it: operation, operationMetrics, userMetadata."""
        return self._first("commitInfo") or {}

    @property
    def at(self) -> datetime:
        """When its writer committed it, by the writer's clock (UTC)."""
        return datetime.fromtimestamp(int(self.info["timestamp"]) / 1000, UTC)

    @property
    def id(self) -> str:
        """What tells it from any other commit: the id that Delta gives, else a digest of all that it says."""
        text = json.dumps(self.actions, sort_keys=True)
        return str(self.info.get("txnId") or hashlib.sha256(text.encode()).hexdigest()[:32])

    @property
    def vacuums(self) -> bool:
        """Whether it begins or ends a VACUUM."""
        return str(self.info.get("operation")).startswith("VACUUM")

    @property
    def changes_data(self) -> bool:
        """Whether rows came or went; compaction only moves them."""
        return any(
            self._action(a, "add").get("dataChange") or self._action(a, "remove").get("dataChange")
            for a in self.actions
        )

    @property
    def removes(self) -> bool:
        """Whether rows may have gone."""
        return any(self._action(action, "remove").get("dataChange") for action in self.actions)

    @property
    def removes_bare(self) -> bool:
        """Whether it removed rows with a file of which it tells neither size nor partition."""
        removed = (self._action(action, "remove") for action in self.actions)
        return any(file.get("dataChange") and not file.get("extendedFileMetadata") for file in removed)

    @property
    def removed_bytes(self) -> int:
        """How many bytes the files held that it removed."""
        return sum(self._action(action, "remove").get("size") or 0 for action in self.actions)

    def paths(self, kind: str, changing: bool = False) -> list[str]:
        """The files that it adds, removes, or wrote for the feed (cdc); changing: without those that only moved."""
        listed = [self._action(action, kind) for action in self.actions]
        files = [file for file in listed if file and (file.get("dataChange") or not changing)]
        vectors = [vector for file in files if (vector := _vector_file(file.get("deletionVector") or {}))]
        return [*(unquote(str(file["path"])) for file in files), *vectors]

    def transaction(self, app_id: str) -> int | None:
        """The transaction number that its writer took under this name."""
        taken = (self._action(action, "txn") for action in self.actions)
        return next((int(txn["version"]) for txn in taken if txn.get("appId") == app_id), None)

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The table's schema and properties, where this commit set them."""
        return self._first("metaData")

    @property
    def feed_bytes(self) -> int:
        """How many bytes the change feed of this commit reads at most."""
        written = sum(self._action(action, "cdc").get("size", 0) for action in self.actions)
        return written or sum(
            self._action(action, kind).get("size") or 0 for action in self.actions for kind in ("add", "remove")
        )

    @property
    def feed_rows(self) -> int:
        """How many rows the change feed of this commit has, as far as the statistics of files tell."""
        files = [self._action(action, kind) for action in self.actions for kind in ("add", "remove")]
        return 0 if self.paths("cdc") else sum(rows_in(file) or 0 for file in files if file.get("dataChange"))

    @staticmethod
    def _action(action: dict[str, Any], kind: str) -> dict[str, Any]:
        return action.get(kind) or {}

    def _first(self, kind: str) -> dict[str, Any] | None:
        return next((action[kind] for action in self.actions if kind in action), None)


class Log(Protocol):
    """A table's log as it is at one moment: the newest version, what it declares, and the commits before it.

    What is decided from a log needs no more than this, so tests decide from commits that they write down.
    """

    uri: str
    """Where the table lies."""

    @property
    def version(self) -> int:
        """The newest version; -1 where there is no table."""

    @property
    def table_id(self) -> str:
        """The id that a table keeps for life and a recreated one does not have."""

    @property
    def schema(self) -> StructType:
        """The table's columns at the newest version."""

    @property
    def keeps_files(self) -> int:
        """How long the table keeps files that it let go of, in milliseconds: VACUUM removes what is older."""

    @property
    def keeps_log(self) -> int:
        """How long the table keeps its log, in milliseconds."""

    def setting(self, key: str) -> str | None:
        """A table property, as text."""

    def bytes_at(self, version: int) -> int:
        """How many bytes the files of a version hold, from its checksum; 0 where that is not there."""

    def transaction(self, app_id: str) -> int | None:
        """The last transaction number that a writer recorded; it survives checkpoints and log clean-up."""

    def commit(self, version: int) -> Commit | None:
        """One commit; None where its JSON has been cleaned away."""

    @property
    def exists(self) -> bool:
        """Whether there is a Delta table."""
        return self.version >= 0

    @property
    def feed_is_on(self) -> bool:
        """Whether the newest version writes a change feed."""
        return self.setting(CHANGE_FEED) == "true"

    def metadata_at(self, version: int) -> dict[str, Any] | None:
        """Columns and properties as of a version, as the last commit that set them has them; None if it was cleaned."""
        for earlier in range(version, -1, -1):
            commit = self.commit(earlier)
            if commit is None or commit.metadata:
                return commit.metadata if commit else None
        return None

    def last_vacuum(self, after: int = -1) -> Commit | None:
        """The last commit after a version that says that files were removed; None where none says so."""
        commits = (self.commit(version) for version in range(self.version, after, -1))
        return next((commit for commit in commits if commit and commit.vacuums), None)

    def commits(self, after: int, through: int) -> list[Commit] | None:
        """The commits of (after, through]; None where one of them is not there."""
        commits = [self.commit(version) for version in range(after + 1, through + 1)]
        return None if None in commits else [commit for commit in commits if commit]


def rows_in(file: Mapping[str, Any]) -> int | None:
    """How many rows a file has by its statistics; None where it has none."""
    try:
        return int(json.loads(file.get("stats") or "{}")["numRecords"])
    except (KeyError, TypeError, ValueError):
        return None


def _vector_file(vector: Mapping[str, Any]) -> str | None:
    """The file of a deletion vector that has one of its own, as Delta's protocol names it."""
    path = str(vector.get("pathOrInlineDv", ""))
    if vector.get("storageType") == "p":
        return path
    if vector.get("storageType") != "u":
        return None
    prefix, coded = path[:-Z85_UUID], path[-Z85_UUID:]
    name = uuid.UUID(bytes=base64.b85decode(coded.translate(Z85_TO_B85)))
    return f"{prefix}/deletion_vector_{name}.bin" if prefix else f"deletion_vector_{name}.bin"


def actions_of(text: str) -> tuple[dict[str, Any], ...]:
    """The actions of a commit's JSON; raises ValueError where it is damaged."""
    # Not splitlines: U+0085, U+2028 and U+2029 stand in the statistics of texts as they are.
    return tuple(json.loads(line) for line in text.split("\n") if line.strip())


def schema_of(metadata: Mapping[str, Any]) -> StructType:
    """The columns that a commit's metadata declares."""
    return StructType.fromJson(json.loads(str(metadata["schemaString"])))
