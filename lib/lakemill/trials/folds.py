"""A fold on trial: what its functions claim, on groups of rows, before its table is first made."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from traceback import format_exception

from pyspark.sql import Row

from lakemill.errors import UsageError, shortened
from lakemill.job import Job
from lakemill.reducers import Fold


def try_fold(job: Job, name: str, fold: Fold, groups: Sequence[Sequence[Row]], keys: Sequence[Sequence[Row]]) -> None:
    """Raises UsageError where the order or grouping of rows matters to a fold, or `remove` does not undo `add`.

    Also where what it presents is not of the type that it `returns`.   groups: any rows, as its functions get them.
    keys: rows of one key each, since only such are presented.
    """
    for rows in keys:
        with _told(job, name, rows):
            fold.steps.shown(fold.steps.json_of(rows), fold.kind)
    for rows in groups:
        with _told(job, name, rows):
            for case, state, expected in _cases(fold, rows):
                if state != expected:
                    why = f"{case} gives the state {state}, where {expected} was expected"
                    raise _broken(job, name, why, rows)


@contextmanager
def _told(job: Job, name: str, rows: Sequence[Row]) -> Iterator[None]:
    """What a function of the fold raises, with its line and the rows that it was given."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        raise _broken(job, name, shortened("".join(format_exception(error))), rows) from error


def _cases(fold: Fold, rows: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    """What is tried, what it gives, and what it should give; states as texts, as they are kept."""
    steps, first, second = fold.steps, rows[::2], rows[1::2]

    of = steps.json_of

    def merged(some: Sequence[Row], more: Sequence[Row]) -> str:
        return json.dumps(steps.merge(json.loads(of(some)), json.loads(of(more))), sort_keys=True)

    whole = of([*first, *second])
    yield "add in another order", of([*first, *second][::-1]), whole
    yield "merge of two halves", merged(first, second), whole
    yield "merge the other way around", merged(second, first), whole
    yield "merge with zero", merged([], rows), whole
    if steps.remove is not None:
        left = json.dumps(steps.without(json.loads(whole), second), sort_keys=True)
        yield "remove of what was added", left, of(first)


def _broken(job: Job, name: str, why: str, rows: Sequence[Row]) -> UsageError:
    return UsageError(
        f'{job.target}: reducer "{name}" breaks a law that it claims: {why}; for the rows {rows_text(rows)}. '
        "Nothing was written."
    )


def rows_text(rows: Sequence[Row]) -> str:
    """Rows as the tuples of their values."""
    return ", ".join(str(tuple(row)) for row in rows)
