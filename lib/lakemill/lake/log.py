"""Reading a Delta table's log: which version it is at, what each commit did, and what its writer said.

Through Delta's own DeltaLog where a snapshot is needed, and through the commits' JSON where one commit is: reading
one commit takes milliseconds, a history takes a Spark job.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from lakemill.lake.files import read_text

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

    @staticmethod
    def _action(action: dict[str, Any], kind: str) -> dict[str, Any]:
        return action.get(kind) or {}

    def _first(self, kind: str) -> dict[str, Any] | None:
        return next((action[kind] for action in self.actions if kind in action), None)


@dataclass(frozen=True)
class Log:
    """A Delta table's log as it is now: take a new one to see later commits."""

    spark: SparkSession
    uri: str

    @cached_property
    def snapshot(self) -> Any:
        """Delta's own snapshot of the newest version (a Java object)."""
        jvm: Any = self.spark._jvm
        found = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self.spark._jsparkSession, self.uri)
        return found.update(False, jvm.scala.Option.empty(), jvm.scala.Option.empty())

    @property
    def version(self) -> int:
        """The newest version; -1 where there is no table."""
        return int(self.snapshot.version())

    @property
    def exists(self) -> bool:
        """Whether there is a Delta table."""
        return self.version >= 0

    @property
    def table_id(self) -> str:
        """The id that a table keeps for life and a recreated one does not have."""
        return str(self.snapshot.metadata().id())

    @cached_property
    def schema(self) -> StructType:
        """The table's columns at the newest version."""
        return StructType.fromJson(json.loads(self.snapshot.metadata().schemaString()))

    @property
    def feed_is_on(self) -> bool:
        """Whether the newest version writes a change feed."""
        return self.property(CHANGE_FEED) == "true"

    def property(self, key: str) -> str | None:
        """A table property, as text."""
        found = self.snapshot.metadata().configuration().get(key)
        return str(found.get()) if found.isDefined() else None

    def transaction(self, app_id: str) -> int | None:
        """The last transaction number that a writer recorded; it survives checkpoints and log clean-up.

        A Spark job reads it from the whole state of the table.
        """
        found = self.snapshot.transactions().get(app_id)
        return int(found.get()) if found.isDefined() else None

    def commit(self, version: int) -> Commit | None:
        """One commit; None where its JSON has been cleaned away."""
        text = read_text(self.spark, f"{self.uri}/_delta_log/{version:020d}.json")
        if text is None:
            return None
        return Commit(version, tuple(json.loads(line) for line in text.splitlines() if line.strip()))

    def commits(self, after: int, through: int) -> list[Commit] | None:
        """The commits of (after, through]; None where one of them has been cleaned away."""
        found = [self.commit(version) for version in range(after + 1, through + 1)]
        return None if None in found else [commit for commit in found if commit]
