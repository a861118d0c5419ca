"""The run ledger: what each run did to each table, and at what cost, in the Delta table ops.runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakemill.lake.log import Commit
from lakemill.lake.tables import Table
from lakemill.observe.profile import Profile

LEDGER = "ops.runs"
DONE, FAILED, SKIPPED, STOPPED, RECOVERED = "done", "failed", "skipped", "stopped", "recovered"
REFUSED = "refused"

SCHEMA = StructType(
    [
        StructField("run_id", StringType()),
        StructField("target", StringType()),
        StructField("started_at", TimestampType()),
        StructField("plan", StringType()),
        StructField("reason", StringType()),
        StructField("detail", StringType()),
        StructField("versions", MapType(StringType(), LongType())),
        StructField("version", LongType()),
        StructField("rows_in", LongType()),
        StructField("rows_judged", LongType()),
        StructField("rows_good", LongType()),
        StructField("rows_quarantined", LongType()),
        StructField("rows_warned", LongType()),
        StructField("rows_out", LongType()),
        StructField("keys_touched", LongType()),
        StructField("keys_recomputed", LongType()),
        StructField("rows_rewritten", LongType()),
        StructField("files_rewritten", LongType()),
        StructField("bytes_read", LongType()),
        StructField("bytes_written", LongType()),
        StructField("spark_jobs", LongType()),
        StructField("seconds", DoubleType()),
        StructField("stages", MapType(StringType(), DoubleType())),
        StructField("changed", ArrayType(StringType())),
        StructField("feed_bytes", LongType()),
        StructField("source_bytes", LongType()),
        StructField("update_seconds", DoubleType()),
        StructField("rebuild_seconds", DoubleType()),
        StructField("status", StringType()),
        StructField("error", StringType()),
    ]
)


@dataclass
class Run:
    """One run of one table.

    versions: of its sources.   version: of the target after it.   rows_in: source rows read, of the change or whole.
    rows_judged: mapped rows that came and were judged by the table's contract: those are rows_good, which hold those
    that a rule warns of, rows_warned, and rows_quarantined; all None where there is no contract.
    rows_out: target rows inserted, updated, deleted.   rows_rewritten: rows copied along because their file changed.
    stages: seconds by stage.   changed: the sources that had changed.   feed_bytes: what their feeds held.
    source_bytes: what all sources held.   update_seconds, rebuild_seconds: what either was expected to take.
    status: done, refused (some of its dumps; the others were loaded), failed, skipped because a table it reads failed,
    stopped by a signal, or recovered: told from its commit by a later run, since it was killed before it was recorded.
    remark: what a person should know besides.   profile: what each stage costs, where somebody asked. Both are shown,
    and not in the ledger.
    """

    run_id: str
    target: str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    plan: str = ""
    reason: str = ""
    detail: str = ""
    versions: dict[str, int] = field(default_factory=dict)
    version: int | None = None
    rows_in: int | None = None
    rows_judged: int | None = None
    rows_good: int | None = None
    rows_quarantined: int | None = None
    rows_warned: int | None = None
    rows_out: int | None = None
    keys_touched: int | None = None
    keys_recomputed: int | None = None
    rows_rewritten: int | None = None
    files_rewritten: int | None = None
    bytes_read: int | None = None
    bytes_written: int | None = None
    spark_jobs: int | None = None
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    feed_bytes: int | None = None
    source_bytes: int | None = None
    update_seconds: float | None = None
    rebuild_seconds: float | None = None
    status: str = DONE
    error: str | None = None
    remark: str = ""
    profile: Profile | None = None


def history(ledger: Table, targets: Sequence[str]) -> DataFrame:
    """The runs of these tables, newest first."""
    rows = ledger.pin().rows()
    return rows.where(rows["target"].isin(list(targets))).orderBy(rows["started_at"].desc())


def latest(ledger: Table) -> dict[str, dict[str, Any]]:
    """The last recorded run of each table."""
    if not ledger.log().exists:
        return {}
    rows = ledger.pin().rows().orderBy("started_at").collect()
    return {row["target"]: row.asDict() for row in rows}


def frame(spark: SparkSession, runs: Sequence[Run]) -> DataFrame:
    """Runs as rows of the ledger."""
    rows = [tuple(getattr(run, column) for column in SCHEMA.names) for run in runs]
    return spark.createDataFrame(rows, SCHEMA).coalesce(1)


def measure(run: Run, commit: Commit) -> None:
    """Put what Delta says of the run's commit into the run."""
    metrics: dict[str, Any] = commit.info.get("operationMetrics") or {}
    run.version = commit.version

    def total(*names: str) -> int:
        return sum(int(metrics.get(name, 0)) for name in names)

    if commit.info.get("operation") == "MERGE":
        run.rows_out = total("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted")
        run.rows_rewritten, run.files_rewritten = total("numTargetRowsCopied"), total("numTargetFilesRemoved")
        run.bytes_written = total("numTargetBytesAdded")
    else:
        run.rows_out, run.bytes_written = total("numOutputRows"), total("numOutputBytes")
        run.rows_rewritten, run.files_rewritten = 0, total("numRemovedFiles")
