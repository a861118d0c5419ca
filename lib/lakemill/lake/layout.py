"""Layout: in which files a table's rows lie, so that an update rewrites little more than what it changes.

Delta rewrites whole files. Rows of neighbouring keys lie in one file, and files are small as long as the table is: a
day's sales then touch the files of that day. MERGE sorts by the columns of its condition, in their order, before it
writes; so what it writes is cut into files of neighbouring keys by a number of rows a file alone.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql.types import DateType, StructType, TimestampNTZType, TimestampType

from lakemill.columns import column

FILES = 256
"""So many files a table has at most while it is small: each is listed, planned and opened by those who read it all."""
LEAST_ROWS_A_FILE, MOST_ROWS_A_FILE = 2_000, 150_000
"""Rows a file. With fewer, a file's own cost is more than that of its rows."""
SHREDDED = 2
"""A table is to be compacted when it has more than this many times the files that it needs."""
ROW_BYTES = 32
"""About what a row takes in a file, where only the bytes of a table are known."""
MAX_ROWS = "spark.sql.files.maxRecordsPerFile"


def rows_a_file(rows: int) -> int:
    """How many rows a file of a table of so many is to have."""
    return min(max(rows // FILES, LEAST_ROWS_A_FILE), MOST_ROWS_A_FILE)


def rows_a_file_of(stored_bytes: int) -> int:
    """The same, where it is known only how many bytes the table holds; 0: not even that."""
    return rows_a_file(stored_bytes // ROW_BYTES) if stored_bytes else MOST_ROWS_A_FILE


def files_needed(rows: int) -> int:
    """How many files a table of so many rows needs, if these have a key."""
    return max(rows // rows_a_file(rows), 1)


def is_shredded(files: int, rows: int, keyed: bool) -> bool:
    """Whether a table has many more files than it needs. Of rows without a key nobody rewrites a part."""
    return files > (SHREDDED * files_needed(rows) if keyed else FILES + SHREDDED * rows // MOST_ROWS_A_FILE)


def clustering(key: Sequence[str], schema: StructType, cluster: Sequence[str] = ()) -> tuple[str, ...]:
    """The key's columns, those first by which rows are to be neighbours: `cluster`, or else days and times.

    What changes together came together, most often.
    """
    first = tuple(cluster) or tuple(name for name in key if _is_time(schema, name))
    return (*first, *(name for name in key if name not in first))


def laid_out(rows: DataFrame, order: Sequence[str], about: int) -> DataFrame:
    """The rows, of which there are at most `about`, so that they are written in files of neighbouring keys.

    order: the columns of the key, as `clustering` has them. Written, the rows still have to be cut by `rows_a_file`.
    """
    columns = [column(name) for name in order]
    if not columns:
        return rows
    files = min(about // MOST_ROWS_A_FILE, 1000)
    ranged = rows.repartitionByRange(files, *columns) if files > 1 else rows
    # A part that makes a single file needs no order within it.
    return ranged.sortWithinPartitions(*columns) if rows_a_file(about) < MOST_ROWS_A_FILE else ranged


def _is_time(schema: StructType, name: str) -> bool:
    return isinstance(schema[name].dataType, DateType | TimestampType | TimestampNTZType)
