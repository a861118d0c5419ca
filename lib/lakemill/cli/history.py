"""lakemill history: the recorded runs of tables, newest first."""

import argparse
from pathlib import Path

from lakemill.cli.project import project_at
from lakemill.cli.show import show
from lakemill.graph import select
from lakemill.lake.unsure import Unsure
from lakemill.observe.recorded import recorded_runs
from lakemill.observe.runs import LEDGER, history

SHOWN = (
    "target", "started_at", "plan", "reason", "rows_in", "rows_out", "keys_touched", "version", "seconds", "status",
    "error",
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables."""
    parser.add_argument("tables", metavar="TABLE", nargs="+")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Show the runs of the tables asked for."""
    project = project_at(start)
    names = select(project.jobs, asked.tables)
    try:
        runs = recorded_runs(project.files().table(LEDGER).read, names)
    except Unsure:
        ledger = project.lake().lake.table(LEDGER)
        runs = [row.asDict() for row in history(ledger, names).collect()] if ledger.log().exists else []
    show(runs if asked.json else [{name: run[name] for name in SHOWN} for run in runs], asked.json)
    return 0
