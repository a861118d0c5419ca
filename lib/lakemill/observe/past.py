"""Past: what earlier runs of tables took, from the ledger; by it the next plan is chosen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from lakemill.lake.tables import Table
from lakemill.observe.runs import DONE

RUNS = 12
"""So many runs of a table, of one plan and by changes of the same sources, are looked at: the newest."""
RUNS_READ = 5_000
"""So many of the ledger's newest runs are looked at, of all tables."""
READ = ("target", "started_at", "plan", "reason", "changed", "feed_bytes", "source_bytes", "seconds")


@dataclass(frozen=True)
class Past:
    """An earlier run of a table.

    changed: the sources that had changed.   feed_bytes: what their feeds held.   source_bytes: what all sources held.
    first: whether it made the table, as a process does that has compiled nothing yet.
    """

    plan: str
    changed: frozenset[str]
    feed_bytes: int
    source_bytes: int
    seconds: float
    first: bool = False


def past(ledger: Table) -> dict[str, Sequence[Past]]:
    """The newest runs of each table, by its name; none from before the ledger told what they read."""
    log = ledger.log()
    if not log.exists or "source_bytes" not in log.schema.names:
        return {}
    rows = ledger.full(log.version).where((F.col("status") == DONE) & F.col("source_bytes").isNotNull())
    newest = rows.select(*READ).orderBy(F.col("started_at").desc()).limit(RUNS_READ)
    runs: dict[str, list[Past]] = {}
    seen = Counter[tuple[str, str, frozenset[str]]]()
    for row in newest.collect():
        told = Past(
            row["plan"], frozenset(row["changed"]), row["feed_bytes"], row["source_bytes"], row["seconds"],
            row["reason"] == "FIRST_RUN",
        )  # fmt: skip
        like = (row["target"], told.plan, told.changed)
        seen[like] += 1
        if seen[like] <= RUNS:
            runs.setdefault(row["target"], []).append(told)
    return dict(runs)
