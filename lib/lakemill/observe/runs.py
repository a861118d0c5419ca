"""The run ledger: what each run did to each table, and at what cost, in the Delta table ops.runs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.types import DoubleType, LongType, MapType, StringType, StructField, StructType, TimestampType

from lakemill.lake.tables import Table, append, create

LEDGER = "ops.runs"
DONE, FAILED, SKIPPED = "done", "failed", "skipped"

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
        StructField("status", StringType()),
        StructField("error", StringType()),
    ]
)


@dataclass
class Run:
    """One run of one table.

    versions: of its sources.   version: of the target after it.   rows_in: source rows read, of the change or whole.
    rows_out: target rows inserted, updated, deleted.   rows_rewritten: rows copied along because their file changed.
    stages: seconds by stage.   status: done, failed, or skipped because a table it reads failed.
    remark: what a person should know besides; it is shown, and not in the ledger.
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
    status: str = DONE
    error: str | None = None
    remark: str = ""


def record(ledger: Table, runs: Sequence[Run]) -> None:
    """Add the runs to the ledger in one commit; a run that found nothing new leaves no trace."""
    kept = [run for run in runs if run.status != DONE or run.reason != "NOTHING_NEW"]
    if not kept:
        return
    rows = ledger.spark.createDataFrame([_row(run) for run in kept], SCHEMA).coalesce(1)
    if ledger.log().exists:
        append(ledger, rows)
    else:
        create(ledger, rows)


def history(ledger: Table, target: str) -> DataFrame:
    """The runs of one table, newest first."""
    rows = ledger.pin().rows()
    return rows.where(rows["target"] == target).orderBy(rows["started_at"].desc())


def latest(ledger: Table) -> dict[str, dict[str, Any]]:
    """The last recorded run of each table."""
    if not ledger.log().exists:
        return {}
    rows = ledger.pin().rows().orderBy("started_at").collect()
    return {row["target"]: row.asDict() for row in rows}


def _row(run: Run) -> tuple[Any, ...]:
    said = asdict(run)
    return tuple(said[name] for name in SCHEMA.names)
