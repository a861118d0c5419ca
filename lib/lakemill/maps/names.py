"""The names that a job may give its columns: each once, and none that lakemill has for its own."""

from collections.abc import Container, Iterator

from pyspark.sql.types import NullType, StructType

from lakemill.columns import has_no_order, holds
from lakemill.errors import UsageError
from lakemill.job import RESERVED, Job
from lakemill.python.pure import marked

OWN = {
    RESERVED, "_added", "_all", "_at_floor", "_at_risk", "_count", "_each", "_entries", "_found", "_gone", "_half",
    "_held", "_one", "_part", "_place", "_register", "_removed", "_rows", "_said", "_sign", "_sums", "_trial", "_true",
    "_value", "_was", "_weight",
}  # fmt: skip
OWN_PREFIXES = ("_best_", "_distinct_", "_entries_", "_sum_", "_value_")


def wrong_columns(schema: StructType, compared: Container[str]) -> Iterator[str]:
    """What is wrong with the columns that a function gives, as what it does.

    compared: those whose values are compared, for which not every type will do.
    """
    names = [name.lower() for name in schema.names]
    for field, name in zip(schema.fields, names, strict=True):
        if names.count(name) > 1:
            yield f'gives "{field.name}" twice; give one of them another name'
        if marked(field.name):
            yield f'gives "{field.name}"; give that column a name with .alias("...")'
        if is_own(name):
            yield f'gives "{field.name}", which is lakemill\'s own column; choose another name'
        if holds(field.dataType, NullType):
            yield f'gives "{field.name}" without a type, as lit(None) has none; cast it to one'
        if field.name in compared and has_no_order(field.dataType):
            kind = field.dataType.simpleString()
            yield f'gives "{field.name}" as {kind}, and such rows cannot be compared; use an array of structs'


def check_reduced(job: Job) -> None:
    """The names of the columns that a job with reducers gives; raises UsageError where one is wrong."""
    names = [name.lower() for name in (*(job.key or ()), *job.reducers)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f'{job.target}: its key and reduce give "{name}" twice; give one of them another name.')
        if is_own(name):
            raise UsageError(f'{job.target}: "{name}" is lakemill\'s own column; choose another name.')


def is_own(name: str) -> bool:
    """Whether lakemill calls a column of its own so while it works."""
    return name in OWN or name.startswith(OWN_PREFIXES)
