"""A Delta table as a source: its position is a version, and its change feed tells what came since."""

from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from lakemill.lake.change import Change
from lakemill.lake.feed import change_since, compared
from lakemill.lake.progress import Position, TablePosition
from lakemill.lake.schema import at_version
from lakemill.lake.tables import Pin


@dataclass(frozen=True)
class TableSource:
    """One version of a table: see `lakemill.sources.source.Source`."""

    pin: Pin

    @property
    def name(self) -> str:
        """The table's name."""
        return self.pin.table.name

    @property
    def schema(self) -> StructType:
        """Its presented columns."""
        return self.pin.schema

    @property
    def keeps(self) -> float:
        """The shorter of the times that it keeps files and its log."""
        log = self.pin.table.log()
        return min(log.keeps_files, log.keeps_log)

    def position(self) -> Position:
        """The version, and what tells it from one of another table."""
        return self._position

    @cached_property
    def _position(self) -> Position:
        return self.pin.position().value()

    def words(self, change: Change | None) -> str:
        """The version, or those that the change lies between."""
        if change is None or change.after == self.pin.version:
            return f"version {self.pin.version}"
        return f"versions {change.after} to {self.pin.version}"

    @property
    def bytes(self) -> int:
        """What the checksum of its version says."""
        return self.pin.table.log().bytes_at(self.pin.version)

    def rows(self) -> DataFrame:
        """Its presented rows."""
        return self.pin.rows()

    def count(self) -> int:
        """How many there are."""
        return self.rows().count()

    def schema_at(self, since: Position) -> StructType | None:
        """The presented columns of an earlier version."""
        return at_version(self.pin.table, TablePosition(**since).version)

    def change_since(self, since: Position | None) -> Change:
        """What its log tells of the commits since an earlier version."""
        return change_since(self.pin, TablePosition(**since) if since else None)

    def compared(self, change: Change, reason: str, detail: str) -> Change:
        """The change from reading both versions whole, where that can be done."""
        return compared(self.pin, change, reason, detail)

    def changed(self, change: Change) -> DataFrame:
        """From its change feed, or from comparing both versions, as the change says."""
        return self.pin.change(change.after, change.by)

    def before(self, change: Change) -> DataFrame:
        """The rows of the earlier version."""
        return self.pin.before(change.after)
