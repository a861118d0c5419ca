"""lakemill maintain: files of a good size, and no more of the past than the table's settings and its readers ask for.

Delta's own OPTIMIZE, VACUUM and log clean-up; the one thing they do not know is which tables were made from which
version of this one. Nothing else ever cleans the log of a table of lakemill's: `table_properties` in tables.py tells
why Delta's own clean-up is off.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, MapType, StructType

from lakemill.columns import quoted
from lakemill.errors import LakemillError
from lakemill.job import Job
from lakemill.lake.commit import repeat
from lakemill.lake.feed import replaced
from lakemill.lake.files import list_files
from lakemill.lake.layout import clustering, files_needed, is_shredded
from lakemill.lake.log import Log
from lakemill.lake.progress import NoProgress, Progress, TablePosition, last_progress, read_progress
from lakemill.lake.readers import Need, Reader, log_files, need, unchanged_until
from lakemill.lake.tables import Lake, Table
from lakemill.lake.with_settings import with_settings

DAY = 86_400_000
"""Milliseconds. Readers are granted one more: files are older than the commit that names them, by as long as its job
ran, and clocks differ."""

VACUUM_LOGGING = "spark.databricks.delta.vacuum.logging.enabled"
LISTING = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
SMALLEST, LARGEST = "spark.databricks.delta.optimize.minFileSize", "spark.databricks.delta.optimize.maxFileSize"
STATISTICS = "spark.databricks.delta.optimize.zorder.checkStatsCollection.enabled"


@dataclass
class Maintained:
    """What was done to one table.

    files_compacted, files_written: by OPTIMIZE, of bytes_written bytes.   files_removed, bytes_removed: by VACUUM, not
    part of the table any more.   log_removed: files of the log.   oldest_version: the oldest one that can still be
    read.   remarks: who holds back what, and what to do.
    """

    table: str
    files_compacted: int = 0
    files_written: int = 0
    bytes_written: int = 0
    files_removed: int = 0
    bytes_removed: int = 0
    log_removed: int = 0
    oldest_version: int | None = None
    remarks: list[str] = field(default_factory=list)


def maintain(lake: Lake, job: Job, readers: Sequence[Reader]) -> Maintained:
    """Compact a target, remove files that nobody needs, repeat its progress, clean its log; the caller has its lock.

    Raises LakemillError where the table is not as lakemill left it.
    """
    table = lake.table(job.target)
    log = table.log()
    progress = read_progress(log, table.name)
    if isinstance(progress, NoProgress):
        raise LakemillError(
            f"{table.name}: {progress.reason}: {progress.detail}. Nothing was done; `lakemill run {table.name}` first."
        )
    done = Maintained(table.name)
    _optimize(table, job.key or (), job.cluster, done)
    _vacuum(table, _needs(table, readers), done)
    # OPTIMIZE itself takes no number, so one that another run overtook could pass off older progress as the newest.
    repeat(table, _moved(lake, progress).again(), log.version)
    _clean_log(table, _needs(table, readers), done)
    return done


def maintain_ledger(table: Table) -> Maintained:
    """The same for the ledger: nothing is made from it, and it was made from nothing."""
    done = Maintained(table.name)
    _optimize(table, (), (), done)
    _vacuum(table, [], done)
    progress = last_progress(table.log())
    if progress:
        repeat(table, progress.again(), table.log().version)
    _clean_log(table, [], done)
    return done


def _needs(table: Table, readers: Sequence[Reader]) -> list[Need]:
    files = log_files(table)
    needs = [need(table, reader, files) for reader in readers if reader.source == table.name]
    return [wanted for wanted in needs if wanted]


def _optimize(table: Table, key: Sequence[str], cluster: Sequence[str], done: Maintained) -> None:
    """Rows in fewer files, and those of a keyed table in files of neighbouring keys; changes no row, nor its feed."""
    snapshot = table.log().snapshot
    files, size = int(snapshot.numOfFiles()), int(snapshot.sizeInBytes())
    optimize, confs = table.delta().optimize(), {}
    if key:
        rows = table.full(int(snapshot.version())).count()
        needed = files_needed(rows)
        if not is_shredded(files, rows, keyed=True):
            return
        confs = dict.fromkeys((SMALLEST, LARGEST), str(math.ceil(size / needed))) | {STATISTICS: "false"}
    schema = table.log().schema
    there = [name for name in key if name in schema.names and _plain(schema, name)]
    columns = [quoted(name) for name in clustering(there, schema, [name for name in cluster if name in there])]
    with with_settings(table.spark, confs):
        made = optimize.executeZOrderBy(*columns) if columns else optimize.executeCompaction()
    metrics = made.select("metrics.*").collect()[0]
    done.files_compacted, done.files_written = int(metrics["numFilesRemoved"]), int(metrics["numFilesAdded"])
    done.bytes_written = int(metrics["filesAdded"]["totalSize"] or 0)


def _plain(schema: StructType, name: str) -> bool:
    return not isinstance(schema[name].dataType, StructType | ArrayType | MapType)


def _vacuum(table: Table, needs: Sequence[Need], done: Maintained) -> None:
    """Remove the files that the table let go of longer ago than it keeps them, unless a reader needs older ones.

    Then none are removed: Delta forgets which files those are when its own time is over, and a longer RETAIN would
    remove them like any file that it does not know.
    """
    log = table.log()
    until = time.time() * 1000 - log.keeps_files
    holding = [wanted for wanted in needs if wanted.files_from < until + DAY]
    done.remarks += [_held(wanted, "no file was removed") for wanted in holding]
    if holding:
        done.oldest_version = min(wanted.version for wanted in holding)
        return
    done.oldest_version = log_files(table).at(until)
    tasks = str(table.spark.sparkContext.defaultParallelism)
    with with_settings(table.spark, {VACUUM_LOGGING: "true", LISTING: tasks}):
        table.delta().vacuum()
    done.files_removed, done.bytes_removed = _vacuumed(table.log(), log.version)


def _vacuumed(log: Log, before: int) -> tuple[int, int]:
    """What the VACUUM after a version said that it removed: files, bytes."""
    metrics: dict[str, Any] = {}
    for commit in log.commits(before, log.version) or []:
        if commit.vacuums:
            metrics |= commit.info.get("operationMetrics") or {}
    return int(metrics.get("numDeletedFiles", 0)), int(metrics.get("sizeOfDataToDelete", 0))


def _moved(lake: Lake, progress: Progress) -> Progress:
    """The progress with each source's newest version that still has the rows it was made from: older ones may go."""
    positions = dict(progress.positions)
    for name in progress.versions:
        table, read = lake.table(name), progress.table(name)
        if read and table.log().exists and not replaced(table.pin(), read):
            positions[name] = _newest_alike(table.log(), read).value()
    return replace(progress, positions=positions)


def _newest_alike(log: Log, read: TablePosition) -> TablePosition:
    """The newest version that has the rows of the one that was read."""
    newest = unchanged_until(read.version, log.commits(read.version, log.version) or [])
    commit = log.commit(newest)
    return TablePosition(newest, read.table_id, commit.id if commit else "")


def _clean_log(table: Table, needs: Sequence[Need], done: Maintained) -> None:
    """Delta's own log clean-up, of what is older than the table keeps it and than every reader needs it."""
    log, oldest, now = table.log(), min(log_files(table).commits.values()), time.time() * 1000
    delta, own = log.snapshot.deltaLog(), log.keeps_log
    if oldest > now - own:
        return
    holding = [wanted for wanted in needs if wanted.log_from < now - own + DAY]
    done.remarks += [_held(wanted, "the log is kept from there on") for wanted in holding]
    retention = max([own, *(int(now - wanted.log_from) + DAY for wanted in holding)])
    before = list_files(table.spark, f"{table.uri}/_delta_log")
    delta.checkpoint()
    _clean_up(table.spark, delta, log.snapshot, retention)
    done.log_removed = len(before.keys() - list_files(table.spark, f"{table.uri}/_delta_log").keys())
    done.oldest_version = max(done.oldest_version or 0, min(log_files(table).commits))


def _clean_up(spark: SparkSession, delta: Any, snapshot: Any, retention: int) -> None:
    """Delta's own clean-up, day by day as it does it; from Delta 4.2 it is also given the catalog's table, if any."""
    jvm: Any = spark._jvm
    older = _option_of_long(spark, retention)
    try:
        by_day = getattr(delta, "cleanUpExpiredLogs$default$4")()
    except Py4JError:
        delta.cleanUpExpiredLogs(snapshot, older, getattr(delta, "cleanUpExpiredLogs$default$3")())
    else:
        delta.cleanUpExpiredLogs(snapshot, jvm.scala.Option.empty(), older, by_day)


def _option_of_long(spark: SparkSession, number: int) -> Any:
    """Scala's Some of a Long. Option.apply would be given a Java Integer by Py4J for what fits in one, and Delta casts
    what it takes out to a Long."""
    jvm: Any = spark._jvm
    return jvm.scala.collection.StringOps(str(number)).toLongOption()


def _held(wanted: Need, what: str) -> str:
    reader = wanted.reader
    return f"{reader.name} was made from version {reader.version}: {what}; `lakemill run {reader.name}` lets go of it"
