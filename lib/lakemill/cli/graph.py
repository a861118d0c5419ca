"""lakemill graph: which table reads which, in order."""

import argparse
from pathlib import Path

from lakemill.cli.project import project_at
from lakemill.cli.show import show
from lakemill.graph import ordered


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def does(asked: argparse.Namespace, start: Path) -> int:
    """Show the tables, each after those it reads."""
    jobs, rows = project_at(start).jobs, []
    for name in ordered(jobs):
        source = jobs[name].outside
        reads = f"dumps of {source.feed}" if source else ", ".join(jobs[name].sources)
        rows.append({"table": name, "reads": reads})
    show(rows, asked.json)
    return 0
