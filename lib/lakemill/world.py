"""World: where runs happen, and which version of each source a run has pinned.

The pins and the checked maps belong to the run; the session may be one table's alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from lakemill.job import Job
from lakemill.lake.session import session_apart, versions
from lakemill.lake.surroundings import surroundings
from lakemill.lake.tables import Lake, Pin
from lakemill.maps.check import check_job
from lakemill.maps.definition import Definition, Judgement, judge
from lakemill.maps.premises import premises
from lakemill.maps.rowwise import CheckedMap
from lakemill.observe.past import Past, past
from lakemill.observe.runs import LEDGER
from lakemill.python.bytecode import as_at_first
from lakemill.python.source_text import source_digest
from lakemill.sources.source import KnownColumns
from lakemill.sources.tables import TableSource


@dataclass
class World:
    """Where runs happen: the lake, the landing, the lock files, and the versions that this run has pinned.

    confs: what Spark was started with, where that is known.
    """

    lake: Lake
    landing: str
    locks: Path
    confs: Mapping[str, str] | None = None
    pins: dict[str, Pin] = field(default_factory=dict)
    _pinning: Lock = field(default_factory=Lock)
    _past: dict[str, Mapping[str, Sequence[Past]]] = field(default_factory=dict)
    _maps: dict[str, tuple[Job, dict[str, StructType], CheckedMap]] = field(default_factory=dict)

    @property
    def spark(self) -> SparkSession:
        """The session of this run."""
        return self.lake.spark

    def apart(self) -> "World":
        """The same run in a session of its own, for one table: see `session_apart`."""
        return replace(self, lake=replace(self.lake, spark=session_apart(self.spark)))

    def pin(self, name: str) -> Pin:
        """A source's version: the same for every job of the run, or what this run has made."""
        with self._pinning:  # tables that are worked on side by side read the same version
            if name not in self.pins:
                self.pins[name] = self.lake.table(name).pin()
            pin = self.pins[name]
        return replace(pin, table=replace(pin.table, spark=self.spark))

    def past(self, target: str) -> Sequence[Past]:
        """The newest runs of a table; the ledger is read once, when it is first asked for."""
        with self._pinning:
            if LEDGER not in self._past:
                self._past[LEDGER] = past(self.lake.table(LEDGER))
        return self._past[LEDGER].get(target, ())

    def renew(self) -> None:
        """A new run begins: it pins versions and reads the ledger anew."""
        self.pins.clear()
        self._past.clear()

    def source(self, name: str) -> KnownColumns:
        """A source table as far as this run reads it."""
        return TableSource(self.pin(name))

    @cached_property
    def made_by(self) -> str:
        """The versions of what runs here."""
        return versions(self.spark)

    def definition(self, job: Job, checked: CheckedMap) -> Definition:
        """What decides the rows of the job's target, as it is now."""
        known = self._maps.get(job.target)
        columns = known[1] if known and known[0] is job and known[2] is checked else None
        told = self.premises(job, columns) if columns else ""
        return Definition(checked.fingerprint, source_digest(job.files), self.made_by, told)

    def premises(self, job: Job, sources: Mapping[str, StructType]) -> str:
        """A digest of what the job's fingerprint follows from, as this run starts Spark, or has started it."""
        return premises(job, sources, self.surroundings)

    @cached_property
    def surroundings(self) -> str:
        """A digest of the Spark that this run starts, or has started; empty where that is out of sight."""
        return surroundings(self.confs)

    def judged(
        self, recorded: Definition, job: Job, sources: Mapping[str, StructType], checked: CheckedMap
    ) -> Judgement:
        """What the definition that made a table is to the job's, whose map was checked on these columns of its sources.

        A table from before its versions were recorded has its functions digested as they were then.
        """
        judgement = judge(recorded, self.definition(job, checked))
        if judgement != Judgement.CHANGED or recorded.made_by:
            return judgement
        with as_at_first():
            return judge(recorded, self.definition(job, check_job(self.spark, job, sources)))

    def check(self, job: Job, sources: dict[str, StructType]) -> CheckedMap:
        """The job's checked map; checked once for as long as its sources' columns stay."""
        known = self._maps.get(job.target)
        if known is None or known[0] is not job or known[1] != sources:
            known = self._maps[job.target] = (job, sources, check_job(self.spark, job, sources))
        return known[2]
