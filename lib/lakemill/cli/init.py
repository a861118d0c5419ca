"""lakemill init: a project of your own, on a Delta table that you have."""

import argparse
from pathlib import Path

from lakemill.cli.show import say
from lakemill.init import init


def arguments(parser: argparse.ArgumentParser) -> None:
    """The new project's folder, and the table that it begins with."""
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", default="raw.events", metavar="LAYER.NAME", help="what to call your table")
    parser.add_argument("--at", required=True, metavar="PATH", help="where your Delta table is")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Write the project."""
    for path in init(start / asked.folder, asked.table, asked.at):
        say(f"wrote {path}")
    say(f"Next: cd {asked.folder} && lakemill run && lakemill verify && python -m pytest")
    return 0
