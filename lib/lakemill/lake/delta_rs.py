"""Delta tables as delta-rs reads them, where it is installed: what stands in Parquet, without Spark.

Whatever it does not read raises Unsure; who asked then asks Spark.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lakemill.lake.unsure import Unsure


def declared(folder: str, version: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a version declares, as the actions metaData and protocol have it."""
    with _read(folder, version) as table:
        metadata, protocol, columns = table.metadata(), table.protocol(), table.schema().to_json()
    listed = {"id": str(metadata.id), "schemaString": columns, "configuration": dict(metadata.configuration)}
    asks = {"minReaderVersion": protocol.min_reader_version, "minWriterVersion": protocol.min_writer_version}
    features = {"readerFeatures": protocol.reader_features, "writerFeatures": protocol.writer_features}
    return listed | {"partitionColumns": list(metadata.partition_columns)}, asks | features


def rows_counted(folder: str, version: int) -> int:
    """How many rows a version has by the statistics of its files."""
    with _read(folder, version) as table:
        if "deletionVectors" in (table.protocol().reader_features or ()):
            raise Unsure(f"{folder}: some of its files' rows may be deleted")
        rows = table.get_add_actions(flatten=True).column("num_records").to_pylist()
    if None in rows:
        raise Unsure(f"{folder}: some of its files have no statistics")
    return sum(rows)


def queried(folder: str, version: int, query: str) -> list[dict[str, Any]]:
    """The rows that a query gives of a version, which it calls t."""
    with _read(folder, version) as table:
        from deltalake import QueryBuilder

        rows = QueryBuilder().register("t", table).execute(query).read_all()
        columns = {name: rows.column(name).to_pylist() for name in rows.schema.names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@contextmanager
def _read(folder: str, version: int) -> Iterator[Any]:
    try:
        from deltalake import DeltaTable
    except ImportError:
        raise Unsure(f"{folder}: only Parquet tells this, and deltalake is not installed") from None
    try:
        yield DeltaTable(folder, version=version)
    except Unsure:
        raise
    except Exception as error:  # what it does not understand, Spark may
        raise Unsure(f"{folder}: delta-rs cannot read it: {error}") from error
