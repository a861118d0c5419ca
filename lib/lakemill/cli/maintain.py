"""lakemill maintain: files of a good size, and no more of the past than anybody needs."""

import argparse
from pathlib import Path

from lakemill.cli.busy import busy
from lakemill.cli.project import project_at
from lakemill.cli.show import complain, say, show
from lakemill.runner import Upkeep, maintain_tables


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables."""
    parser.add_argument("tables", metavar="TABLE", nargs="*")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Maintain each table that was asked for."""
    with busy(asked.json) as tell:
        project = project_at(start)
        upkeep = maintain_tables(project.lake(), project.jobs, asked.tables, begins=tell)
    return show_upkeep(upkeep, asked.json)


def show_upkeep(upkeep: Upkeep, as_json: bool = False) -> int:
    """What was done, a line a table, who holds back what, and what failed; the command's exit code."""
    rows = [{key.replace("_", " "): value for key, value in vars(done).items()} for done in upkeep.done]
    show(rows if as_json else [{key: row[key] for key in row if key != "remarks"} for row in rows], as_json)
    if not as_json:
        for done in upkeep.done:
            for remark in done.remarks:
                say(f"{done.table}: {remark}")
    for error in upkeep.errors:
        complain(str(error))
    return upkeep.exit_code
