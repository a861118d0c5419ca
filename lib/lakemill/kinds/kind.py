"""Kind: what a job makes of its mapped rows, as one value that runs, explanations and verification share.

There are four: rows are kept as they come (`Appended`), reduced by key (`Reduced`), kept as the newest of a key
(`Newest`), or given by a function of all rows of a key (`ByFunction`). Nobody else asks how a job reduces.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from lakemill.core.local import Held, empty
from lakemill.core.near import Near
from lakemill.job import Job
from lakemill.lake.presented import plain_columns
from lakemill.lake.tables import Table
from lakemill.observe.runs import Run

Write = Callable[[Table], None]
"""Writes what a run makes of a target, in one commit."""


class Work(Protocol):
    """What an update may read, and where it says what it did."""

    @property
    def run(self) -> Run:
        """Takes what the update counts."""

    @property
    def change(self) -> DataFrame:
        """The mapped rows that came and went, with `_weight`."""

    @property
    def removes(self) -> bool:
        """Whether rows of a source went, or may have."""

    @property
    def held(self) -> Held:
        """Computes frames once; whether they may come to the driver."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Adds the seconds of the body to a stage of the run."""

    def stored(self) -> DataFrame:
        """The target as it was when the plan was made, `_state` included."""

    def touched(self, keys: DataFrame) -> tuple[DataFrame, Held]:
        """The touched keys, computed and counted, and how to hold what comes of them."""

    def near(self, keys: DataFrame, few: bool, sources: bool = True) -> Near:
        """Where these keys lie in the target, and in its sources, if they are few and that spares much reading."""

    def mapped_now(self, keys: DataFrame, place: Near, few: bool) -> DataFrame:
        """The mapped rows of these keys, of the sources as they are now."""


@dataclass(frozen=True)
class Kind(ABC):
    """What a job makes of its mapped rows."""

    job: Job

    @property
    @abstractmethod
    def removal(self) -> str:
        """What an update does when rows of a source go: for people."""

    @property
    def follows_removals(self) -> bool:
        """Whether an update can take rows away."""
        return True

    @property
    def row_key(self) -> tuple[str, ...]:
        """The columns that tell the target's rows apart; none where several of its rows may be equal."""
        return tuple(self.job.key or ())

    @property
    def has_own(self) -> bool:
        """Whether something of the user's own computes it, which is tried on rows before it is trusted."""
        return False

    def read(self, mapped: Iterable[StructField]) -> list[StructField]:
        """Those of the mapped columns that the target's rows depend on."""
        return list(mapped)

    def words(self) -> Mapping[str, str]:
        """What each reducer is, of which class, and what it keeps: for people."""
        return {}

    def try_on(self, mapped: DataFrame) -> None:
        """Try what is the user's own on some rows; raises UsageError with the counterexample."""
        return

    @abstractmethod
    def rows(self, mapped: DataFrame) -> DataFrame:
        """The target's rows, of all mapped rows."""

    def columns(self, spark: SparkSession, mapped: StructType) -> StructType:
        """The target's columns, where the map gives these."""
        return plain_columns(self.rows(empty(spark, mapped)).schema)

    @abstractmethod
    def expected(self, mapped: DataFrame) -> DataFrame:
        """The same rows by ordinary Spark aggregates: what verification holds the target against."""

    def comparable(self, stored: DataFrame) -> DataFrame:
        """The target's rows without what depends on its history, as `expected` gives them."""
        return stored

    def wrong_states(self, stored: DataFrame, mapped: DataFrame) -> DataFrame | None:
        """The keys whose kept state is not what the mapped rows say; None where none is kept."""
        return None

    @abstractmethod
    def reduced(self, change: DataFrame) -> DataFrame:
        """What an update first computes of a change: for the physical plan that `explain` shows."""

    @abstractmethod
    def difference(self, target: Table, stored: DataFrame, rows: DataFrame, held: Held) -> Write | None:
        """How to make the target hold exactly these rows, writing only what differs; None where it has to be whole."""

    @abstractmethod
    def update(self, work: Work) -> Write:
        """How to bring the target up to date by a change."""

    def restate(self, mapped: DataFrame, old: DataFrame, where: Column, held: Held, run: Run) -> Write:
        """How to make some keys anew: those of the mapped and stored rows for which the condition holds."""
        raise AssertionError(f"{self.job.target} has no key, and --where is refused before")
