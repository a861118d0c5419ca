"""What earlier runs took is told by the ledger: the newest of each kind, done ones alone."""

from datetime import UTC, datetime, timedelta

import pytest

from lakemill.lake.tables import create
from lakemill.observe.past import RUNS, Past, past
from lakemill.observe.runs import DONE, FAILED, LEDGER, Run, frame

pytestmark = pytest.mark.spark
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def run(at: int, plan: str, changed: list[str], status: str = DONE, read: int | None = 100) -> Run:
    made = Run(f"run {at}", "gold.t", BEGAN + timedelta(hours=at), plan, "UPDATE", status=status, seconds=float(at))
    made.changed, made.feed_bytes, made.source_bytes = changed, at, read
    return made


def test_the_newest_of_each_kind(lake):
    ledger = lake.world.lake.table(LEDGER)
    assert past(ledger) == {}
    updates = [run(at, "update", ["raw.a"]) for at in range(20)]
    others = [
        run(30, "rebuild", []),
        run(31, "update", ["raw.b", "raw.a"]),
        run(32, "update", ["raw.a"], FAILED),
        run(33, "update", ["raw.a"], read=None),  # of a table whose size nobody noted
    ]
    create(ledger, frame(lake.spark, [*updates, *others]))
    told = past(ledger)["gold.t"]
    newest = [Past("update", frozenset({"raw.a"}), at, 100, float(at)) for at in range(20 - RUNS, 20)]
    both = Past("update", frozenset({"raw.a", "raw.b"}), 31, 100, 31.0)
    assert set(told) == {*newest, both, Past("rebuild", frozenset(), 30, 100, 30.0)}
    assert lake.world.past("gold.t") == told and lake.world.past("gold.never") == ()
