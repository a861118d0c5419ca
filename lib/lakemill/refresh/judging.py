"""Judging: how many of a run's mapped rows meet their contract, and whether too many do not."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame, Observation, Row, functions as F

from lakemill.columns import column
from lakemill.core.weights import WEIGHT
from lakemill.errors import DataRefused, row_text
from lakemill.job import Job
from lakemill.observe.cost import observed
from lakemill.observe.runs import Run
from lakemill.quality.front import FAILED_RULES, MET, WARNED, FrontDoor, PutAside

NO_REASON_TO_STOP = 10
"""Where no more rows than these are put aside, they are no reason to stop, whatever their share."""
SHOWN_REASONS = 3


@dataclass(frozen=True)
class Judging:
    """rows: those that the door gives.   seen: what was counted of all mapped rows, once these are computed."""

    rows: DataFrame
    door: FrontDoor | None = None
    seen: Observation | None = None

    @property
    def puts_aside(self) -> bool:
        """Whether these are rows that do not meet their contract."""
        return isinstance(self.door, PutAside)

    def note(self, run: Run) -> None:
        """Put into the run how many mapped rows came, and what became of them."""
        if self.seen is None:
            return
        told = observed(self.rows.sparkSession, self.seen)
        run.rows_judged, run.rows_good = told.get("judged", 0), told.get("good", 0)
        run.rows_quarantined, run.rows_warned = told.get("quarantined", 0), told.get("warned", 0)

    def check(self, run: Run) -> None:
        """Raises DataRefused where more of the rows that came were put aside than the contract allows.

        The rows have been computed.
        """
        self.note(run)
        assert self.door
        aside, judged, most = run.rows_quarantined or 0, run.rows_judged or 0, self.door.contract.most_quarantined
        if aside <= NO_REASON_TO_STOP or aside * 100 <= judged * most:
            return
        raise DataRefused(
            f"{self.door.target}: {aside} of the {judged} rows that came do not meet its contract, more than "
            f"{most} %: {self._reasons()}. Nothing was written. Mend the rows in their source, or the contract "
            "(mostQuarantinedPercent says how many may be put aside), and run again."
        )

    def _reasons(self) -> str:
        """The commonest reasons, each with a row of it."""
        came = self.rows.where(column(WEIGHT) > 0) if WEIGHT in self.rows.columns else self.rows
        each = came.select(F.explode(FAILED_RULES).alias("failed")).select("failed.*")
        counted = each.groupBy("rule", "column").agg(F.count(F.lit(1)).alias("rows"), F.min("value").alias("value"))
        return "; ".join(map(_reason, counted.orderBy(F.desc("rows"), "column", "rule").take(SHOWN_REASONS)))


def _reason(row: Row) -> str:
    if not row["column"]:
        return f"{row.rule}: {row.rows} rows"
    return f"{row.rule}: {row.rows} rows, as {row_text({row['column']: row['value']})}"


def judging(job: Job, rows_of: Callable[[Job], DataFrame]) -> Judging:
    """The rows that are made of a job's map, with their weights if they have some; counted where it has a contract.

    What came and what went are judged together: the contract's part of the plan is large.
    """
    door = job.map
    if not isinstance(door, FrontDoor):
        return Judging(rows_of(job))
    mapped, seen = rows_of(replace(job, map=door.map)), Observation()
    weights = [WEIGHT] if WEIGHT in mapped.columns else []
    rows = door.judged(mapped, *weights)
    came = column(WEIGHT) > 0 if weights else F.lit(True)
    kinds = {"judged": F.lit(True), "good": column(MET), "quarantined": ~column(MET), "warned": column(WARNED)}
    counts: list[Column] = [F.count_if(came & which).alias(name) for name, which in kinds.items()]
    return Judging(door.chosen(rows.observe(seen, *counts), *weights), door, seen)
