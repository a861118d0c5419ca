"""Showing results: a table for a person at a terminal, plain lines for a pipe, JSON for a machine."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

Row = Mapping[str, Any]


def say(text: str) -> None:
    """Print a line."""
    _print(text, sys.stdout)


def complain(text: str) -> None:
    """Print a line about what is not as it should be."""
    _print(f"lakemill: {text}", sys.stderr)


def drain() -> None:
    """Let out what is still to be printed, as argparse's help is."""
    for stream in (sys.stdout, sys.stderr):
        _print("", stream, end="")


def _print(text: str, stream: TextIO, end: str = "\n") -> None:
    """Print; where nobody reads on, as after `| head -1`, this and what follows goes nowhere."""
    try:
        print(text, file=stream, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def show(rows: Sequence[Row], as_json: bool = False) -> None:
    """Rows of the same columns."""
    if as_json:
        say(json.dumps(list(rows), default=str, indent=2))
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
        say("  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip())


def text(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
