"""A feed that cannot be read, for whatever reason: the versions are compared instead, and every row is right."""

import json
from pathlib import Path

import pytest
from lake_jobs import SALES

from lakemill import Job, Sum
from lakemill.errors import UsageError
from lakemill.lake.log import Commit

SCHEMA = "shop string, amount bigint"


def log(lake, version: int) -> Path:
    return Path(lake.uri("raw.sales"), "_delta_log", f"{version:020d}.json")


def actions(lake, version: int) -> list[dict]:
    return [json.loads(line) for line in log(lake, version).read_text().splitlines()]


def fresh(lake) -> None:
    """As another process would meet the log."""
    lake.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


@pytest.mark.parametrize(
    ("remove", "bare"),
    [
        ({"path": "a", "dataChange": True}, True),
        ({"path": "a", "dataChange": True, "extendedFileMetadata": False}, True),
        ({"path": "a", "dataChange": True, "extendedFileMetadata": True, "size": 3, "partitionValues": {}}, False),
        ({"path": "a", "dataChange": False}, False),
    ],
)
def test_a_commit_that_removes_without_metadata(remove, bare):
    assert Commit(1, ({"remove": remove},)).removes_bare is bare


def test_a_file_removed_without_its_metadata_is_foreseen(lake):
    """Delta's protocol lets a writer leave it out, and Delta's own feed cannot do without."""
    lake.put("raw.sales", [("a", 1), ("b", 2)], SCHEMA)
    lake.put("raw.sales", [("c", 5)], SCHEMA)
    lake.run(SALES)
    added = next(action["add"] for action in actions(lake, 0) if "add" in action)
    remove = {"path": added["path"], "dataChange": True, "deletionTimestamp": added["modificationTime"] + 1}
    log(lake, 2).write_text(json.dumps({"remove": remove}) + "\n")
    fresh(lake)
    run = lake.run(SALES, "update")
    assert (run.plan, run.reason) == ("update", "FEED_UNREADABLE") and "versions 1 and 2 are compared" in run.detail
    assert lake.rows("gold.sales") == [("c", 1, 5, 5)] and lake.differences(SALES) == []


def test_a_feed_that_nobody_foresaw_to_be_damaged(lake):
    """Of an update, Delta wrote a file for the feed, which holds no rows but other bytes now."""
    lake.put("raw.sales", [("a", 1), ("b", 2)], SCHEMA)
    whole = Job(source="raw.sales", key=[], reduce={"amount": Sum("amount")}, target="gold.whole")
    for job in (SALES, whole):
        lake.run(job)
    lake.delta("raw.sales").update("shop = 'a'", {"amount": "amount + 10"})
    cdc = next(action["cdc"]["path"] for action in actions(lake, 1) if "cdc" in action)
    Path(lake.uri("raw.sales"), cdc).write_bytes(b"PAR1 this is no Parquet PAR1")
    for job in (SALES, whole):
        run = lake.run(job)
        assert (run.plan, run.reason) == ("update", "FEED_UNREADABLE")
        assert "Delta cannot read its change feed (" in run.detail and "\n" not in run.detail
        assert lake.differences(job) == []
    assert lake.rows("gold.sales") == [("a", 1, 11, 11), ("b", 1, 2, 2)] and lake.rows("gold.whole") == [(13,)]


def test_an_error_that_is_not_the_feeds_is_told_as_it_is(lake):
    """A map that refuses a value of the rows as they are gets no other plan than a rebuild, which it refuses too."""
    lake.put("raw.sales", [("1", 1)], SCHEMA)
    job = Job(source="raw.sales", map=lambda rows: rows.select(rows.shop.cast("int").alias("shop")), key=["shop"],
              target="gold.numbers")  # fmt: skip
    lake.run(job)
    lake.put("raw.sales", [("one", 1)], SCHEMA)
    with pytest.raises(UsageError, match="CHANGE_REFUSED"):
        lake.run(job, "update")
    with pytest.raises(Exception, match="CAST_INVALID_INPUT"):
        lake.run(job)
    assert lake.rows("gold.numbers") == [(1,)]
