"""Judging: how many of a run's mapped rows meet their contract, and whether too many do not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame, Observation, Row, functions as F

from lakemill.columns import column
from lakemill.core.weights import WEIGHT
from lakemill.errors import DataRefused
from lakemill.job import Job
from lakemill.observe.cost import observed
from lakemill.observe.runs import Run
from lakemill.quality.front import FrontDoor, PutAside
from lakemill.quality.selections import FAILED_RULES, MET, WARN_MET
from lakemill.quality.shown import shown_value

NO_REASON_TO_STOP = 10
"""Where no more rows than these are put aside, they are no reason to stop, unless none may be."""
SHOWN_REASONS = 3
COUNTS = {"judged": "rows_judged", "good": "rows_good", "quarantined": "rows_quarantined", "warned": "rows_warned"}
"""What is counted of mapped rows, and where the ledger has it."""
MORE_ASIDE = "more"


@dataclass(frozen=True)
class Judging:
    """rows: those that the door gives, of all that were judged.   counts, seen: what is counted of the latter."""

    rows: DataFrame
    judged: DataFrame | None = None
    door: FrontDoor | None = None
    counts: Sequence[Column] = ()
    seen: Observation | None = None

    @property
    def puts_aside(self) -> bool:
        """Whether these are rows that do not meet their contract."""
        return isinstance(self.door, PutAside)

    def note(self, run: Run) -> None:
        """Put into the run how many mapped rows came, and what became of them."""
        if self.seen is not None:
            self._note(run, observed(self.rows.sparkSession, self.seen))

    def _note(self, run: Run, told: Mapping[str, int]) -> None:
        for name, column_of_run in COUNTS.items():
            setattr(run, column_of_run, told.get(name, 0))

    def check(self, run: Run, held: int) -> None:
        """Raises DataRefused where more rows are put aside than before, and more of those that came than may be.

        held: how many rows of the change are put aside, or taken from there; they have been computed.
        """
        assert self.door and self.seen and self.judged
        told = observed(self.rows.sparkSession, self.seen)
        if held and not told:  # a machine that is too busy for Spark to tell its listeners
            told = {
                name: int(count or 0) for name, count in self.judged.agg(*self.counts).collect()[0].asDict().items()
            }
        self._note(run, told)
        most, more, came = self.door.contract.most_quarantined, told.get(MORE_ASIDE, 0), told.get("judged", 0)
        if more <= (NO_REASON_TO_STOP if most else 0) or more * 100 <= came * most:
            return
        raise DataRefused(
            f"{self.door.target}: of the {came} rows that came {told['quarantined']} do not meet its contract, more "
            f"than {most} %: {self._reasons()}. Nothing was written. Mend the rows in their source, or the contract "
            "(mostQuarantinedPercent says how many may be put aside), and run again."
        )

    def _reasons(self) -> str:
        """The commonest reasons, each with a row of it."""
        came = self.rows.where(column(WEIGHT) > 0) if WEIGHT in self.rows.columns else self.rows
        each = came.select(F.explode(FAILED_RULES).alias("failed")).select("failed.*")
        counted = each.groupBy("rule", "column").agg(F.count(F.lit(1)).alias("rows"), F.min("value").alias("value"))
        return "; ".join(map(self._reason, counted.orderBy(F.desc("rows"), "column", "rule").take(SHOWN_REASONS)))

    def _reason(self, row: Row) -> str:
        if not row["column"]:
            return f"{row.rule}: {row.rows} rows"
        assert self.door
        return f"{row.rule}: {row.rows} rows, as {shown_value(self.door.contract, row['column'], row.value)}"


def judging(job: Job, rows_of: Callable[[Job], DataFrame]) -> Judging:
    """The rows that are made of a job's map, with their weights if they have some; counted where it has a contract.

    What came and what went are judged together: the contract's part of the plan is large.
    """
    door = job.map
    if not isinstance(door, FrontDoor):
        return Judging(rows_of(job))
    mapped = rows_of(replace(job, map=door.map))
    weights = [WEIGHT] if WEIGHT in mapped.columns else []
    rows, weight = door.judged(mapped, *weights), column(WEIGHT) if weights else F.lit(1)
    good = column(MET)
    kinds = {"judged": F.lit(True), "good": good, "quarantined": ~good, "warned": good & ~column(WARN_MET)}
    counts = [F.count_if((weight > 0) & which).alias(name) for name, which in kinds.items()]
    # A row that is changed where the map does not look comes and goes: it puts no more aside.
    counts.append(F.sum(F.when(~good, weight)).alias(MORE_ASIDE))
    seen = Observation()
    return Judging(door.chosen(rows.observe(seen, *counts), *weights), rows, door, counts, seen)
