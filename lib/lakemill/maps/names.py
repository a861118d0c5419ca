"""The names that a job may give to its columns: each name once, and no name that lakemill uses itself.

While lakemill computes, it adds columns of its own to the user's rows, such as `_weight`. The user's tables may have
columns of most of these names, and a map may read them; not of those that stand beside a source's own columns. A map
may not give a column of such a name where lakemill adds its own of that name: one of the two would be taken for the
other.
"""

import re
from collections.abc import Container, Iterator

from pyspark.sql.types import CalendarIntervalType, NullType, StructType

from lakemill.columns import has_no_order, holds
from lakemill.errors import UsageError
from lakemill.job import RESERVED, Job
from lakemill.python.pure import marked
from lakemill.reducers import Latest

OWN = {
    RESERVED, "_added", "_all", "_at_floor", "_at_risk", "_count", "_each", "_entries", "_expected", "_floor_there",
    "_found", "_gone", "_half", "_one", "_part", "_place", "_register", "_removed", "_rows", "_sign", "_stored",
    "_sums", "_trial", "_value", "_was", "_weight",
}  # fmt: skip
OWN_PREFIXES = ("_best_", "_distinct_", "_entries_", "_sum_", "_value_")
BESIDE_ROWS = {"_added", "_gone", "_removed", "_sign", "_weight"}
"""Those that stand beside the rows of a table without a key: as nothing is reduced there, no others do."""
BESIDE_SOURCES = re.compile(r"_weight|_value_(of_)?\d+")
"""Those that stand beside a source's own columns, before its map sees them."""


def check_source(job: Job, source: str, schema: StructType) -> None:
    """Raises UsageError where a source has a column that lakemill adds to it for its own."""
    for name in schema.names:
        if BESIDE_SOURCES.fullmatch(name.lower()):
            raise UsageError(f'{job.target}: {source} has a column "{name}", which is lakemill\'s own; rename it.')


def column_faults(job: Job, schema: StructType, compared: Container[str]) -> Iterator[str]:
    """What is wrong with the columns that a function of the job gives, as its verb first.

    compared: those whose values are compared, for which not every type will do.
    """
    names = [name.lower() for name in schema.names]
    for field, name in zip(schema.fields, names, strict=True):
        if names.count(name) > 1:
            yield f'gives "{field.name}" twice; give one of them another name'
        if marked(field.name):
            yield f'gives "{field.name}"; give that column a name with .alias("...")'
        if _meets_own(job, name):
            yield f'gives "{field.name}", which is lakemill\'s own column; choose another name'
        if holds(field.dataType, NullType):
            yield f'gives "{field.name}" without a type, as lit(None) has none; cast it to one'
        if field.name in compared and has_no_order(field.dataType):
            kind, interval = field.dataType.simpleString(), holds(field.dataType, CalendarIntervalType)
            instead = "give a number, as of seconds or months" if interval else "use an array of structs"
            yield f'gives "{field.name}" as {kind}, and such rows cannot be compared; {instead}'


def check_reduced(job: Job) -> None:
    """The names of the columns that a job with reducers gives; raises UsageError where one is wrong."""
    names = [name.lower() for name in (*(job.key or ()), *job.reducers)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f'{job.target}: its key and reduce give "{name}" twice; give one of them another name.')
        if is_own(name):
            raise UsageError(f'{job.target}: "{name}" is lakemill\'s own column; choose another name.')


def _meets_own(job: Job, name: str) -> bool:
    """Whether a column of this name would stand beside one of lakemill's own."""
    if job.key is None:
        return name in BESIDE_ROWS
    if name == RESERVED:  # it is kept in the target, where Latest puts whatever the map gives
        return isinstance(job.reduce, Latest)
    return is_own(name)


def is_own(name: str) -> bool:
    """Whether lakemill calls a column of its own so while it works."""
    return name in OWN or name.startswith(OWN_PREFIXES)
