"""Past: what earlier runs of tables took, from the ledger; by it the next plan is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from lakemill.lake.tables import Table
from lakemill.observe.runs import DONE

RUNS = 12
"""So many runs of a table, of one plan and by changes of the same sources, are looked at: the newest."""


@dataclass(frozen=True)
class Past:
    """An earlier run of a table.

    changed: the sources that had changed.   feed_bytes: what their feeds held.   source_bytes: what all sources held.
    """

    plan: str
    changed: frozenset[str]
    feed_bytes: int
    source_bytes: int
    seconds: float


def past(ledger: Table) -> dict[str, Sequence[Past]]:
    """The newest runs of each table, by its name; none from before the ledger told what they read."""
    log = ledger.log()
    if not log.exists or "source_bytes" not in log.schema.names:
        return {}
    told = F.struct("started_at", "feed_bytes", "source_bytes", "seconds")
    rows = ledger.full(log.version).where((F.col("status") == DONE) & F.col("source_bytes").isNotNull())
    newest = F.slice(F.sort_array(F.collect_list(told), asc=False), 1, RUNS).alias("runs")
    runs: dict[str, list[Past]] = {}
    for row in rows.groupBy("target", "plan", "changed").agg(newest).collect():
        changed = frozenset(row["changed"])
        runs.setdefault(row["target"], []).extend(
            Past(row["plan"], changed, run["feed_bytes"], run["source_bytes"], run["seconds"]) for run in row["runs"]
        )
    return dict(runs)
