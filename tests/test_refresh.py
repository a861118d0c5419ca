"""A table's run over what others do to its source and to itself between and during runs."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from foreign import compact
from lake_jobs import SALES

from lakemill import Count, Job, Latest, Max, Mean, Sum, refresh
from lakemill.core import local
from lakemill.errors import CommitLost, UsageError
from lakemill.lake.progress import NoProgress
from lakemill.observe.runs import Run
from lakemill.refresh import plan
from lakemill.runner import run_tables

SCHEMA = "shop string, amount bigint"


def test_a_sum_of_many_places_is_as_exact_updated_as_rebuilt(lake):
    rate = Decimal("0.0000000001")
    job = Job(source="raw.rates", key=[], reduce={"s": Sum("rate"), "m": Mean("rate")}, target="gold.rates")
    lake.put("raw.rates", [(rate,), (rate,)], "rate decimal(18,10)")
    lake.run(job)
    lake.put("raw.rates", [(rate,)], "rate decimal(18,10)")
    assert lake.run(job).plan == "update"
    assert lake.rows("gold.rates") == [(3 * rate, rate)]


def test_a_change_too_large_for_the_driver_stays_on_the_executors(shop, monkeypatch):
    monkeypatch.setattr(plan, "SMALL_BYTES", -1)
    monkeypatch.setattr(local, "to_local", lambda frame: pytest.fail("brought to the driver"))
    shop.put("raw.sales", [("c", 7), (None, 8)], SCHEMA)
    shop.delta("raw.sales").delete("amount = 2 or shop = 'b'")
    run = shop.run(SALES, "update")
    assert (run.plan, run.rows_in, run.keys_recomputed) == ("update", 4, 1)
    assert shop.rows("gold.sales") == [(None, 1, 8, 8), ("a", 1, 1, 1), ("c", 1, 7, 7)]
    assert shop.world.spark._jsparkSession.sharedState().cacheManager().isEmpty(), "what was held is let go of"


def test_whatever_is_done_to_a_source_an_update_follows(shop):
    uri = shop.uri("raw.sales")

    def write(rows: list[tuple], **options: str) -> None:
        frame = shop.spark.createDataFrame(rows, SCHEMA)
        frame.write.format("delta").mode("overwrite").options(**options).save(uri)

    deeds = {
        "overwrite": (lambda: write([("a", 9), ("c", 1)]), [("a", 1, 9, 9), ("c", 1, 1, 1)]),
        "replace where": (
            lambda: write([("a", 3), ("a", 4)], replaceWhere="shop = 'a'"),
            [("a", 2, 7, 4), ("c", 1, 1, 1)],
        ),
        "restore": (lambda: shop.delta("raw.sales").restoreToVersion(0), [("a", 2, 3, 2), ("b", 1, 5, 5)]),
        "compact": (lambda: compact(uri), [("a", 2, 3, 2), ("b", 1, 5, 5)]),
        "delete all": (lambda: shop.delta("raw.sales").delete(), []),
    }
    for name, (deed, left) in deeds.items():
        deed()
        wanted = {"compact": "nothing", "overwrite": "rebuild"}.get(name, "update")
        assert shop.run(SALES).plan == wanted, name
        assert shop.rows("gold.sales") == left, name


def test_a_row_that_somebody_doubled_goes_with_the_rebuild(shop):
    shop.frame("gold.sales").where("shop = 'a'").write.format("delta").mode("append").save(shop.uri("gold.sales"))
    assert [found.kind for found in shop.differences(SALES)] != []
    run = shop.run(SALES)
    assert (run.plan, run.reason) == ("rebuild", "PROGRESS_LOST")
    assert shop.rows("gold.sales") == [("a", 2, 3, 2), ("b", 1, 5, 5)]


def test_a_foreign_write_under_a_run_is_told(shop):
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    shop.world.renew()
    task = refresh.prepare(shop.world, SALES, "auto")
    shop.delta("gold.sales").delete("shop = 'b'")
    with pytest.raises(CommitLost, match="somebody else wrote"):
        refresh.update.update(task, Run("r", SALES.target))
    shop.run(SALES, "rebuild")
    assert shop.rows("gold.sales") == [("a", 3, 13, 10), ("b", 1, 5, 5)]


def test_a_run_that_pinned_an_older_version_never_takes_a_target_back(shop):
    old = shop.world.pin("raw.sales")
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    shop.run(SALES)
    shop.world.pins["raw.sales"] = old
    assert refresh.prepare(shop.world, SALES, "auto").plan.kind == "nothing"

    names = "shop string, name string"
    shop.put("raw.names", [("a", "Anna")], names)
    joined = Job(
        source=["raw.sales", "raw.names"],
        map=lambda sales, names: sales.join(names, "shop"),
        key=["shop"],
        reduce={"lines": Count()},
        target="gold.named",
    )
    shop.run(joined)
    shop.put("raw.names", [("b", "Ben")], names)
    shop.world.renew()
    shop.world.pins["raw.sales"] = old
    made = refresh.prepare(shop.world, joined, "auto").plan
    assert (made.kind, made.reason) == ("nothing", "NOTHING_NEW") and "another run" in made.detail
    assert shop.run(joined).plan == "update" and shop.rows("gold.named") == [("a", 3), ("b", 1)]


def test_a_feed_whose_files_are_gone_rebuilds_and_says_so(shop):
    shop.delta("raw.sales").update("shop = 'a'", {"amount": "amount + 1"})
    shop.world.renew()
    task = refresh.prepare(shop.world, SALES, "auto")
    shutil.rmtree(Path(shop.uri("raw.sales"), "_change_data"))
    run = Run("r", SALES.target)
    refresh._do(task, "update", run)  # they went after the plan was made
    assert (run.plan, run.reason) == ("update", "FEED_EXPIRED"), "both versions can still be compared"
    assert shop.rows("gold.sales") == [("a", 2, 5, 3), ("b", 1, 5, 5)]


def test_a_table_made_under_another_name_is_not_taken_for_ones_own(shop):
    other = Job(source="raw.sales", key=["shop"], reduce=SALES.reduce, target="gold.other")
    shutil.copytree(shop.uri("gold.sales"), shop.uri("gold.other"))
    with pytest.raises(UsageError, match="made as another table"):
        shop.run(other)


def test_one_more_source_is_another_definition(shop):
    shop.put("raw.names", [("a", "Anna"), ("b", "Ben")], "shop string, name string")
    joined = Job(
        source=["raw.sales", "raw.names"],
        map=lambda sales, names: sales.join(names, "shop"),
        key=["shop"],
        reduce={"lines": Count(), "revenue": Sum("amount"), "largest": Max("amount")},
        target="gold.sales",
    )
    assert shop.run(joined).reason == "DEFINITION_CHANGED"
    assert not isinstance(shop.progress("gold.sales"), NoProgress)


def test_a_key_with_the_name_of_a_part_is_refused(lake):
    job = Job(source="raw.sales", key=["rows"], reduce={"n": Count()}, target="gold.sales")
    lake.put("raw.sales", [(1,)], "rows int")
    with pytest.raises(UsageError, match='key "rows"'):
        lake.run(job)


def test_of_the_two_zeros_the_latest_row_has_one_however_it_came(lake):
    job = Job(source="raw.rows", key=["k"], reduce=Latest(by=["at"]), target="gold.rows")
    schema = "k string, at int, v double, f float"
    lake.put("raw.rows", [("a", 1, -0.0, -0.0), ("b", 1, -0.0, 1.0)], schema)
    lake.run(job)
    lake.put("raw.rows", [("b", 2, -0.0, -0.0), ("c", 1, -0.0, -0.0)], schema)
    assert lake.run(job).plan == "update"
    assert repr(lake.rows("gold.rows")) == "[('a', 1, 0.0, 0.0), ('b', 2, 0.0, 0.0), ('c', 1, 0.0, 0.0)]"
    assert lake.differences(job) == []  # -0.0 is in the source


def test_a_project_without_jobs_has_nothing_to_run(lake):
    assert run_tables(lake.world, {}).exit_code == 0
