"""Showing results: a table for a person at a terminal, plain lines for a pipe, JSON for a machine."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lakemill.observe.runs import FAILED, SKIPPED, Run
from lakemill.refresh.explain import Explanation
from lakemill.runner import Outcome, Upkeep
from lakemill.verify import Verification

Row = Mapping[str, Any]


def show_runs(outcome: Outcome, as_json: bool = False) -> int:
    """What a run did, a line a table, and what went wrong; the command's exit code."""
    show([_line(run) for run in outcome.runs], as_json)
    for run in outcome.runs:
        if run.status in (FAILED, SKIPPED):
            print(f"lakemill: {run.error or run.status}", file=sys.stderr)
        if run.remark:
            print(f"lakemill: {run.target}: {run.remark}", file=sys.stderr)
    if outcome.unrecorded:
        print(f"lakemill: {outcome.unrecorded}", file=sys.stderr)
    return outcome.exit_code


def _line(run: Run) -> Row:
    """A run as one line."""
    return {
        "table": run.target,
        "plan": run.plan if run.status not in (FAILED, SKIPPED) else run.status,
        "reason": run.reason,
        "rows in": run.rows_in,
        "rows out": run.rows_out,
        "keys touched": run.keys_touched,
        "recomputed": run.keys_recomputed,
        "version": run.version,
        "seconds": run.seconds,
    }


def show_upkeep(upkeep: Upkeep, as_json: bool = False) -> int:
    """What maintaining did, a line a table, who holds back what, and what went wrong; the command's exit code."""
    rows = [{key.replace("_", " "): value for key, value in vars(one).items()} for one in upkeep.done]
    show(rows if as_json else [{key: row[key] for key in row if key != "remarks"} for row in rows], as_json)
    if not as_json:
        for one in upkeep.done:
            for remark in one.remarks:
                print(f"{one.table}: {remark}")
    for error in upkeep.errors:
        print(f"lakemill: {error}", file=sys.stderr)
    return upkeep.exit_code


def show_explanation(found: Explanation, as_json: bool = False) -> None:
    """What a run would do to a table, and why."""
    if as_json:
        show([vars(found)], as_json)
        return
    print(f"{found.target}: {found.plan}, {found.reason}" + (f" ({found.detail})" if found.detail else ""))
    for title, said in (("source", found.sources), ("reduce", found.reducers)):
        for key, value in said.items():
            print(f"  {title}   {key}: {value}")
    print(f"  a removal: {found.removal}")
    for word, operator in found.steps:
        print(f"  {word:8} {operator}")


def show_verified(found: Sequence[Verification], as_json: bool = False) -> int:
    """Which tables are what they should be, and the first rows that are not; the command's exit code."""
    show([_verified(one) for one in found], as_json)
    wrong = [one for one in found if not one.equal]
    for one in wrong:
        for row in one.differences[:20]:
            stored, expected = row.stored or "nothing", row.expected or "nothing"
            said = f"{row.kind} at {row.row}: stored {stored}, expected {expected}"
            print(f"lakemill: {one.target}: {said}", file=sys.stderr)
        mend = f"`lakemill run {one.target} --policy rebuild` mends it."
        print(f"lakemill: {one.target} differs. {mend}", file=sys.stderr)
    return 1 if wrong else 0


def _verified(one: Verification) -> Row:
    made_from = ", ".join(f"{name} {version}" for name, version in one.versions.items()) or "the landing"
    return {
        "table": one.target,
        "verified": "equal" if one.equal else "differs",
        "version": one.version,
        "made from": made_from,
        "rows compared": one.compared,
        "rows that differ": one.unequal_rows,
    }


def show(rows: Sequence[Row], as_json: bool = False) -> None:
    """Rows of the same columns."""
    if as_json:
        print(json.dumps(list(rows), default=str, indent=2))
    elif sys.stdout.isatty():
        _rich(rows)
    else:
        _plain(rows)


def _rich(rows: Sequence[Row]) -> None:
    # Here, because a cluster has neither a terminal nor rich.
    from rich.console import Console
    from rich.table import Table

    names = list(rows[0]) if rows else []
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        number = all(isinstance(row[name], int | float | None) for row in rows)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*[text(row[name]) for name in names])
    Console().print(table)


def _plain(rows: Sequence[Row]) -> None:
    if not rows:
        return
    lines = [list(rows[0]), *[[text(value) for value in row.values()] for row in rows]]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        print("  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip())


def text(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


@contextmanager
def busy(quiet: bool) -> Iterator["Busy"]:
    """What is being done, at a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield Busy(None)
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting Spark") as status:
        yield Busy(status)


class Busy:
    """The line that says what is being done."""

    def __init__(self, status: Any) -> None:
        self._status = status

    def __call__(self, what: str) -> None:
        """Say it."""
        if self._status:
            self._status.update(what)
