"""lakemill status: every table: its rows, its version, and its last run.

Rows are counted by the statistics in the tables' logs, and no table is read. Spark is started for what the files of a
log do not tell, and where delta-rs is not installed, for the ledger.
"""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from lakemill.cli.project import Project, project_at
from lakemill.cli.several import of_tables
from lakemill.cli.show import Row, show
from lakemill.errors import about
from lakemill.graph import ordered
from lakemill.lake.layout import is_shredded
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


@dataclass(frozen=True)
class _Size:
    """A table's version, rows and files; none of them where there is no table, or where nobody noted it."""

    version: int | None = None
    rows: int | None = None
    files: int | None = None


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

    def size(self, name: str) -> _Size:
        """How large a table is."""
        try:
            log = self.files.table(name).read
            return _Size(log.version, log.rows(), log.files()) if log.exists else _Size()
        except Unsure:
            table = self.spark.lake.table(name)
            log_by_spark = table.log()
            if not log_by_spark.exists:
                return _Size()
            pin = table.pin()
            return _Size(pin.version, pin.rows().count(), int(log_by_spark.snapshot.numOfFiles()))

    def wants_maintain(self, name: str, size: _Size) -> bool:
        """Whether the table has many more files than it needs."""
        keyed = bool(self.project.jobs[name].key)
        return size.files is not None and is_shredded(size.files, size.rows or 0, keyed)


def _state(lake: _Lake, name: str, run: Row) -> Row:
    size = lake.size(name)
    return {
        "table": name,
        "rows": size.rows,
        "version": size.version,
        "files": size.files,
        "wants": "maintain" if lake.wants_maintain(name, size) else None,
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
