"""lakemill history: the recorded runs of tables, newest first."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lakemill.cli.project import project_at
from lakemill.cli.show import Row, show
from lakemill.graph import select
from lakemill.lake.unsure import Unsure
from lakemill.observe.recorded import recorded_runs
from lakemill.observe.runs import DONE, LEDGER, history

SHOWN = (
    "target", "started_at", "plan", "reason", "rows_in", "rows_quarantined", "rows_out", "keys_touched", "version",
    "seconds", "status", "error",
)  # fmt: skip

OTHER = {"update": "rebuild_seconds", "rebuild": "update_seconds"}
"""Where the ledger has what the other plan was expected to take."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables."""
    parser.add_argument("tables", metavar="TABLE", nargs="+")
    parser.add_argument("--saved", action="store_true", help="what runs took, and the other plan would have")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Show the runs of the tables asked for."""
    project = project_at(start)
    names = select(project.jobs, asked.tables)
    try:
        runs = recorded_runs(project.files().table(LEDGER).read, names)
    except Unsure:
        ledger = project.lake().lake.table(LEDGER)
        runs = [row.asDict() for row in history(ledger, names).collect()] if ledger.log().exists else []
    if asked.saved:
        show(saved(runs), asked.json)
        return 0
    show(runs if asked.json else [{name: run.get(name) for name in SHOWN} for run in runs], asked.json)
    return 0


def saved(runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """A line a table and plan: the runs of which it is known what the other plan was expected to take, and both sums.

    Of tables that are too small for it to matter, and of a table's first runs, nobody expected anything.
    """
    sums: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        other = run.get(OTHER.get(run["plan"], ""))
        if run["status"] == DONE and other is not None:
            count, took, otherwise = sums.get((run["target"], run["plan"]), (0, 0.0, 0.0))
            sums[run["target"], run["plan"]] = [count + 1, took + run["seconds"], otherwise + other]
    return [
        {
            "table": target,
            "plan": plan,
            "runs": int(count),
            "seconds": round(took, 1),
            "other plan, expected": round(otherwise, 1),
            "saved": round(otherwise - took, 1),
        }
        for (target, plan), (count, took, otherwise) in sorted(sums.items())
    ]
