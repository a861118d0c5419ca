"""Errors that people can act on: what is wrong, where, which values were given, and what to do next."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches


class LakemillError(Exception):
    """Something a person has to look at; its text is one paragraph. `exit_code` is the command's."""

    exit_code = 1


class UsageError(LakemillError):
    """The command, the configuration or a declaration is wrong; nothing was done."""

    exit_code = 2


class DataRefused(LakemillError):
    """Delivered data is not what it says it is; nothing of it was taken."""

    exit_code = 3


class Busy(LakemillError):
    """Another process holds the table."""


class CorruptFeed(LakemillError):
    """A change feed took away rows that were never there; the target was left as it was."""


class Stopped(LakemillError):
    """A signal ended the command; its exit code is the one that shells know it by."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.exit_code = 128 + number


class VersionsGone(LakemillError):
    """What a table was made from cannot be read any more."""


class CommitLost(LakemillError):
    """Another run committed first; nothing of this run was written."""


def first_line(error: Exception) -> str:
    """What Spark's error says, without the rest of its text; of one in a Python function, the end of its trace."""
    said = str(error).strip()
    if "\nTraceback (most recent call last):" in said:
        return re.split(r"(?m)^[ \t].*\n", said)[-1].replace("\n", " ")
    return said.split(" SQLSTATE")[0].split("\n")[0].rstrip(";. ")


def row_text(values: Mapping[str, object]) -> str:
    """The row of a key in words, as `day=2017-05-01, store=NULL`; that of no column is the whole table."""
    return ", ".join(f"{name}={value_text(value)}" for name, value in values.items()) or "the whole table"


def value_text(value: object) -> str:
    """A column's value as its users write it."""
    return "NULL" if value is None else str(value)


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The closest known name as a question, or the known names, to end an error's text with."""
    names = sorted(known)
    close = get_close_matches(given, names, n=1)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known: {', '.join(names)}." if names else "There are none."
