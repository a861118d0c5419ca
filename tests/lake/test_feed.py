"""What is done to a source between two runs: followed, foreseen, or told by name, and never a wrong row."""

import os
import shutil
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import foreign
import pytest
from conftest import TestLake
from lake_jobs import SALES
from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Latest, Max, Sum
from lakemill.errors import LakemillError, UsageError
from lakemill.refresh import plan, prepare

SCHEMA = "shop string, amount bigint"
FEED = "delta.enableChangeDataFeed"


def planned(lake, job=SALES, policy="auto"):
    lake.world.renew()
    return prepare(lake.world, job, policy).plan


def alter(lake, what: str, table: str = "raw.sales") -> None:
    lake.spark.sql(f"ALTER TABLE delta.`{lake.uri(table)}` {what}")


def foreseen(lake, kind: str, reason: str, job=SALES) -> str:
    """What the plan says before anything runs; its detail."""
    plan = planned(lake, job)
    assert (plan.kind, plan.reason) == (kind, reason), plan.detail
    return plan.detail


def followed(lake, kind: str, reason: str, job=SALES) -> str:
    """Foreseen by the plan, done by the run, and right; the plan's detail."""
    foreseen(lake, kind, reason, job)
    run = lake.run(job)
    assert (run.plan, run.reason) == (kind, reason), run.detail
    if job is SALES:
        assert lake.rows("gold.sales") == by_shop(lake.rows("raw.sales", "shop", "amount"))
    return run.detail


def by_shop(sales: list[tuple]) -> list[tuple]:
    """What gold.sales should hold, in plain Python."""
    amounts: dict[str | None, list[int | None]] = {}
    for name, amount in sales:
        amounts.setdefault(name, []).append(amount)
    known = {name: [amount for amount in of if amount is not None] for name, of in amounts.items()}
    rows = [(name, len(of), sum(known[name]) if known[name] else None, max(known[name], default=None))
            for name, of in amounts.items()]  # fmt: skip
    return sorted(rows, key=lambda row: (row[0] is not None, row[0]))


def test_without_a_feed_both_versions_are_compared(shop):
    alter(shop, f"SET TBLPROPERTIES ('{FEED}' = 'false')")
    shop.put("raw.sales", [("a", 2), ("c", 7), ("c", 7), (None, None)], SCHEMA)
    shop.delta("raw.sales").delete("amount = 1")
    assert "versions 0 and 3 are compared" in followed(shop, "update", "FEED_MISSING")
    assert shop.rows("gold.sales") == [(None, 1, None, None), ("a", 2, 4, 2), ("b", 1, 5, 5), ("c", 2, 14, 7)]
    shop.delta("raw.sales").delete("shop = 'b'")
    shop.delta("raw.sales").vacuum(0)
    with pytest.raises(UsageError, match="FEED_MISSING .*version 3, to compare with, has lost files"):
        planned(shop, policy="update")
    foreseen(shop, "rebuild", "FEED_MISSING")


def test_a_vacuum_that_overtakes_a_reader_is_foreseen(shop):
    shop.delta("raw.sales").update("shop = 'a'", {"amount": "amount + 1"})
    shop.delta("raw.sales").vacuum(0)
    with pytest.raises(UsageError, match="FEED_EXPIRED"):
        planned(shop, policy="update")
    assert "VACUUM of 20" in foreseen(shop, "rebuild", "FEED_EXPIRED")


def test_an_overwrite_is_rebuilt_unless_an_update_is_asked_for(shop):
    rows = shop.spark.createDataFrame([("a", 2), ("d", 4)], SCHEMA)
    rows.write.format("delta").mode("overwrite").save(shop.uri("raw.sales"))
    foreseen(shop, "rebuild", "SOURCE_OVERWRITTEN")
    run = shop.run(SALES, "update")
    assert (run.plan, run.reason) == ("update", "SOURCE_OVERWRITTEN")
    assert shop.rows("gold.sales") == [("a", 1, 2, 2), ("d", 1, 4, 4)]


def test_a_change_larger_than_the_table_is_rebuilt(shop, monkeypatch):
    monkeypatch.setattr(plan, "SMALL_BYTES", 0)
    for _ in range(3):
        shop.delta("raw.sales").update(set={"amount": "amount + 1"})
    foreseen(shop, "rebuild", "CHANGE_TOO_LARGE")


def test_columns_are_added_mapped_and_renamed_under_a_job(shop):
    whole = Job(source="raw.sales", map=lambda rows: rows, key=["shop", "amount"], target="gold.every")
    shop.run(whole)
    alter(shop, "ADD COLUMN remark string")
    shop.put("raw.sales", [("a", 3, "x")], f"{SCHEMA}, remark string")
    followed(shop, "update", "UPDATE")
    foreseen(shop, "nothing", "NOTHING_NEW")
    foreseen(shop, "update", "UPDATE", whole)
    alter(shop, "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    shop.put("raw.sales", [("a", 4, "x")], f"{SCHEMA}, remark string")
    followed(shop, "update", "UPDATE")
    alter(shop, "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'none')")
    foreseen(shop, "nothing", "NOTHING_NEW")
    shop.put("raw.sales", [("b", 6, "x")], f"{SCHEMA}, remark string")
    assert "mapping was turned off" in followed(shop, "update", "FEED_UNREADABLE")
    alter(shop, "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    alter(shop, "RENAME COLUMN remark TO said")
    assert "remark was dropped or renamed" in foreseen(shop, "rebuild", "SCHEMA_CHANGED")


def test_columns_are_widened_under_jobs_that_read_them_or_do_not(lake):
    lake.spark.sql(f"CREATE TABLE delta.`{lake.uri('raw.n')}` (shop string, amount int) USING delta TBLPROPERTIES "
                   f"('{FEED}' = 'true', 'delta.enableTypeWidening' = 'true')")  # fmt: skip
    lake.put("raw.n", [("a", 1)], "shop string, amount int")
    narrow = Job(source="raw.n", map=lambda rows: rows.withColumnRenamed("amount", "unused"), key=["shop"],
                 reduce={"lines": Count()}, target="gold.n")  # fmt: skip
    copy = Job(source="raw.n", key=["shop"], reduce={"most": Max("amount")}, target="gold.copy")
    for job in (narrow, copy):
        lake.run(job)
    alter(lake, "ALTER COLUMN amount TYPE bigint", "raw.n")
    lake.put("raw.n", [("a", 3_000_000_000), ("b", 1)], SCHEMA)
    lake.delta("raw.n").delete("amount = 1 and shop = 'a'")
    assert "amount was widened from int to bigint" in followed(lake, "update", "FEED_UNREADABLE", narrow)
    assert lake.rows("gold.n") == [("a", 1), ("b", 1)]
    assert "raw.n: amount" in foreseen(lake, "rebuild", "SCHEMA_CHANGED", copy)


def test_a_column_that_a_job_shows_rebuilds_it_when_it_is_added(lake):
    lake.put("raw.sales", [("a", 1)], SCHEMA)
    job = Job(source="raw.sales", target="gold.copy")
    lake.run(job)
    lake.spark.sql(f"ALTER TABLE delta.`{lake.uri('raw.sales')}` ADD COLUMN remark string")
    lake.put("raw.sales", [("a", 3, "x")], f"{SCHEMA}, remark string")
    assert "raw.sales: remark" in followed(lake, "rebuild", "SCHEMA_CHANGED", job)
    assert lake.rows("gold.copy") == [("a", 1, None), ("a", 3, "x")]


def test_a_column_that_a_map_looks_at_without_naming_it_rebuilds(lake):
    """What a map computes of all columns of a source is another thing when there is one more, or a wider one."""
    lake.spark.sql(f"CREATE TABLE delta.`{lake.uri('raw.sales')}` (shop string, amount decimal(10,2)) USING delta "
                   f"TBLPROPERTIES ('{FEED}' = 'true', 'delta.enableTypeWidening' = 'true')")  # fmt: skip
    lake.put("raw.sales", [("a", Decimal(1))], "shop string, amount decimal(10,2)")
    count = {"lines": Count()}
    whole = Job(source="raw.sales", map=lambda rows: rows.dropna(), key=["shop"], reduce=count, target="gold.whole")
    texts = Job(source="raw.sales", map=lambda rows: rows.select(F.col("amount").cast("string").alias("t")), key=["t"],
                reduce=count, target="gold.texts")  # fmt: skip
    lake.run(whole)
    lake.run(texts)
    alter(lake, "ADD COLUMN remark string")
    lake.put("raw.sales", [("a", Decimal(3), "x")], "shop string, amount decimal(10,2), remark string")
    foreseen(lake, "rebuild", "SCHEMA_CHANGED", whole)
    followed(lake, "update", "UPDATE", texts)
    assert lake.rows("gold.texts") == [("1.00", 1), ("3.00", 1)]
    alter(lake, "ALTER COLUMN amount TYPE decimal(12,4)")
    lake.put("raw.sales", [("a", Decimal(1), "x")], "shop string, amount decimal(12,4), remark string")
    followed(lake, "rebuild", "SCHEMA_CHANGED", texts)
    assert lake.rows("gold.texts") == [("1.0000", 2), ("3.0000", 1)]


@pytest.mark.faults
def test_a_feed_that_delta_cannot_read_is_compared(lake):
    """delta-io/delta#5662: a large delete from a file that has a deletion vector."""
    lake.spark.range(600_000).selectExpr("cast(id % 3 as string) shop", "id amount").coalesce(1).write.format(
        "delta"
    ).options(**{FEED: "true", "delta.enableDeletionVectors": "true"}).save(lake.uri("raw.sales"))
    lake.run(SALES)
    lake.delta("raw.sales").delete("amount < 9")
    lake.run(SALES)
    lake.delta("raw.sales").delete("amount % 7 in (1, 3)")
    run = lake.run(SALES, "update")
    assert (run.plan, run.reason) == ("update", "FEED_UNREADABLE"), run.detail
    assert lake.differences(SALES) == []


def joined() -> Job:
    def amounts(sales, names):
        return sales.join(names, "shop").select("name", "amount")

    return Job(
        source=["raw.sales", "raw.names"],
        map=amounts,
        key=["name"],
        reduce={"n": Count(), "s": Sum("amount"), "m": Max("amount")},
        target="gold.named",
    )


def test_old_rows_are_had_from_the_feed_when_their_version_is_gone(shop):
    shop.put("raw.names", [("a", "Anna"), ("b", "Ben")], "shop string, name string")
    shop.put("raw.names", [("c", "Cleo")], "shop string, name string")
    job = joined()
    shop.run(job)
    foreign.compact(shop.uri("raw.names"))
    foreign.vacuum(shop.uri("raw.names"))
    shop.delta("raw.names").update("shop = 'b'", {"name": "'Bob'"})
    shop.delta("raw.sales").update("amount = 5", {"shop": "'a'"})
    shop.put("raw.sales", [("b", 9), ("c", 3)], SCHEMA)
    shop.world.renew()
    task = prepare(shop.world, job, "update")
    assert not task.changes["raw.names"].kept and task.changes["raw.sales"].kept
    followed(shop, "update", "UPDATE", job)
    assert shop.rows("gold.named") == [("Anna", 3, 8, 5), ("Bob", 1, 9, 9), ("Cleo", 1, 3, 3)]


@pytest.mark.parametrize("name", ["raw.sales", "raw.names"])
def test_of_the_one_source_that_changed_the_feed_alone_is_read(shop, name):
    """Shown by taking its rows away while the job runs: those of the version it was made from, and those of now."""
    shop.put("raw.names", [("a", "Anna"), ("b", "Ben")], "shop string, name string")
    job = replace(joined(), reduce={"n": Count(), "s": Sum("amount")})
    shop.run(job)
    foreign.vacuum(shop.uri(name))
    shop.delta(name).update("shop = 'b'", {"shop": "'a'"})
    root, aside = Path(shop.uri(name)), Path(f"{shop.uri(name)}_aside")
    aside.mkdir()
    files = list(root.glob("*.parquet"))
    for file in files:
        file.rename(aside / file.name)
    assert files and list(root.glob("_change_data/*.parquet"))
    assert shop.run(job, "update").keys_touched == (2 if name == "raw.sales" else 1)
    for file in files:
        (aside / file.name).rename(file)
    assert shop.rows("gold.named") == ([("Anna", 3, 8)] if name == "raw.sales" else [("Anna", 2, 3), ("Ben", 2, 3)])


def test_a_row_that_the_map_refuses_and_that_was_corrected(lake):
    def parsed(sales: DataFrame) -> DataFrame:
        return sales.select("shop", F.col("said").cast("bigint").alias("amount"))

    job = Job(source="raw.sales", map=parsed, key=["shop"], reduce={"s": Sum("amount")}, target="gold.sales")
    lake.put("raw.sales", [("a", "1")], "shop string, said string")
    lake.run(job)
    lake.put("raw.sales", [("a", "two"), ("b", "5")], "shop string, said string")
    with pytest.raises(LakemillError, match=r"CAST\(said AS BIGINT\) of said='two'.*CAST_INVALID_INPUT"):
        lake.run(job)
    lake.delta("raw.sales").update("said = 'two'", {"said": "'2'"})
    assert "came and went again are left out" in followed(lake, "update", "UPDATE", job)
    assert lake.rows("gold.sales") == [("a", 3), ("b", 5)]


def test_rows_that_were_never_there_together_are_no_reason_to_fail(lake):
    def ratios(sales: DataFrame, units: DataFrame) -> DataFrame:
        return sales.join(units, "shop").select("shop", (F.col("amount") / F.col("unit")).alias("n"))

    job = Job(source=["raw.sales", "raw.units"], map=ratios, key=["shop"], reduce={"n": Max("n")}, target="gold.ratios")
    lake.put("raw.sales", [("b", 6)], SCHEMA)
    lake.put("raw.units", [("a", 0), ("b", 3)], "shop string, unit bigint")
    lake.run(job)
    lake.put("raw.sales", [("a", 4)], SCHEMA)
    lake.delta("raw.units").update("shop = 'a'", {"unit": "2"})
    with pytest.raises(UsageError, match="CHANGE_REFUSED"):
        lake.run(job, "update")
    lake.world.renew()
    run = lake.run(job)
    assert (run.plan, run.reason) == ("rebuild", "CHANGE_REFUSED")
    assert lake.rows("gold.ratios") == [("a", 2.0), ("b", 2.0)]


def test_sums_that_overflow_on_the_way_are_made_anew(lake):
    large = 4 * 10**18
    job = Job(source="raw.sales", key=["shop"], reduce={"s": Sum("amount"), "m": Max("amount")}, target="gold.sums")
    lake.put("raw.sales", [("a", -large), ("a", -large), ("b", 2)], SCHEMA)
    lake.run(job)
    lake.delta("raw.sales").update("amount < 0", {"amount": F.lit(large)})
    with pytest.raises(UsageError, match="CHANGE_REFUSED"):
        lake.run(job, "update")
    run = lake.run(job)
    assert (run.plan, run.reason) == ("rebuild", "CHANGE_REFUSED") and "overflow" in run.detail.lower()
    assert lake.rows("gold.sums") == [("a", 2 * large, large), ("b", 2, 2)]


def test_a_column_without_a_type_is_not_read(lake):
    rows = lake.spark.sql("select 'a' shop, 1L amount, null as note")
    rows.write.format("delta").options(**{FEED: "true"}).save(lake.uri("raw.sales"))
    newest = Job(source="raw.sales", key=["shop"], reduce=Latest(by=["amount"]), target="gold.newest")
    lake.run(newest)
    lake.spark.sql("select 'a' shop, 2L amount").write.format("delta").mode("append").save(lake.uri("raw.sales"))
    followed(lake, "update", "UPDATE", newest)
    assert lake.rows("gold.newest") == [("a", 2)]


def test_texts_with_line_separators_of_other_sorts(shop):
    texts = ["a\u2028", "\x85", "x\u2029y", "\x1c\x1d\x0b\x0c"]
    shop.put("raw.sales", [(text, at) for at, text in enumerate(texts)], SCHEMA)
    followed(shop, "update", "UPDATE")
    shop.put("raw.sales", [("a\u2028", 7)], SCHEMA)
    followed(shop, "update", "UPDATE")
    assert ("a\u2028", 2, 7, 7) in shop.rows("gold.sales") and shop.run(SALES).plan == "nothing"


def test_a_source_that_was_partitioned_anew(lake):
    lake.put("raw.sales", [("a", 1), ("a", 2), ("b", 5)], SCHEMA)
    large = Job(
        source="raw.sales",
        map=lambda rows: rows.where("amount > 0"),
        key=["shop"],
        reduce={"n": Count(), "s": Sum("amount")},
        target="gold.large",
    )
    lake.run(large)
    lake.delta("raw.sales").delete()
    rows = lake.spark.createDataFrame([("a", 2), ("c", 9)], SCHEMA).write.format("delta").partitionBy("amount")
    rows.mode("overwrite").option("overwriteSchema", "true").save(lake.uri("raw.sales"))
    lake.put("raw.sales", [("a", 4)], SCHEMA)
    assert "partitioned anew after version 0" in followed(lake, "update", "FEED_UNREADABLE", large)
    assert lake.rows("gold.large") == [("a", 2, 6), ("c", 1, 9)]


def test_a_union_takes_added_columns_by_their_place(lake):
    for name in ("raw.a", "raw.b"):
        lake.put(name, [("x", 1)], "k string, v bigint")
    job = Job(
        source=["raw.a", "raw.b"],
        map=lambda a, b: a.union(b),
        key=["k"],
        reduce={"v": Sum("v"), "n": Count()},
        target="gold.united",
    )
    lake.run(job)
    alter(lake, "ADD COLUMN w bigint AFTER k", "raw.a")
    alter(lake, "ADD COLUMN w bigint", "raw.b")
    lake.put("raw.a", [("x", 10, 2)], "k string, w bigint, v bigint")
    lake.put("raw.b", [("x", 3, 20)], "k string, v bigint, w bigint")
    followed(lake, "rebuild", "SCHEMA_CHANGED", job)
    assert lake.rows("gold.united") == [("x", 1 + 2 + 20, 4)]


def test_a_log_that_begins_after_a_checkpoint_is_none_to_read_a_feed_by(lake):
    """As Delta 4.0.0 leaves it: the commits from 2 on are there, and of those before neither they nor a checkpoint."""
    lake.put_by_spark("raw.sales", [("a", 1)], SCHEMA)
    alter(lake, "SET TBLPROPERTIES ('delta.checkpointInterval' = '4')")
    lake.put_by_spark("raw.sales", [("a", 2)], SCHEMA)
    lake.run(SALES)
    for amount in range(3, 8):
        lake.put_by_spark("raw.sales", [("a", amount)], SCHEMA)
    log = Path(lake.uri("raw.sales")) / "_delta_log"
    assert list(log.glob("*4.checkpoint.parquet"))
    for version in range(2):
        (log / f"{version:020d}.json").unlink()
    lake.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    lake.world.renew()
    assert lake.run(SALES).reason == "FEED_EXPIRED"
    assert lake.rows("gold.sales") == [("a", 7, 28, 7)]


def test_many_equal_rows_are_no_small_change(lake):
    lake.put("raw.sales", [("a", 1)], SCHEMA)
    lake.run(SALES)
    many = plan.SMALL_ROWS + 1
    lake.spark.range(many).selectExpr("'a' shop", "1L amount").coalesce(1).write.format("delta").mode("append").save(
        lake.uri("raw.sales")
    )
    lake.world.renew()
    change = prepare(lake.world, SALES, "auto").changes["raw.sales"]
    assert change.feed_rows == many and change.feed_bytes < plan.SMALL_BYTES and not plan.is_small([change])
    lake.run(SALES)
    assert lake.rows("gold.sales") == [("a", many + 1, many + 1, 1)]


def test_progress_is_renewed_before_its_versions_are_forgotten(shop):
    shop.delta("raw.sales").optimize().executeCompaction()
    assert shop.run(SALES).plan == "nothing"
    before = shop.progress("gold.sales")
    assert before.versions == {"raw.sales": 0}, "what needs no renewal is not written"
    alter(shop, "SET TBLPROPERTIES ('delta.deletedFileRetentionDuration' = 'interval 1 second')")
    time.sleep(0.6)
    assert shop.run(SALES).plan == "nothing"
    after = shop.progress("gold.sales")
    assert (after.run, after.versions) == (before.run + 1, {"raw.sales": shop.log("raw.sales").version})
    shop.put("raw.sales", [("a", 4)], SCHEMA)
    followed(shop, "update", "UPDATE")


@pytest.fixture(scope="module")
def made_on(spark, made_shop, tmp_path_factory):
    """The lake of `shop` after one more sale."""
    lake = TestLake(spark, tmp_path_factory.mktemp("on"))
    shutil.copytree(made_shop, lake.root / "lake")
    lake.put("raw.sales", [("a", 10)], SCHEMA)
    assert lake.run(SALES).plan == "update"
    return lake.root / "lake"


@pytest.fixture
def brought_back(lake, made_on, made_shop):
    """The source as a copy of it was, before the rows that were read last."""
    shutil.copytree(made_on, lake.root / "lake")
    shutil.rmtree(lake.uri("raw.sales"))
    shutil.copytree(made_shop / "raw" / "sales", lake.uri("raw.sales"))
    return lake


def test_a_source_brought_back_from_a_copy_is_another_table(brought_back):
    assert "went back behind version 1" in foreseen(brought_back, "rebuild", "SOURCE_RECREATED")


@pytest.mark.parametrize("later", [0, 1], ids=["up to the version read", "past it"])
def test_a_source_brought_back_and_written_since_is_another_table(brought_back, later):
    for amount in range(20, 21 + later):
        brought_back.put("raw.sales", [("b", amount)], SCHEMA)
    with pytest.raises(LakemillError, match="version 1 is not the one that was read"):
        brought_back.differences(SALES)
    assert "version 1 is not the one that was read" in foreseen(brought_back, "rebuild", "SOURCE_RECREATED")


def test_a_restore_that_takes_a_column_away_that_no_job_reads(shop):
    before = shop.log("raw.sales").version
    more = shop.spark.createDataFrame([("a", 9, "card")], f"{SCHEMA}, paid_by string")
    more.write.format("delta").mode("append").option("mergeSchema", "true").save(shop.uri("raw.sales"))
    shop.run(SALES)
    shop.delta("raw.sales").restoreToVersion(before)
    assert "its column paid_by was dropped" in foreseen(shop, "rebuild", "SCHEMA_CHANGED")


def test_columns_in_another_order(shop):
    alter(shop, "ALTER COLUMN amount FIRST")
    shop.put("raw.sales", [("b", 7)], SCHEMA)
    assert "columns are in another order" in followed(shop, "rebuild", "SCHEMA_CHANGED")
    shop.put("raw.sales", [("b", 8)], SCHEMA)
    followed(shop, "update", "UPDATE")


def test_an_overwrite_of_some_partitions_is_no_overwrite(lake):
    rows = lake.spark.createDataFrame([("a", 1), ("b", 2), ("c", 3)], SCHEMA)
    rows.write.format("delta").partitionBy("shop").options(**{FEED: "true"}).save(lake.uri("raw.sales"))
    lake.run(SALES)
    some = lake.spark.createDataFrame([("a", 7)], SCHEMA).write.format("delta").mode("overwrite")
    some.option("partitionOverwriteMode", "dynamic").save(lake.uri("raw.sales"))
    followed(lake, "update", "UPDATE")
    assert lake.rows("gold.sales") == [("a", 1, 7, 7), ("b", 1, 2, 2), ("c", 1, 3, 3)]


def test_files_are_found_whatever_their_partitions_are_called(lake):
    names = ["a b", "50%/c=d", "é#?", "+", None]
    rows = lake.spark.createDataFrame([(name, n) for n, name in enumerate(names)], SCHEMA)
    rows.write.format("delta").partitionBy("shop").options(**{FEED: "true"}).save(lake.uri("raw.sales"))
    lake.run(SALES)
    lake.delta("raw.sales").update("amount > 0", {"amount": "amount + 1"})
    lake.delta("raw.sales").delete("amount = 3")
    followed(lake, "update", "UPDATE")
    lake.delta("raw.sales").delete("shop = 'a b'")
    for folder in Path(lake.uri("raw.sales")).glob("shop=a b*"):
        shutil.rmtree(folder)
    assert "1 files of its change feed are gone" in foreseen(lake, "rebuild", "FEED_EXPIRED")


def test_a_clone_is_followed_beside_its_original(lake):
    lake.put("raw.original", [("a", 1), ("a", 2), ("b", 5)], SCHEMA)
    at = lake.uri("raw.sales")
    lake.spark.sql(f"CREATE TABLE delta.`{at}` SHALLOW CLONE delta.`{lake.uri('raw.original')}`")
    lake.run(SALES)
    lake.delta("raw.sales").delete("amount = 1")
    lake.put("raw.original", [("c", 9)], SCHEMA)
    lake.put("raw.sales", [("b", 1)], SCHEMA)
    followed(lake, "update", "UPDATE")
    assert lake.rows("gold.sales") == [("a", 1, 2, 2), ("b", 2, 6, 5)]


def test_a_vacuumed_deletion_vector_is_foreseen(lake):
    properties = {FEED: "true", "delta.enableDeletionVectors": "true"}
    rows = lake.spark.range(100).selectExpr("'a' shop", "id amount").coalesce(1)
    rows.write.format("delta").options(**properties).save(lake.uri("raw.sales"))
    lake.spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    lake.delta("raw.sales").delete("amount = 1")
    lake.run(SALES)
    lake.delta("raw.sales").delete("amount = 2")
    lake.delta("raw.sales").vacuum(0)
    foreseen(lake, "rebuild", "FEED_EXPIRED")


def test_a_table_without_a_key_follows_removals_by_its_rows(shop):
    """Of equal rows as many go as went; whether they can be told apart decides between an update and a rebuild."""
    copy = Job(source="raw.sales", target="gold.copy")
    halves = Job(
        source="raw.sales", map=lambda sales: sales.selectExpr("shop", "amount / 2D half"), target="gold.halves"
    )
    shop.put("raw.sales", [("b", 5), ("b", 5), ("c", 1)], SCHEMA)
    for job in (copy, halves):
        shop.run(job)
    shop.delta("raw.sales").delete("amount = 1")
    run, other = shop.run(copy), shop.run(halves)
    assert (run.plan, run.reason, run.rows_out) == ("update", "UPDATE", 2)
    assert (other.plan, other.reason, other.rows_out) == ("rebuild", "SOURCE_REMOVED_ROWS", 2)
    assert shop.rows("gold.copy") == [("a", 2), ("b", 5), ("b", 5), ("b", 5)]
    shop.delta("raw.sales").delete("shop = 'b'")
    shop.put("raw.sales", [("b", 5), ("d", 1)], SCHEMA)
    assert shop.run(copy).reason == "UPDATE"
    assert shop.rows("gold.copy") == [("a", 2), ("b", 5), ("d", 1)], "one of three equal rows is left"
    assert shop.differences(copy) == []


def test_a_source_that_vanished_is_named(shop):
    shutil.rmtree(shop.uri("raw.sales"))
    with pytest.raises(UsageError, match=r"raw.sales: there is no Delta table"):
        shop.run(SALES)
    assert len(shop.rows("gold.sales")) == 2


def test_a_data_file_that_vanished_is_told(shop):
    for file in Path(shop.uri("raw.sales")).glob("*.parquet"):
        file.unlink()
    shop.spark.catalog.clearCache()
    with pytest.raises(LakemillError, match="gold.sales: files that the log of raw.sales names are not there"):
        shop.run(SALES, policy="rebuild")
    assert len(shop.rows("gold.sales")) == 2


def test_a_commit_that_was_cut_off_is_named(shop):
    shop.put("raw.sales", [("a", 6)], SCHEMA)
    shop.put("raw.sales", [("a", 7)], SCHEMA)
    commit = Path(shop.uri("raw.sales"), "_delta_log", f"{1:020d}.json")
    commit.write_text(commit.read_text()[:-40])
    with pytest.raises(LakemillError, match=rf"{commit.name} is damaged"):
        shop.run(SALES)
    assert len(shop.rows("gold.sales")) == 2


def test_a_log_that_was_cleaned_past_the_version_read_is_foreseen(shop):
    alter(shop, "SET TBLPROPERTIES ('delta.checkpointInterval' = '4')")
    for amount in (6, 7, 8, 9):
        shop.put_by_spark("raw.sales", [("a", amount)], SCHEMA)
    shop.clean_log("raw.sales", before=4)
    assert "no longer holds every version from 1 to 5" in foreseen(shop, "rebuild", "FEED_EXPIRED")


def test_progress_whose_commit_was_cleaned_away_is_lost(shop):
    for said in ("'delta.checkpointInterval' = '2'", "'note' = 'of ours'"):
        alter(shop, f"SET TBLPROPERTIES ({said})", "gold.sales")
    shop.clean_log("gold.sales", before=2)
    shop.put("raw.sales", [("a", 6)], SCHEMA)
    assert "was cleaned from the log" in followed(shop, "rebuild", "PROGRESS_LOST")
    shop.put("raw.sales", [("a", 7)], SCHEMA)
    followed(shop, "update", "UPDATE")


def test_a_log_that_lost_its_beginning_is_named(shop):
    shop.put("raw.sales", [("a", 6)], SCHEMA)
    shop.clean_log("raw.sales", before=1)
    with pytest.raises(LakemillError, match="has neither all commits before version 1 nor a checkpoint"):
        shop.run(SALES)


def test_a_log_with_a_gap_is_named(shop):
    alter(shop, "SET TBLPROPERTIES ('delta.checkpointInterval' = '4')")
    for amount in (6, 7, 8, 9):
        shop.put_by_spark("raw.sales", [("a", amount)], SCHEMA)
    before, log = shop.log("gold.sales").version, Path(shop.uri("raw.sales"), "_delta_log")
    os.remove(log / f"{3:020d}.json")
    with pytest.raises(LakemillError, match="log is damaged: version 3 is missing"):
        shop.run(SALES)  # Delta reads the checkpoint of version 4 and does not miss it
    for name, said in ((f"{4:020d}.checkpoint.parquet", "checkpoint version: 4 is missing"),
                       ("_last_checkpoint", r"Versions \(.*\) are not contiguous")):  # fmt: skip
        (log / name).unlink()
        shop.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
        with pytest.raises(LakemillError, match=f"log is damaged: {said}"):
            shop.run(SALES)
    assert shop.log("gold.sales").version == before


def test_a_damaged_checkpoint_is_named(lake):
    lake.put_by_spark("raw.sales", [("a", 1)], SCHEMA)
    alter(lake, "SET TBLPROPERTIES ('delta.checkpointInterval' = '2')")
    for amount in range(3):
        lake.put_by_spark("raw.sales", [("a", amount)], SCHEMA)
    log = Path(lake.uri("raw.sales"), "_delta_log")
    checkpoint = sorted(log.glob("*.checkpoint.parquet"))[-1]
    os.truncate(checkpoint, checkpoint.stat().st_size // 2)
    for crc in log.glob(".*.crc"):
        crc.unlink()
    lake.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    with pytest.raises(LakemillError, match=rf"{checkpoint.name} is damaged.*moving this file"):
        lake.run(SALES)
    assert not lake.log("gold.sales").exists
    checkpoint.unlink()
    (log / "_last_checkpoint").unlink()
    lake.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    lake.run(SALES)
    assert lake.rows("gold.sales") == [("a", 4, 4, 2)]
