"""Tables as lakemill reads and writes them: snapshots and changes without `_state`, one commit a write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, functions as F
from pyspark.sql.types import DataType, NullType, StructField, StructType

from lakemill.columns import column
from lakemill.conf import GLUE
from lakemill.core.weights import WEIGHT, net, weigh
from lakemill.errors import UsageError
from lakemill.job import RESERVED
from lakemill.lake.catalog import enlist, location
from lakemill.lake.change import COMPARED, FEED, NETTED
from lakemill.lake.log import CHANGE_FEED, Log
from lakemill.lake.progress import TablePosition

LOG_CLEANUP = "delta.enableExpiredLogCleanup"
ADDS = ("insert", "update_postimage")
STATS_COLUMNS = 32
ROWS_A_FILE = 150_000


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

    def log(self) -> Log:
        """Its log as of now."""
        return Log(self.spark, self.uri)

    def pin(self) -> "Pin":
        """Its newest version, fixed; raises UsageError where there is no such table."""
        log = self.log()
        if not log.exists:
            raise UsageError(
                f"{self.name}: there is no Delta table at {self.uri}. If a job makes it, run that one first; "
                "if it is yours, bind its name to its place under `tables:` in conf."
            )
        return Pin(self, log.version, log.table_id, without_state(log.schema))

    def full(self, version: int) -> DataFrame:
        """All columns at a version, `_state` included."""
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.uri)

    def has_one_row_a(self, key: Sequence[str]) -> bool:
        """Whether no two rows have the same key: somebody else may have written the table."""
        keys = self.full(self.log().version).groupBy(*[column(name) for name in key])
        return keys.agg(F.count(F.lit(1)).alias("_count")).where(F.col("_count") > 1).isEmpty()

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
        there = set(rows.columns)
        found = [column(f.name) if f.name in there else F.lit(None) for f in self.schema.fields]
        return rows.select(
            *[one.cast(f.dataType).alias(f.name) for one, f in zip(found, self.schema.fields, strict=True)]
        )

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


def without_state(schema: StructType) -> StructType:
    """The presented columns, as every reader of the table should see them; all may hold NULL.

    A column without a type, which Delta keeps in the log, is in no file and not read.
    """
    shown = [field for field in schema.fields if field.name != RESERVED and not isinstance(field.dataType, NullType)]
    return StructType([StructField(field.name, field.dataType, True) for field in shown])


def by_range(rows: DataFrame, key: Sequence[str], about: int) -> DataFrame:
    """The rows, of which there are at most `about`, in files of neighbouring keys.

    A later MERGE of keys that are near each other then rewrites few files; measured, that decides its cost.
    """
    files = min(about // ROWS_A_FILE, 1000)
    return rows.repartitionByRange(files, *[column(name) for name in key]) if files > 1 and key else rows


def create(table: Table, rows: DataFrame) -> None:
    """Write the table anew, rows and schema, in one commit."""
    known = table.log()
    properties = {} if known.exists else table_properties(rows.schema)
    writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true").options(**properties)
    writer.save(table.uri)


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
    """A feed for readers; no deletion vectors (delta-io/delta#5662); no file statistics of `_state`, the last one.

    Delta would clean the log by itself, whoever still needs it: `maintain` does it, which knows the readers.
    """
    leaves = sum(_leaves(field.dataType) for field in schema.fields if field.name != RESERVED)
    return {
        CHANGE_FEED: "true",
        "delta.enableDeletionVectors": "false",
        LOG_CLEANUP: "false",
        "delta.dataSkippingNumIndexedCols": str(min(leaves, STATS_COLUMNS)),
    }


def _leaves(kind: DataType) -> int:
    return sum(_leaves(field.dataType) for field in kind.fields) if isinstance(kind, StructType) else 1
