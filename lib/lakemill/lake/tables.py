"""Tables as lakemill reads and writes them: snapshots and changes without `_state`, one commit a write."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession, functions as F
from pyspark.sql.types import DataType, StructField, StructType

from lakemill.columns import column, quoted
from lakemill.conf import GLUE
from lakemill.core.weights import WEIGHT, net, weigh
from lakemill.errors import UsageError
from lakemill.lake.catalog import enlist, location
from lakemill.lake.change import COMPARED, FEED, NETTED
from lakemill.lake.delta_log import DeltaLog
from lakemill.lake.file_log import FileLog
from lakemill.lake.files import missing
from lakemill.lake.layout import rows_a_file_of
from lakemill.lake.log import CHANGE_FEED
from lakemill.lake.presented import as_written, is_state, plain, presented
from lakemill.lake.progress import TablePosition
from lakemill.lake.unsure import Unsure

COLUMN_MAPPING = "delta.columnMapping.mode"
LOG_CLEANUP = "delta.enableExpiredLogCleanup"
INDEXED = "delta.dataSkippingNumIndexedCols"
OURS = {"delta.enableDeletionVectors": "false", LOG_CLEANUP: "false"}
"""What every table of lakemill is made with, whatever its columns."""
ADDS = ("insert", "update_postimage")
STATS_COLUMNS = 32
A_FILE = "maxRecordsPerFile"


@dataclass(frozen=True)
class Lake:
    """Where tables live: `root`/layer/name, but for those that conf binds to a path or to a catalog's table."""

    spark: SparkSession
    root: str
    bound: Mapping[str, str]
    _found: dict[str, str] = field(default_factory=dict)

    def table(self, name: str) -> "Table":
        """The table of this name, whether or not it exists yet."""
        bound, own = self.bound.get(name), f"{self.root}/{name.replace('.', '/')}"
        if bound and bound.startswith(GLUE):
            if name not in self._found:
                self._found[name] = location(self.spark, bound.removeprefix(GLUE)) or own
            return Table(self.spark, name, self._found[name])
        return Table(self.spark, name, bound or own)

    def enlist(self, name: str) -> None:
        """Tell the catalog of a table that conf binds to it, once it is there."""
        bound, table = self.bound.get(name), self.table(name)
        if bound and bound.startswith(GLUE) and table.log().exists:
            enlist(self.spark, bound.removeprefix(GLUE), table.uri)


@dataclass(frozen=True)
class Table:
    """A Delta table and its name."""

    spark: SparkSession
    name: str
    uri: str

    def log(self) -> DeltaLog:
        """Its log as of now."""
        return DeltaLog(self.spark, self.uri)

    def missing(self, paths: Iterable[str]) -> list[str]:
        """Those of the files that its log names that are not there."""
        return missing(self.spark, (path if _is_whole(path) else f"{self.uri}/{path}" for path in paths))

    def pin(self) -> "Pin":
        """Its newest version, fixed; raises UsageError where there is no such table."""
        log = self.log()
        if not log.exists:
            raise UsageError(
                f"{self.name}: there is no Delta table at {self.uri}. If a job makes it, run that one first; "
                "if it is yours, bind its name to its place under `tables:` in conf."
            )
        return Pin(self, log.version, log.table_id, presented(log.schema, _is_ours(log)))

    def presented(self, schema: StructType) -> StructType:
        """The columns that its readers see, where it has or had these."""
        return presented(schema, _is_ours(self.log()))

    def full(self, version: int) -> DataFrame:
        """All columns at a version, `_state` included."""
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.uri)

    def has_one_row_a(self, key: Sequence[str]) -> bool:
        """Whether no two rows have the same key: somebody else may have written the table."""
        keys = self.full(self.log().version).groupBy(*[column(name) for name in key])
        return keys.agg(F.count(F.lit(1)).alias("_count")).where(F.col("_count") > 1).isEmpty()

    @property
    def rows_a_file(self) -> int:
        """How many rows its files are to have at most, where it is updated."""
        log = self.log()
        return rows_a_file_of(log.bytes_at(log.version)) if log.exists else 0

    def count(self) -> int:
        """How many rows its newest version has, by its files' statistics where they tell; 0 where there is no table."""
        log = self.log()
        if not log.exists:
            return 0
        try:
            files = FileLog(self.uri)
            # A place without a scheme may be another file system's, by Spark's settings.
            if files.version == log.version:
                return files.rows()
        except Unsure:
            pass
        return self.pin().rows().count()

    def delta(self) -> DeltaTable:
        """Delta's own handle, to merge into."""
        return DeltaTable.forPath(self.spark, self.uri)


@dataclass(frozen=True)
class Pin:
    """One version of one table: what a run reads of it, whatever others write meanwhile."""

    table: Table
    version: int
    table_id: str
    schema: StructType

    def position(self) -> TablePosition:
        """How far a run reads that reads this version."""
        commit = self.table.log().commit(self.version)
        return TablePosition(self.version, self.table_id, commit.id if commit else "")

    def rows(self) -> DataFrame:
        """The presented rows at this version."""
        return self.table.full(self.version).select(*[column(name) for name in self.schema.names])

    def change(self, after: int, by: str = FEED) -> DataFrame:
        """What came and went in (after, this version]: the presented rows with `_weight`, 1 or -1.

        By the change feed, or, COMPARED, by reading both versions whole; the columns are those of this version.
        """
        if by == COMPARED:
            return net(weigh(self.rows(), self.before(after)))
        return net(self._feed(after)) if by == NETTED else self._feed(after)

    def before(self, version: int) -> DataFrame:
        """The rows as of an earlier version, in the columns of this one; what was not there yet is NULL."""
        rows = self.table.full(version)
        there = {field.name: plain(field.dataType) for field in rows.schema.fields}
        return rows.select(*[_of_then(there.get(field.name), field) for field in self.schema.fields])

    def _feed(self, after: int) -> DataFrame:
        feed = (
            self.table.spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", after + 1)
            .option("endingVersion", self.version)
            .load(self.table.uri)
        )
        columns = [column(name) for name in self.schema.names]
        return feed.select(*columns, F.when(F.col("_change_type").isin(*ADDS), 1).otherwise(-1).alias(WEIGHT))


def _is_whole(path: str) -> bool:
    """Whether a path in a log does not begin at the table: a shallow clone names the files of its original."""
    return "://" in path or path.startswith(("/", "file:"))


def _is_ours(log: DeltaLog) -> bool:
    """Whether lakemill made the table: nobody else sets all that `table_properties` does.

    It is asked about tables whose column `_state` has no mark only, and their commits may be gone from the log.
    """
    return all(log.setting(name) == value for name, value in OURS.items()) and bool(log.setting(INDEXED))


def _of_then(then: DataType | None, field: StructField) -> Column:
    """A column as it is now, from one that was of type `then`; None: it was not there yet.

    What was of the same type stays as it was read. A cast would drop what Spark notes with a CHAR, and a map that
    compares it with a text would not find the rows of then.
    """
    if then == field.dataType:
        return column(field.name)
    return (F.lit(None) if then is None else column(field.name)).cast(field.dataType).alias(field.name)


def create(table: Table, rows: DataFrame, rows_a_file: int = 0) -> None:
    """Write the table anew, rows and schema, in one commit.   rows_a_file: at most; 0 for as many as there are."""
    log, written = table.log(), as_written(rows)
    if log.exists and log.setting(COLUMN_MAPPING) in ("name", "id"):
        _replace(table, written, log.settings, rows_a_file)
        return
    properties = {} if log.exists else table_properties(written.schema)
    writer = written.write.format("delta").mode("overwrite").option("overwriteSchema", "true").options(**properties)
    writer.option(A_FILE, rows_a_file).save(table.uri)


def _replace(table: Table, rows: DataFrame, settings: Mapping[str, str], rows_a_file: int) -> None:
    """Write a table anew to which somebody gave column mapping; it has none afterwards.

    While a table has column mapping and a change feed, Delta refuses to overwrite it with rows that have other columns.
    """
    writer = rows.writeTo(f"delta.{quoted(table.uri)}").using("delta").option(A_FILE, str(rows_a_file))
    for key, value in settings.items():
        if not key.startswith(COLUMN_MAPPING.removesuffix("mode")):
            writer = writer.tableProperty(key, value)
    writer.createOrReplace()


def append(table: Table, rows: DataFrame) -> None:
    """Add the rows in one commit."""
    rows.write.format("delta").mode("append").save(table.uri)


def append_widening(table: Table, rows: DataFrame) -> None:
    """Add the rows in one commit, and those of their columns that the table does not have: others' rows hold NULL."""
    rows.write.format("delta").mode("append").option("mergeSchema", "true").save(table.uri)


def take_back(table: Table, version: int) -> None:
    """Give the table the rows again that it had at a version; none, where it was not there yet."""
    if version < 0:
        table.delta().delete()
    else:
        table.delta().restoreToVersion(version)


def table_properties(schema: StructType) -> dict[str, str]:
    """A feed for readers; no deletion vectors (delta-io/delta#5662); no file statistics of the state, the last column.

    Delta's own clean-up of the log is off. It would run with every tenth commit and take what is older than the table
    keeps its log: the commit that holds the progress of a table that rarely changes, and commits that a reader has not
    followed yet, which then has to be rebuilt. So nothing but `maintain` ever cleans the log, and it must: it knows the
    readers, and repeats the progress on top of the log first. Where nobody runs it, the log grows for good.
    """
    leaves = sum(_leaves(field.dataType) for field in schema.fields if not is_state(field, ours=False))
    return {CHANGE_FEED: "true", **OURS, INDEXED: str(min(leaves, STATS_COLUMNS))}


def _leaves(kind: DataType) -> int:
    return sum(_leaves(field.dataType) for field in kind.fields) if isinstance(kind, StructType) else 1
