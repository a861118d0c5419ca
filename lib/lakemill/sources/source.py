"""Source: where a table's rows come from, as the one small interface that runs, explanations and verification know.

A source is pinned once a run, before anything is read: it says how far it reads now, and gives what came between an
earlier position and that one. Dumps are a source whose columns stand in the files themselves; a table's are known
before any row is read, so jobs can be checked and planned against them.
"""

from typing import Protocol

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from lakemill.lake.change import Change
from lakemill.lake.progress import Position


class Source(Protocol):
    """A source as far as it reads in this run."""

    @property
    def name(self) -> str:
        """What it is called, in the progress of the tables that are made from it, too."""

    @property
    def keeps(self) -> float:
        """For how long it can still tell what came since a position, in milliseconds; infinite: for ever."""

    def position(self) -> Position:
        """How far it reads."""

    def words(self, change: Change | None) -> str:
        """How far it reads, and since where, for people."""


class KnownColumns(Source, Protocol):
    """A source of which columns and changes are known before any row is read."""

    @property
    def schema(self) -> StructType:
        """The columns of its rows."""

    @property
    def bytes(self) -> int:
        """How many bytes its files hold at its position; 0 where nobody noted it."""

    def rows(self) -> DataFrame:
        """All its rows up to its position, with where each came from in its last columns if they came from outside."""

    def count(self) -> int:
        """How many rows these are."""

    def schema_at(self, since: Position) -> StructType | None:
        """The columns that it had at an earlier position; None where nobody can tell any more."""

    def change_since(self, since: Position | None) -> Change:
        """What happened since an earlier position; nothing is read but logs and lists of files."""

    def compared(self, change: Change, reason: str, detail: str) -> Change:
        """The same change, had from comparing its rows then and now, for this reason; or with a problem."""

    def changed(self, change: Change) -> DataFrame:
        """The rows that came and went by a change, with `_weight`."""

    def before(self, change: Change) -> DataFrame:
        """The rows that it had before a change, in its columns of now."""
