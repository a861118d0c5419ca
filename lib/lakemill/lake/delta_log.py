"""The log of a Delta table that lies somewhere, read.

Through Delta's own DeltaLog where a snapshot is needed, and through the commits' JSON where one commit is: reading
one commit takes milliseconds, a history takes a Spark job.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from lakemill.errors import LakemillError
from lakemill.lake.failures import damaged_log
from lakemill.lake.files import read_text
from lakemill.lake.log import Commit, Log, actions_of, schema_of


@dataclass(frozen=True)
class DeltaLog(Log):
    """A Delta table's log as it is now: take a new one to see later commits."""

    spark: SparkSession
    uri: str

    @cached_property
    def snapshot(self) -> Any:
        """Delta's own snapshot of the newest version (a Java object)."""
        jvm: Any = self.spark._jvm
        try:
            log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self.spark._jsparkSession, self.uri)
            return log.update(False, jvm.scala.Option.empty(), jvm.scala.Option.empty())
        except Py4JJavaError as error:
            damage = damaged_log(error)
            if damage is None:
                raise
            raise LakemillError(f"{self.uri}: its log is damaged: {damage}. Nothing was written.") from error

    @property
    def version(self) -> int:
        """The newest version; -1 where there is no table."""
        return int(self.snapshot.version())

    @property
    def table_id(self) -> str:
        """The id that a table keeps for life and a recreated one does not have."""
        return str(self.snapshot.metadata().id())

    @cached_property
    def schema(self) -> StructType:
        """The table's columns at the newest version."""
        return schema_of({"schemaString": self.snapshot.metadata().schemaString()})

    def setting(self, key: str) -> str | None:
        """A table property, as text."""
        option = self.snapshot.metadata().configuration().get(key)
        return str(option.get()) if option.isDefined() else None

    @property
    def settings(self) -> dict[str, str]:
        """All table properties."""
        metadata: dict[str, Any] = json.loads(str(self.snapshot.metadata().json()))
        return dict(metadata["metaData"]["configuration"])

    @property
    def keeps_files(self) -> int:
        """How long the table keeps files that it let go of, in milliseconds: VACUUM removes what is older."""
        jvm: Any = self.spark._jvm
        return int(jvm.org.apache.spark.sql.delta.DeltaLog.tombstoneRetentionMillis(self.snapshot.metadata()))

    @property
    def keeps_log(self) -> int:
        """How long the table keeps its log, in milliseconds."""
        return int(self.snapshot.deltaLog().deltaRetentionMillis(self.snapshot.metadata()))

    def bytes_at(self, version: int) -> int:
        """How many bytes the files of a version hold, from its checksum; 0 where that is not there."""
        text = read_text(self.spark, f"{self.uri}/_delta_log/{version:020d}.crc")
        try:
            return int(json.loads(text or "{}").get("tableSizeBytes", 0))
        except ValueError:
            return 0

    def transaction(self, app_id: str) -> int | None:
        """The last transaction number that a writer recorded; it survives checkpoints and log clean-up.

        A Spark job reads it from the whole state of the table.
        """
        option = self.snapshot.transactions().get(app_id)
        return int(option.get()) if option.isDefined() else None

    def commit(self, version: int) -> Commit | None:
        """One commit; None where its JSON has been cleaned away."""
        text = read_text(self.spark, f"{self.uri}/_delta_log/{version:020d}.json")
        if text is None:
            return None
        try:
            return Commit(version, actions_of(text))
        except ValueError as error:
            file = f"{self.uri}/_delta_log/{version:020d}.json"
            raise LakemillError(f"{file} is damaged: {error}. Nothing was written. Bring the file back.") from error
