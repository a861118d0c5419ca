"""The command line: one module a command, named for it. This one chooses it, and makes its end an exit code.

Commands are imported when they are asked for: `lakemill graph` needs no Spark, and signals are heard from the start.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from lakemill.cli.show import complain, drain
from lakemill.errors import LakemillError, Stopped, in_words
from lakemill.signals import heard, listening, name_of

COMMANDS = {
    "run": "bring tables up to date, in order (none named: all; +name: with all it reads)",
    "explain": "what a run would do to tables, and why",
    "verify": "recompute tables at their recorded versions and compare",
    "maintain": "compact tables and remove what neither their settings nor their readers need",
    "status": "every table: rows, version, last run",
    "contract": "check, draft, compare, import and export what tables promise (conf/contracts)",
    "quarantine": "rows that do not meet their table's contract, by rule, and how to go on",
    "graph": "which table reads which, in order",
    "history": "the recorded runs of tables, newest first",
    "package": "write the zip that a cluster runs",
    "init": "start a project on an existing Delta table of yours",
}


def command() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str], start: Path | None = None) -> int:
    """Run one command in the project at or above `start` (the current folder); its exit code."""

    def chosen() -> int:
        asked = _parser(arguments).parse_args(arguments)
        return int(asked.does(asked, start or Path.cwd()))

    return ended(chosen)


def ended(command: Callable[[], int]) -> int:
    """Run a command to its end, or until a signal ends it; its exit code. Why it ended early is told on stderr."""
    try:
        with listening():
            return _told(command)
    finally:
        drain()


def _told(command: Callable[[], int]) -> int:
    try:
        return command()
    except KeyboardInterrupt as interrupt:  # a signal that was heard before Spark ran
        error: LakemillError = stopped(getattr(interrupt, "number", signal.SIGINT))
        # CPython ends by the signal, not by an exit code, where an interrupt passed through code that `exec` runs, as
        # imports of dataclasses do. It looks at what the last `exec` left.
        exec("")
    except LakemillError as told:
        error = told
    except Exception as failure:
        number = heard()
        error = stopped(number) if number else LakemillError(in_words(failure))
    complain(str(error))
    return error.exit_code


def stopped(number: int) -> Stopped:
    """What is said of a command that a signal ended."""
    return Stopped(f"stopped by {name_of(number)}; what was under way is whole, or not there.", number)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lakemill", description="Keeps a lakehouse of Delta tables right, fresh and cheap."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text in COMMANDS.items():
        command_parser = commands.add_parser(name, help=text, description=text)
        if name in arguments:
            module = import_module(f"lakemill.cli.{name}")
            command_parser.add_argument("--json", action="store_true", help="print JSON")
            module.arguments(command_parser)
            command_parser.set_defaults(does=module.does)
    return parser
