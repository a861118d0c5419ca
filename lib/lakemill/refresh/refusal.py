"""The commonest failure in words: which column of which table could not be computed, of which value, and what to do."""

import json
import re
from collections.abc import Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from lakemill.columns import column
from lakemill.contracts.rules import FAIL
from lakemill.errors import DataRefused, LakemillError, first_line, value_text
from lakemill.job import RESERVED
from lakemill.maps.refusing import Refusing, refusing
from lakemill.quality.front import FrontDoor
from lakemill.quality.selections import STOPPED_BY_CONTRACT
from lakemill.quality.shown import shown_value
from lakemill.refresh.task import Task

LONGEST = 100
"""Letters of a value, or of an expression, that are shown."""
ANSI = re.compile(r"\s*If necessary set\b.*")
"""Spark's advice to turn errors into NULL for all there is, which lakemill does not do."""


def refusal_of(task: Task, error: Exception) -> LakemillError:
    """What to tell of a run that failed since a value of its sources, as they are, was refused."""
    stopped = _stopped(task, error)
    if stopped:
        return stopped
    frames = task.frames()
    mapped = task.job.mapped(*frames)
    try:
        where = _where(task, mapped)
    except (PySparkException, Py4JError):  # a plan that cannot be looked into
        where = "a value cannot be computed"
    reason = ANSI.sub("", first_line(error)).rstrip(". ")
    advice = next((advice for sign, advice in BY_REASON.items() if sign in reason), MEND)
    versions = ", ".join(f"{name} (version {version})" for name, version in task.next_progress().versions.items())
    return LakemillError(f"{task.job.target}: {where}, from {versions}: {reason}. Nothing was written. {advice}")


def _stopped(task: Task, error: Exception) -> LakemillError | None:
    """What to tell where a row fails a rule of its contract that stops the run; None where it is no such error."""
    door, (_, sign, rest) = task.job.map, str(error).partition(f"{STOPPED_BY_CONTRACT} ")
    if not (sign and isinstance(door, FrontDoor)):
        return None
    failures, _ = json.JSONDecoder().raw_decode(rest[rest.index("[") :])
    told = []
    for failure in failures:
        rule, name = failure["rule"], failure["column"]
        if door.severity(rule, name) == FAIL:
            told.append(f"{rule} of {shown_value(door.contract, name, failure.get('value'))}" if name else rule)
    versions = ", ".join(f"{name} (version {version})" for name, version in task.next_progress().versions.items())
    return DataRefused(
        f"{task.job.target}: its contract stops the run: a row from {versions} fails {', '.join(told)}. Nothing was "
        "written. Mend the row in its source, or give the rule another severity, and run again."
    )


MEND = (
    "Mend the row in its source, or let the map allow for it: try_cast and its like give NULL where a value does not "
    "fit, and where(...) leaves rows out."
)
MORE_ROOM = "Give it a type with more room (a cast in the map), or mend the rows."
BY_REASON = {
    "OUT_OF_RANGE": MORE_ROOM,
    "OVERFLOW": MORE_ROOM,
    ", line ": "Mend the row in its source, or let the function allow for it.",
}
"""What to do, by what the reason says; the last is the place of a Python function's line."""


def _where(task: Task, mapped: DataFrame) -> str:
    """Where in the job: an expression of its map, else a column of what the job makes of the mapped rows."""
    refusal = refusing(mapped)
    if refusal:
        return _in_map(refusal)
    rows = task.kind.rows(mapped)
    name = _first_failing(rows, [name for name in rows.columns if name != RESERVED])
    return f'column "{name}" cannot be computed' if name else "a value cannot be computed"


def _in_map(refusal: Refusing) -> str:
    what = f'column "{refusal.column}"' if refusal.column else "a row"
    values = ", ".join(f"{name}={_quoted(value)}" for name, value in refusal.row.items())
    given = f" of {values}" if values else ""
    return f"{what} cannot be computed: {_cut(refusal.expression)}{given}"


def _first_failing(rows: DataFrame, names: Sequence[str]) -> str | None:
    """A column that fails when the rows are computed, found by halves; None where none does on its own."""
    if not _fails(rows, names):
        return None
    while len(names) > 1:
        half = names[: len(names) // 2]
        names = half if _fails(rows, half) else names[len(names) // 2 :]
    return names[0]


def _fails(rows: DataFrame, names: Sequence[str]) -> bool:
    try:
        rows.select(*[column(name) for name in names]).write.format("noop").mode("overwrite").save()
    except (PySparkException, Py4JError):
        return True
    return False


def _quoted(value: object) -> str:
    return f"'{_cut(value_text(value))}'" if isinstance(value, str) else value_text(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
