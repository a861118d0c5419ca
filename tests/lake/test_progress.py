"""Progress travels with the data: a run that dies, runs again or races another has its effect once."""

import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from lake_jobs import SALES, do

from lakemill import Count, Job, Max
from lakemill.errors import Busy, CorruptFeed, LakemillError, UsageError
from lakemill.lake.commit import TXN_APP
from lakemill.lake.lock import lock
from lakemill.lake.progress import NoProgress, read_progress
from lakemill.observe.runs import Run
from lakemill.refresh import prepare, refresh

SCHEMA = "shop string, amount bigint"


def test_the_same_run_twice_is_one_effect(shop):
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    assert shop.run(SALES).plan == "update"
    version = shop.log("gold.sales").version
    assert shop.run(SALES).reason == "NOTHING_NEW"
    assert shop.log("gold.sales").version == version
    assert shop.rows("gold.sales") == [("a", 3, 13, 10), ("b", 1, 5, 5)]


def test_a_run_that_dies_before_its_commit_leaves_nothing(shop, monkeypatch):
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    monkeypatch.setattr("lakemill.kinds.reduced.merge_keys", _dies)
    with pytest.raises(RuntimeError, match="power cut"):
        shop.run(SALES)
    assert shop.rows("gold.sales")[0] == ("a", 2, 3, 2)
    monkeypatch.undo()
    shop.run(SALES)
    assert shop.rows("gold.sales")[0] == ("a", 3, 13, 10)


def test_a_run_that_dies_after_its_commit_is_not_repeated(shop, monkeypatch):
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    monkeypatch.setattr("lakemill.lake.commit.confirm", _dies)
    with pytest.raises(RuntimeError, match="power cut"):
        shop.run(SALES)
    monkeypatch.undo()
    assert shop.run(SALES).plan == "nothing"
    assert shop.rows("gold.sales")[0] == ("a", 3, 13, 10)


def test_auto_compaction_says_what_our_write_said_and_is_not_it(shop):
    conf, auto = shop.world.spark.conf, "spark.databricks.delta.autoCompact"
    conf.set(f"{auto}.enabled", "true")
    conf.set(f"{auto}.minNumFiles", "2")
    try:
        shop.put("raw.sales", [("c", 10)], SCHEMA)
        run, log = shop.run(SALES), shop.log("gold.sales")
        assert log.commit(log.version).info["operation"] == "OPTIMIZE"
        assert (run.plan, run.version) == ("update", log.version - 1)
        assert shop.run(SALES).plan == "nothing"
    finally:
        for setting in ("enabled", "minNumFiles"):
            conf.unset(f"{auto}.{setting}")
    shop.put("raw.sales", [("c", 30)], SCHEMA)
    assert shop.run(SALES).plan == "update"
    assert shop.rows("gold.sales") == [("a", 2, 3, 2), ("b", 1, 5, 5), ("c", 2, 40, 30)]


def _dies(*_args, **_kwargs):
    raise RuntimeError("power cut")


@pytest.mark.parametrize("kind", ["update", "append"])
def test_two_threads_from_one_progress_have_one_effect(shop, kind):
    copy = Job(source="raw.sales", target="gold.copy")
    job = SALES if kind == "update" else copy
    if kind == "append":
        shop.run(copy)
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    worlds = [shop.new_world(), shop.new_world()]
    tasks = [prepare(world, job, "auto") for world in worlds]
    assert tasks[0].next_progress().run == tasks[1].next_progress().run
    outcomes = _at_once([lambda t=task: do(t) for task in tasks])
    assert sorted(outcomes) == ["committed", "lost"]
    if kind == "update":
        assert shop.rows("gold.sales")[0] == ("a", 3, 13, 10)
    else:
        assert shop.rows("gold.copy").count(("a", 10)) == 1


def _at_once(works) -> list[str]:
    found, barrier = [], threading.Barrier(len(works))

    def one(work):
        barrier.wait()
        found.append(work())

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


OTHER_PROCESS = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from pyspark.sql import SparkSession
from conftest import TestLake, SPARK
from lakemill.lake.session import start_session
from lakemill.refresh import prepare
from lake_jobs import SALES, do
lake = TestLake(start_session(SPARK), Path({root!r}))
task = prepare(lake.world, SALES, "auto")
print("planned", flush=True)
sys.stdin.readline()
print(do(task), flush=True)
"""


def test_two_processes_from_one_progress_have_one_effect(shop):
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    here = Path(__file__).resolve().parent
    paths = [str(here.parent), str(here), str(here.parents[1] / "lib")]
    code = OTHER_PROCESS.format(paths=paths, root=str(shop.root))
    other = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert other.stdout.readline() == "planned\n"
        mine = prepare(shop.new_world(), SALES, "auto")
        other.stdin.write("go\n")
        other.stdin.flush()
        outcomes = [do(mine), other.stdout.readline().strip()]
    finally:
        other.stdin.close()
        other.wait(60)
    assert sorted(outcomes) == ["committed", "lost"]
    assert shop.rows("gold.sales")[0] == ("a", 3, 13, 10)


def test_a_second_process_is_told_who_holds_the_table(shop):
    with lock(shop.world.locks, "gold.sales"), pytest.raises(Busy, match=r"gold.sales: process \d+ on .*since"):
        shop.run(SALES)
    assert shop.run(SALES).plan == "nothing"


def test_a_leftover_transaction_number_is_refused(shop):
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    shop.world.spark.conf.set(TXN_APP, "somebody")
    try:
        with pytest.raises(UsageError, match="set already"):
            shop.run(SALES)
    finally:
        shop.world.spark.conf.unset(TXN_APP)
    assert shop.rows("gold.sales")[0] == ("a", 2, 3, 2)


def test_compaction_is_walked_over_and_a_restore_is_not(shop):
    first = shop.log("gold.sales").version
    shop.put("raw.sales", [("a", 10)], SCHEMA)
    shop.run(SALES)
    shop.delta("gold.sales").optimize().executeCompaction()
    assert shop.progress("gold.sales").run == 2
    shop.delta("gold.sales").restoreToVersion(first)
    found = read_progress(shop.log("gold.sales"), "gold.sales")
    assert isinstance(found, NoProgress) and found.reason == "TARGET_RESTORED" and found.run == 2
    assert shop.run(SALES).reason == "TARGET_RESTORED"
    assert shop.rows("gold.sales")[0] == ("a", 3, 13, 10)


def test_a_compacted_source_is_nothing_new(shop):
    shop.put("raw.sales", [("c", 1)], SCHEMA)
    shop.run(SALES)
    version = shop.log("gold.sales").version
    shop.delta("raw.sales").optimize().executeCompaction()
    assert shop.run(SALES).plan == "nothing"
    assert shop.log("gold.sales").version == version


def test_somebody_elses_write_is_made_good(shop):
    shop.delta("gold.sales").update("shop = 'a'", {"revenue": "0"})
    run = shop.run(SALES)
    assert (run.plan, run.reason) == ("rebuild", "PROGRESS_LOST")
    assert "UPDATE" in run.detail
    assert shop.rows("gold.sales")[0] == ("a", 2, 3, 2)


def test_a_table_of_another_maker_is_left_alone(lake):
    lake.put("raw.sales", [("a", 1)], SCHEMA)
    lake.put("gold.sales", [("mine", 1)], SCHEMA)
    for policy in ("auto", "rebuild"):
        with pytest.raises(UsageError, match="lakemill did not make"):
            lake.run(SALES, policy)
    assert lake.rows("gold.sales") == [("mine", 1)]


def test_the_commit_says_what_it_was_made_from(shop):
    said = shop.metadata("gold.sales")
    log = shop.log("raw.sales")
    commit = log.commit(log.version).id
    assert said["positions"] == {"raw.sales": {"version": log.version, "table_id": log.table_id, "commit": commit}}
    assert (said["plan"], said["reason"], said["run"]) == ("rebuild", "FIRST_RUN", 1)


def test_a_key_without_rows_disappears_and_a_zero_does_not(shop):
    shop.put("raw.sales", [("b", -5)], SCHEMA)
    shop.delta("raw.sales").delete("shop = 'a'")
    run = shop.run(SALES)
    assert shop.rows("gold.sales") == [("b", 2, 0, 5)]
    assert run.keys_recomputed == 0


def test_a_removed_extreme_is_recomputed_and_only_that_key(shop):
    shop.delta("raw.sales").delete("amount = 2")
    shop.put("raw.sales", [("b", 1)], SCHEMA)
    run = shop.run(SALES)
    assert (run.plan, run.keys_touched, run.keys_recomputed) == ("update", 2, 1)
    assert shop.rows("gold.sales") == [("a", 1, 1, 1), ("b", 2, 6, 5)]


def test_more_rows_taken_than_there_were_is_a_corrupt_feed(shop, monkeypatch):
    shop.delta("raw.sales").delete("shop = 'a'")

    def twice_removed(task, held):
        change = _change(task, held)
        return replace(change, judging=replace(change.judging, rows=change.rows.unionAll(change.rows)))

    from lakemill.refresh import update as module

    _change = module.mapped_change
    monkeypatch.setattr(module, "mapped_change", twice_removed)
    with pytest.raises(CorruptFeed, match="shop=a"):
        shop.run(SALES)
    assert shop.rows("gold.sales")[0] == ("a", 2, 3, 2)


@pytest.mark.parametrize("policy", ["update"])
def test_policy_update_refuses_to_rebuild(shop, policy):
    changed = Job(source="raw.sales", key=["shop"], reduce={"lines": Count()}, target="gold.sales")
    with pytest.raises(UsageError, match="DEFINITION_CHANGED"):
        shop.run(changed, policy)
    assert shop.rows("gold.sales")[0] == ("a", 2, 3, 2)
    assert shop.run(changed).reason == "DEFINITION_CHANGED"
    assert shop.rows("gold.sales") == [("a", 2), ("b", 1)]
    shop.put("raw.sales", [("b", 1)], SCHEMA)
    assert shop.run(changed, policy).plan == "update"


def test_a_state_only_change_is_no_change_downstream(shop):
    tops = Job(source="raw.sales", key=["shop"], reduce={"largest": Max("amount")}, target="gold.tops")
    shops = Job(source="gold.tops", key=["shop"], reduce={"n": Count()}, target="gold.shops")
    for job in (tops, shops):
        shop.run(job)
    before = shop.rows("gold.tops", "_state")
    shop.put("raw.sales", [("a", 0), ("a", None)], SCHEMA)
    assert shop.run(tops).rows_out == 1
    assert shop.rows("gold.tops", "_state") != before
    run = shop.run(shops)
    assert (run.plan, run.keys_touched, run.rows_out) == ("update", 0, 0)
    assert shop.rows("gold.shops") == [("a", 1), ("b", 1)]


def test_the_feed_is_missing_expired_or_of_another_table(lake):
    lake.spark.createDataFrame([("a", 1)], SCHEMA).write.format("delta").save(lake.uri("raw.sales"))
    lake.run(SALES)
    lake.spark.createDataFrame([("a", 2)], SCHEMA).write.format("delta").mode("append").save(lake.uri("raw.sales"))
    assert lake.run(SALES).reason == "FEED_MISSING"
    lake.spark.sql(f"alter table delta.`{lake.uri('raw.sales')}` set tblproperties (delta.enableChangeDataFeed = true)")
    lake.put_by_spark("raw.sales", [("b", 1)], SCHEMA)
    assert lake.run(SALES).reason == "FEED_MISSING"
    lake.put_by_spark("raw.sales", [("b", 7)], SCHEMA)
    assert lake.run(SALES).reason == "UPDATE"
    lake.put_by_spark("raw.sales", [("b", 8)], SCHEMA)
    log = Path(lake.uri("raw.sales")) / "_delta_log"
    wide = lake.frame("raw.sales").selectExpr("shop", "amount", "1 as more")
    wide.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(lake.uri("raw.sales"))
    assert lake.run(SALES).reason == "SOURCE_OVERWRITTEN"
    assert lake.rows("gold.sales") == [("a", 2, 3, 2), ("b", 3, 16, 8)]
    shutil.rmtree(log.parent)
    lake.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    lake.put_by_spark("raw.sales", [("z", 1)], SCHEMA)
    assert lake.run(SALES).reason == "SOURCE_RECREATED"
    assert lake.rows("gold.sales") == [("z", 1, 1, 1)]


def test_verify_finds_and_names_every_damage(lake):
    lake.put("raw.sales", [(shop, 1) for shop in "abcde"], SCHEMA)
    lake.run(SALES)
    assert lake.differences(SALES) == []
    damages = {"revenue": "'a' then 99", "shop": "'c' then 'x'", "_state.count_amount": "'d' then 7"}
    wrong = {name: f"case when shop = {damage} else {name} end" for name, damage in damages.items()}
    lake.delta("gold.sales").update("shop <> 'e'", wrong)
    lake.delta("gold.sales").delete("shop = 'b'")
    found = lake.differences(SALES)
    by_row = {row: {one.kind for one in found if one.row == row} for row in {one.row for one in found}}
    assert by_row == {
        "shop=a": {"column revenue"}, "shop=b": {"missing row"}, "shop=c": {"missing row"},
        "shop=d": {"damaged state"}, "shop=x": {"extra row", "damaged state"},
    }  # fmt: skip


def test_what_cannot_be_verified_is_said(lake):
    lake.put("raw.sales", [("a", 1)], SCHEMA)
    with pytest.raises(LakemillError, match="cannot be verified"):
        lake.differences(SALES)


def test_refresh_needs_its_sources(lake):
    with pytest.raises(UsageError, match=r"raw.sales: there is no Delta table at"):
        refresh(lake.world, SALES, "auto", Run("r", "gold.sales"))


def test_a_change_that_the_map_leaves_out_is_read_and_ends(lake):
    """Spark finds such a plan empty and leaves its parts out; waiting for their row counts would take for ever."""
    from pyspark.sql import functions as F

    kept = Job(
        source="raw.sales",
        map=lambda sales: sales.where(F.col("amount") > 100),
        key=["shop"],
        reduce={"lines": Count(), "largest": Max("amount")},
        target="gold.kept",
    )
    lake.put("raw.sales", [("a", 101)], SCHEMA)
    lake.run(kept)
    for change in ("amount > 1000", "shop = 'a'"):
        lake.put("raw.sales", [("a", 1), ("b", 2)], SCHEMA)
        lake.run(kept)
        lake.delta("raw.sales").delete(change)
        lake.run(kept)
    assert lake.rows("gold.kept") == []
    lake.delta("raw.sales").delete()
    assert lake.run(kept).plan == "update"
    assert lake.rows("gold.kept") == []
