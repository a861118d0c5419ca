"""lakemill verify: recompute tables at the versions that they were made from, and compare."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lakemill.cli.busy import busy
from lakemill.cli.project import project_at
from lakemill.cli.several import of_tables
from lakemill.cli.show import Row, complain, show
from lakemill.errors import VersionsGone
from lakemill.graph import select
from lakemill.job import Job
from lakemill.refresh.plan import UPDATE
from lakemill.runner import run_tables
from lakemill.verify import Verification, verify
from lakemill.world import World

SHOWN = 20
"""Differences of a table that are shown."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables, how many of their keys, and whether to update first."""
    parser.add_argument("tables", metavar="TABLE", nargs="*")
    parser.add_argument("--sample", type=float, default=1, metavar="F", help="of this fraction of the keys, as 0.01")
    parser.add_argument(
        "--update", action="store_true", help="where these versions are gone: update first, and verify at the new ones"
    )


def does(asked: argparse.Namespace, start: Path) -> int:
    """Verify each table that was asked for."""
    with busy(asked.json) as tell:
        project = project_at(start)
        names = select(project.jobs, asked.tables)
        world = project.lake()

        def verified(name: str) -> Verification:
            tell(f"verifying {name}")
            return _verified(world, project.jobs, name, asked)

        verifications, code = of_tables(names, verified)
    return show_verified(verifications, asked.json) or code


def _verified(world: World, jobs: dict[str, Job], name: str, asked: argparse.Namespace) -> Verification:
    try:
        return verify(world, jobs[name], asked.sample)
    except VersionsGone:
        if not asked.update:
            raise
    # A rebuild would replace what is to be verified.
    outcome = run_tables(world, jobs, [name], UPDATE)
    if outcome.error:
        raise outcome.error
    return verify(world, jobs[name], asked.sample)


def show_verified(verifications: Sequence[Verification], as_json: bool = False) -> int:
    """Which tables are what they should be, and the first rows that are not; the command's exit code."""
    show([_line(verification) for verification in verifications], as_json)
    unequal = [verification for verification in verifications if not verification.equal]
    for verification in unequal:
        target = verification.target
        for row in verification.differences[:SHOWN]:
            stored, expected = row.stored or "nothing", row.expected or "nothing"
            complain(f"{target}: {row.kind} at {row.row}: stored {stored}, expected {expected}")
        complain(f"{target} differs. `lakemill run {target} --policy rebuild` mends it.")
    return 1 if unequal else 0


def _line(verification: Verification) -> Row:
    versions = ", ".join(f"{name} {version}" for name, version in verification.versions.items())
    return {
        "table": verification.target,
        "verified": "equal" if verification.equal else "differs",
        "version": verification.version,
        "made from": versions or "the landing",
        "rows compared": verification.compared,
        "rows that differ": verification.unequal_rows,
    }
