"""Delta tables written and read by delta-rs: without Spark, in milliseconds, by code that lakemill does not use."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

FEED = {"delta.enableChangeDataFeed": "true"}
KNOWN_TO_READ = {"timestampNtz"}
KNOWN_TO_WRITE = KNOWN_TO_READ | {"appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns"}
"""The features of tables that delta-rs reads and writes as Spark does."""


def exists(uri: str) -> bool:
    return DeltaTable.is_deltatable(uri)


def can_read(uri: str) -> bool:
    """Whether delta-rs knows all that a reader of the table has to know."""
    return set(DeltaTable(uri).protocol().reader_features or ()) <= KNOWN_TO_READ


def can_write(uri: str) -> bool:
    """Whether it knows all that a writer has to know; it makes a table that is not there yet."""
    if not exists(uri):
        return not Path(uri).exists()
    table = DeltaTable(uri)
    protocol = table.protocol()
    mapped = table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none"
    return not mapped and set(protocol.writer_features or ()) | set(protocol.reader_features or ()) <= KNOWN_TO_WRITE


def write(uri: str, rows: Sequence[tuple], schema: str, mode: Literal["append", "overwrite"] = "append") -> None:
    """Write rows in one commit, and one file; columns that the table has besides are NULL."""
    merge: Any = {"schema_mode": "merge"} if mode == "append" and exists(uri) else {}
    write_deltalake(uri, arrow(rows, schema), mode=mode, configuration=FEED, **merge)


def read(uri: str, columns: Sequence[str] = ()) -> list[tuple]:
    """The rows of the newest version, as PySpark would show them; all columns but the state where none are named."""
    table = DeltaTable(uri)
    names = [name.strip("`") for name in columns] or [f.name for f in table.schema().fields if f.name != "_state"]
    # It takes a dot in a name for a way into a struct; then all columns are read.
    chosen = None if any("." in name for name in names) else names
    return [tuple(_shown(row[name]) for name in names) for row in table.to_pyarrow_table(columns=chosen).to_pylist()]


@cache
def columns_of(schema: str) -> pa.Schema:
    """The columns that a DDL text declares."""
    return to_arrow_schema(StructType.fromDDL(schema))


def arrow(rows: Sequence[tuple], schema: str) -> pa.Table:
    """Rows as PySpark takes them, as an Arrow table."""
    fields = columns_of(schema)
    columns = [[_held(row[at], field.type) for row in rows] for at, field in enumerate(fields)]
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)], fields)


def _held(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind) and isinstance(value, tuple):
        return {field.name: _held(value[at], field.type) for at, field in enumerate(kind)}
    if pa.types.is_list(kind) and value is not None:
        return [_held(item, kind.value_type) for item in value]
    return value


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(_shown(item) for item in value.values())
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def feed(uri: str, after: int) -> list[tuple]:
    """What the change feed has since a version: (_change_type, *the columns without the state)."""
    table = DeltaTable(uri)
    names = [field.name for field in table.schema().fields if field.name != "_state"]
    if table.version() == after:
        return []
    rows = pa.table(table.load_cdf(starting_version=after + 1)).to_pylist()
    return [(row["_change_type"], *(_shown(row[name]) for name in names)) for row in rows]


def compact(uri: str) -> None:
    """Rows in fewer files."""
    DeltaTable(uri).optimize.compact()


def vacuum(uri: str) -> None:
    """Remove what the newest version does not have."""
    DeltaTable(uri).vacuum(0, dry_run=False, enforce_retention_duration=False)
