"""lakemill status: every table: its rows, its version, and its last run."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from lakemill.cli.project import project_at
from lakemill.cli.several import of_tables
from lakemill.cli.show import Row, show
from lakemill.errors import about
from lakemill.graph import ordered
from lakemill.observe.runs import LEDGER, latest
from lakemill.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def does(asked: argparse.Namespace, start: Path) -> int:
    """Show how every table is."""
    project = project_at(start)
    world = project.lake()
    with about(LEDGER):
        runs = latest(world.lake.table(LEDGER))
    rows, code = of_tables(ordered(project.jobs), lambda name: _state(world, name, runs.get(name, {})))
    show(rows, asked.json)
    return code


def _state(world: World, name: str, run: Row) -> Row:
    log = world.lake.table(name).log()
    return {
        "table": name,
        "rows": world.lake.table(name).pin().rows().count() if log.exists else None,
        "version": log.version if log.exists else None,
        "last run": _ago(run.get("started_at")),
        "plan": run.get("plan"),
        "reason": run.get("reason"),
        "seconds": run.get("seconds"),
        "status": run.get("status") or "never run",
    }


def _ago(when: datetime | None) -> str | None:
    if when is None:
        return None
    minutes = int((datetime.now(UTC) - when.astimezone(UTC)).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 2880 else f"{minutes // 1440} d ago"
