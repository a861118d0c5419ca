"""A command that is about several tables does what it can: what fails for a table is told, and the others go on."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from lakemill.cli.show import complain
from lakemill.errors import LakemillError, about
from lakemill.signals import heard

Answer = TypeVar("Answer")


def of_tables(names: Iterable[str], asked: Callable[[str], Answer]) -> tuple[list[Answer], int]:
    """What is answered about each table, and 0, or the exit code of the first that failed, which stderr tells."""
    answers, code = list[Answer](), 0
    for name in names:
        try:
            with about(name):
                answers.append(asked(name))
        except LakemillError as error:
            complain(str(error))
            code = code or error.exit_code
        if heard():
            break
    return answers, code
