"""What the ledger tells, read without Spark where delta-rs is installed; else Unsure is raised, and Spark is asked."""

from collections.abc import Collection, Iterable
from datetime import UTC
from typing import Any

from lakemill.lake.delta_rs import queried
from lakemill.lake.file_log import FileLog
from lakemill.observe.runs import SCHEMA

ALL_RUNS = "select * from t order by started_at desc"
LAST_RUNS = (
    "select * from (select *, row_number() over (partition by target order by started_at desc) as place from t) "
    "where place = 1"
)
_MAPS = [column.name for column in SCHEMA.fields if column.dataType.typeName() == "map"]


def recorded_runs(ledger: FileLog, targets: Collection[str]) -> list[dict[str, Any]]:
    """The runs of these tables, newest first, as `lakemill.observe.runs.history` has them."""
    return [run for run in _runs(ledger, ALL_RUNS) if run["target"] in targets]


def last_runs(ledger: FileLog) -> dict[str, dict[str, Any]]:
    """The last recorded run of each table, as `lakemill.observe.runs.latest` has them."""
    return {run["target"]: run for run in _runs(ledger, LAST_RUNS)}


def _runs(ledger: FileLog, query: str) -> Iterable[dict[str, Any]]:
    rows = queried(ledger.folder, ledger.version, query) if ledger.exists else []
    for run in rows:
        run.pop("place", None)
        run |= {name: dict(run[name]) for name in _MAPS if run.get(name) is not None}
        run["started_at"] = run["started_at"].astimezone(UTC).replace(tzinfo=None)
    return rows
