"""`--where`: some keys made anew as a rebuild would make them, and the others left as they are."""

from collections import Counter

import pytest
from lake_jobs import SALES
from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Latest, PerKey, Sum
from lakemill.core.local import to_local
from lakemill.errors import CommitLost, UsageError
from lakemill.lake.commit import recording
from lakemill.observe.runs import Run
from lakemill.refresh import prepare
from lakemill.runner import run_table

SCHEMA = "shop string, amount bigint"


def by_region(sales: DataFrame, shops: DataFrame) -> DataFrame:
    return sales.join(shops, ["shop"], "left")


NEWEST = Job(source="raw.sales", key=["shop"], reduce=Latest(by=["amount"]), target="gold.newest")
REGIONS = Job(
    source=["raw.sales", "raw.shops"],
    map=by_region,
    key=["region", "shop"],
    reduce={"lines": Count(), "revenue": Sum("amount")},
    target="gold.regions",
)


def restated(lake, job: Job, where: str) -> Run:
    lake.world.renew()
    run = Run("r", job.target)
    run_table(lake.world, job, "auto", run, where)
    return run


def damage(lake, job: Job) -> None:
    """As a run that went wrong would leave the table: with its progress, wrong rows of all keys, and lost ones."""
    lake.world.renew()
    progress = prepare(lake.world, job, "auto").next_progress()
    rows, _ = to_local(lake.world.lake.table(job.target).full(lake.log(job.target).version))
    last = rows.columns[-1] if rows.columns[-1] != "_state" else rows.columns[-2]
    wrong = rows.withColumn(last, F.lit(77).cast(rows.schema[last].dataType)).where("shop <> 'b'")
    with recording(lake.world.spark, job.target, progress):
        wrong.write.format("delta").mode("overwrite").save(lake.uri(job.target))


def wrong_keys(lake, job: Job, right: list[tuple]) -> set[tuple]:
    """The keys whose rows are not these, as a reader that is not Spark finds them."""
    rows, wanted = Counter(lake.rows(job.target)), Counter(right)
    return {row[: len(job.key)] for row in (rows - wanted) + (wanted - rows)}


def test_the_zeros_of_a_double_are_one_key(lake):
    lake.put("raw.rows", [(0.0, 1), (-0.0, 2)], "v double, n int")
    job = Job(source="raw.rows", key=["v"], reduce={"c": Count()}, target="gold.rows")
    lake.run(job)
    assert restated(lake, job, "cast(v as string) = '0.0'").keys_recomputed == 1
    assert lake.rows("gold.rows") == [(0.0, 2)]


def test_keys_are_made_anew_where_a_condition_holds(shop):
    whole = Job(source="raw.sales", key=["shop"], reduce=PerKey(lambda rows: rows), target="gold.rows")
    shop.put("raw.sales", [("c", 6)], SCHEMA)
    shop.run(whole)
    shop.run(SALES)
    for job in (SALES, whole):
        right = shop.rows(job.target)
        damage(shop, job)
        assert wrong_keys(shop, job, right) == {("a",), ("b",), ("c",)}
        run = restated(shop, job, "shop between 'a' and 'b'")
        assert (run.plan, run.reason, run.detail) == ("rebuild", "ASKED_FOR", "--where shop between 'a' and 'b'")
        assert run.keys_recomputed == 2
        assert wrong_keys(shop, job, right) == {("c",)}
    shop.put("raw.sales", [("c", 1), ("d", 1)], SCHEMA)
    restated(shop, SALES, "shop >= 'c'")
    assert shop.rows("gold.sales") == [("a", 2, 3, 2), ("b", 1, 5, 5), ("c", 2, 7, 6), ("d", 1, 1, 1)]
    assert shop.differences(SALES) == []


WRONG = {
    "amount > 1": r"no condition on its key \(shop\)",
    "shop = cast(now() as string)": "no clock",
    "rand() > 0.5": "nothing random",
    "to_date(shop) = 'yesterday'": "no clock",
    "shop in (select 'a')": "no condition",
    "shop =": "no condition",
    "shop": "no condition",
    "shop = 1": r"no condition on its key \(shop\): .CAST_INVALID_INPUT",
    "shop < date'2017-05-01'": "CAST_INVALID_INPUT",
    "to_date(shop) > '2017-13-01'": "no condition",
}


def test_conditions_that_choose_no_keys_are_refused(shop):
    before = shop.log("gold.sales").version
    for where, why in WRONG.items():
        with pytest.raises(UsageError, match=why):
            restated(shop, SALES, where)
    restated(shop, SALES, "shop = '1' or try_cast(shop as int) = 1")
    before += 1
    with pytest.raises(UsageError, match="it has none"):
        restated(shop, Job(source="raw.sales", target="gold.copy"), "shop = 'a'")
    assert shop.log("gold.sales").version == before and not shop.log("gold.copy").exists


def test_a_table_that_was_written_meanwhile_is_left_alone(shop, monkeypatch):
    def overtaken(world, job, policy):
        if shop.log("gold.sales").version == before:
            shop.delta("gold.sales").delete("shop = 'b'")
        return prepare(world, job, policy)

    run, before = Run("r", SALES.target), shop.log("gold.sales").version
    shop.world.renew()
    tasks = iter([prepare, overtaken])
    monkeypatch.setattr("lakemill.refresh.prepare", lambda *given: next(tasks)(*given))
    with pytest.raises(CommitLost, match="it was written meanwhile; no keys were made anew"):
        run_table(shop.world, SALES, "auto", run, "shop = 'a'")
    monkeypatch.undo()
    assert shop.log("gold.sales").version == before + 1
    assert shop.run(SALES).reason == "PROGRESS_LOST"


def test_keys_of_several_columns_null_among_them_are_made_anew(shop):
    shop.put("raw.sales", [(None, 3), ("c", 6)], SCHEMA)
    shop.put("raw.shops", [("a", "north"), ("b", None)], "shop string, region string")
    shop.run(REGIONS)
    right = shop.rows("gold.regions")
    assert right == [(None, None, 1, 3), (None, "b", 1, 5), (None, "c", 1, 6), ("north", "a", 2, 3)]
    damage(shop, REGIONS)
    assert len(wrong_keys(shop, REGIONS, right)) == 4
    assert restated(shop, REGIONS, "region is null and coalesce(shop, 'b') = 'b'").keys_recomputed == 2
    assert wrong_keys(shop, REGIONS, right) == {("north", "a"), (None, "c")}
    restated(shop, REGIONS, "not (shop <=> 'b')")
    assert shop.rows("gold.regions") == right


def test_the_latest_row_of_some_keys_is_found_anew(shop):
    shop.put("raw.sales", [(None, 3), ("c", 6)], SCHEMA)
    shop.run(NEWEST)
    right = [(None, 3), ("a", 2), ("b", 5), ("c", 6)]
    damage(shop, NEWEST)
    restated(shop, NEWEST, "shop is null or shop = 'a'")
    assert wrong_keys(shop, NEWEST, right) == {("b",), ("c",)}
    restated(shop, NEWEST, "true")
    assert shop.rows("gold.newest") == right
