"""Maintaining changes no row, and takes nothing away that a table of this lake is still to be updated from."""

import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import TestLake
from lake_jobs import SALES

from lakemill import Count, Job, Sum
from lakemill.errors import Busy, LakemillError, UsageError
from lakemill.lake.lock import lock
from lakemill.observe.ledger import record
from lakemill.observe.runs import LEDGER, Run
from lakemill.runner import Upkeep, maintain_tables

SCHEMA = "shop string, amount bigint"
SHOPS = Job(source="gold.sales", key=[], reduce={"shops": Count(), "revenue": Sum("revenue")}, target="gold.shops")
JOBS = {job.target: job for job in (SALES, SHOPS)}
DAY = 86_400


@pytest.fixture(scope="module")
def made(spark, tmp_path_factory):
    """Two sales, the table of them by shop, and the one of all shops."""
    lake = TestLake(spark, tmp_path_factory.mktemp("made"))
    lake.put("raw.sales", [("a", 1), ("b", 2)], SCHEMA)
    lake.run(SALES)
    lake.run(SHOPS)
    return lake.root / "lake"


@pytest.fixture
def shop(lake, made):
    shutil.copytree(made, lake.root / "lake")
    return lake


def sell(lake, *rows: tuple[str, int]) -> None:
    lake.put("raw.sales", list(rows), SCHEMA)
    assert lake.run(SALES).reason == "UPDATE"


def maintain(lake, *tables: str) -> Upkeep:
    return maintain_tables(lake.world, JOBS, tables or ("gold.sales",))


def totals(lake) -> list[tuple]:
    """What gold.shops should hold, in plain Python."""
    amounts = dict[str, int]()
    for name, amount in lake.rows("raw.sales"):
        amounts[name] = amounts.get(name, 0) + amount
    return [(len(amounts), sum(amounts.values()))]


def files(lake, table: str) -> set[str]:
    """The table's files as they lie on disk, those of its feed too."""
    return {str(path) for path in Path(lake.uri(table)).rglob("*.parquet") if "_delta_log" not in path.parts}


def commits(lake, table: str) -> list[int]:
    return sorted(int(path.stem) for path in Path(lake.uri(table), "_delta_log").glob("*.json"))


def age(lake, table: str, days: int) -> None:
    """Make all that was ever written to the table so many days older."""
    for path in Path(lake.uri(table)).rglob("*"):
        if path.suffix == ".json":
            actions = [json.loads(line) for line in path.read_text().splitlines()]
            for action in actions:
                if "remove" in action:
                    action["remove"]["deletionTimestamp"] -= days * DAY * 1000
            times = path.stat()
            path.write_text("".join(json.dumps(action) + "\n" for action in actions))
            path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
            os.utime(path, (times.st_atime, times.st_mtime))
        if path.is_file():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - days * DAY))
    lake.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


def test_a_maintained_table_is_nothing_new_to_anybody(shop):
    for name in ("c", "d"):
        sell(shop, (name, 5))
    shop.run(SHOPS)
    before, rows, version = shop.progress("gold.sales"), shop.rows("gold.sales"), shop.log("gold.sales").version
    assert shop.log("gold.sales").snapshot.numOfFiles() == 3
    done, _ = maintain(shop, "gold.*").done
    assert (done.files_written, done.files_compacted, done.remarks) == (1, 3, [])
    assert shop.log("gold.sales").snapshot.numOfFiles() == 1
    after = shop.progress("gold.sales")
    assert (after.run, after.versions, after.version) == (
        before.run + 1,
        before.versions,
        shop.log("gold.sales").version,
    )
    assert shop.progress("gold.shops").versions == {"gold.sales": after.version}
    feed = shop.spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", version + 1)
    assert feed.load(shop.uri("gold.sales")).isEmpty()
    assert [shop.run(job).reason for job in (SALES, SHOPS)] == ["NOTHING_NEW", "NOTHING_NEW"]
    assert shop.rows("gold.sales") == rows
    sell(shop, ("a", 7), ("z", 1))
    assert shop.run(SHOPS).reason == "UPDATE"
    assert shop.rows("gold.shops") == totals(shop)


def test_a_lagging_reader_holds_files_back_and_lets_go_of_them(shop):
    shop.spark.sql(
        f"alter table delta.`{shop.uri('gold.sales')}` "
        "set tblproperties (delta.deletedFileRetentionDuration = 'interval 0 hours')"
    )
    sell(shop, ("a", 7), ("c", 1))
    shop.delta("raw.sales").delete("shop = 'b'")
    assert shop.run(SALES).reason == "UPDATE"
    there = files(shop, "gold.sales")
    (held,) = maintain(shop).done
    assert held.files_removed == 0 and there <= files(shop, "gold.sales")
    assert "gold.shops was made from version 0: no file was removed" in held.remarks[0]
    assert held.oldest_version == 0
    assert shop.differences(SHOPS) == []
    assert shop.run(SHOPS).reason == "UPDATE"
    assert shop.rows("gold.shops") == totals(shop) == [(2, 9)]
    (done,) = maintain(shop).done
    assert done.files_removed > 0 and done.bytes_removed > 0 and done.remarks == []
    assert len(files(shop, "gold.sales")) < len(there)
    assert not any("_change_data" in path for path in files(shop, "gold.sales"))
    assert shop.run(SHOPS).reason == "NOTHING_NEW"
    assert shop.differences(SHOPS) == []
    sell(shop, ("a", 2))
    assert shop.run(SHOPS).reason == "UPDATE"
    assert shop.rows("gold.shops") == totals(shop)


def test_what_is_older_than_every_reader_goes_and_the_rest_stays(shop):
    first = files(shop, "gold.sales")
    sell(shop, ("a", 7))
    shop.run(SHOPS)
    age(shop, "gold.sales", 20)
    sell(shop, ("a", 1), ("b", 1))
    (done,) = maintain(shop).done
    assert done.remarks == [] and done.oldest_version == 1
    assert done.files_removed > 0 and not first & files(shop, "gold.sales")
    age(shop, "gold.sales", 40)
    kept = commits(shop, "gold.sales")
    (held,) = maintain(shop).done
    assert [remark.split("; ")[0] for remark in held.remarks] == [
        "gold.shops was made from version 1: no file was removed",
        "gold.shops was made from version 1: the log is kept from there on",
    ]
    assert set(kept) <= set(commits(shop, "gold.sales")), "version 1 is built from all of the log, so all of it is kept"
    assert shop.differences(SHOPS) == []
    assert shop.run(SHOPS).reason == "UPDATE"
    assert shop.rows("gold.shops") == totals(shop)
    (done,) = maintain(shop).done
    assert done.log_removed > 0 and done.remarks == []
    assert min(commits(shop, "gold.sales")) > max(kept) - 1
    assert [shop.run(job).reason for job in (SALES, SHOPS)] == ["NOTHING_NEW", "NOTHING_NEW"]
    sell(shop, ("c", 9))
    assert shop.run(SHOPS).reason == "UPDATE"
    assert shop.rows("gold.shops") == totals(shop)


def test_only_tables_that_jobs_made_and_nobody_else_holds(shop):
    version = shop.log("raw.sales").version
    with pytest.raises(UsageError, match='No job makes a table "raw.sales"'):
        maintain(shop, "raw.sales")
    assert shop.log("raw.sales").version == version
    sell(shop, ("a", 7))
    shop.delta("gold.sales").restoreToVersion(0)
    record(shop.world.lake, [Run("r", "gold.sales", plan="update")])
    with lock(shop.world.locks, "gold.shops"):
        upkeep = maintain(shop, "gold.*", LEDGER)
    assert [type(error) for error in upkeep.errors] == [LakemillError, Busy]
    assert "TARGET_RESTORED" in str(upkeep.errors[0])
    assert [one.table for one in upkeep.done] == [LEDGER]
    assert upkeep.exit_code == 1
    assert shop.run(SALES).reason == "TARGET_RESTORED"
