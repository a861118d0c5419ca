"""lakemill status: every table: its rows, its version, and its last run.

Rows are counted by the statistics in the tables' logs, and no table is read. Spark is started for what the files of a
log do not tell, and where delta-rs is not installed, for the ledger.
"""

import argparse
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from lakemill.cli.project import Project, project_at
from lakemill.cli.several import of_tables
from lakemill.cli.show import Row, show
from lakemill.errors import about
from lakemill.graph import ordered
from lakemill.lake.unsure import Unsure
from lakemill.observe.recorded import last_runs
from lakemill.observe.runs import LEDGER, latest
from lakemill.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def does(asked: argparse.Namespace, start: Path) -> int:
    """Show how every table is."""
    project = project_at(start)
    lake = _Lake(project)
    with about(LEDGER):
        runs = lake.runs()
    rows, code = of_tables(ordered(project.jobs), lambda name: _state(lake, name, runs.get(name, {})))
    show(rows, asked.json)
    return code


class _Lake:
    """The project's tables as their files tell them, and as Spark does where they do not."""

    def __init__(self, project: Project) -> None:
        self.project, self.files = project, project.files()

    @cached_property
    def spark(self) -> World:
        return self.project.lake()

    def runs(self) -> dict[str, dict[str, Any]]:
        """The last run of each table."""
        try:
            return last_runs(self.files.table(LEDGER).read)
        except Unsure:
            return latest(self.spark.lake.table(LEDGER))

    def size(self, name: str) -> tuple[int | None, int | None]:
        """A table's rows and version; none of either where there is no table."""
        try:
            log = self.files.table(name).read
            return (log.rows(), log.version) if log.exists else (None, None)
        except Unsure:
            table = self.spark.lake.table(name)
            pin = table.pin() if table.log().exists else None
            return (pin.rows().count(), pin.version) if pin else (None, None)


def _state(lake: _Lake, name: str, run: Row) -> Row:
    rows, version = lake.size(name)
    return {
        "table": name,
        "rows": rows,
        "version": version,
        "last run": _ago(run.get("started_at")),
        "plan": run.get("plan"),
        "reason": run.get("reason"),
        "seconds": run.get("seconds"),
        "status": run.get("status") or "never run",
    }


def _ago(when: datetime | None) -> str | None:
    """How long ago it was, by the clock in UTC."""
    if when is None:
        return None
    minutes = int((datetime.now(UTC) - when.replace(tzinfo=UTC)).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 2880 else f"{minutes // 1440} d ago"
