"""Additions: the write adds the deltas of totals by itself, refuses what was never there, and touches nothing else."""

from dataclasses import replace

import pytest
from foreign import feed

from lakemill import Count, Job, Mean, Sum
from lakemill.core.weights import WEIGHT
from lakemill.errors import CorruptFeed

pytestmark = pytest.mark.spark
JOB = Job(source="raw.s", key=["k"], reduce={"n": Count(), "total": Sum("v"), "mean": Mean("v")}, target="gold.g")
SCHEMA = "k string, v bigint, note string"


@pytest.fixture
def made(lake):
    lake.put("raw.s", [("a", 1, "x"), ("a", 3, "x"), ("b", 5, "x")], SCHEMA)
    lake.run(JOB)
    return lake


def test_keys_come_change_and_go(made):
    made.delta("raw.s").delete("k = 'b'")
    made.put("raw.s", [("a", 8, "x"), ("c", None, "x")], SCHEMA)
    run = made.run(JOB)
    assert (run.plan, run.keys_touched) == ("update", 3)
    assert made.rows("gold.g") == [("a", 3, 12, 4.0), ("c", 1, None, None)]


def test_what_has_no_effect_is_not_written(made):
    """A corrected column that the job does not read, and a row that came and went."""
    made.delta("raw.s").update("k = 'a'", {"note": "'y'"})
    made.put("raw.s", [("c", 1, "x")], SCHEMA)
    made.delta("raw.s").delete("k = 'c'")
    version = made.log("gold.g").version
    assert made.run(JOB).keys_touched == 0
    assert feed(made.uri("gold.g"), version) == []


@pytest.mark.parametrize(("key", "weights"), [("a", [-1, -1, -1]), ("never", [-1]), ("never", [1, -1, -1])])
def test_more_than_there_was_is_refused_by_the_name_of_the_key(made, monkeypatch, key, weights):
    """Whether the key was there or not; and nothing is written, though the change has more that is sound."""
    from lakemill.refresh import update as module

    change_of_job = module.mapped_change

    def damaged(task, held):
        rows = task.target.spark.createDataFrame(
            [(key, 1, "x", weight) for weight in weights], f"{SCHEMA}, {WEIGHT} int"
        )
        change = change_of_job(task, held)
        more = change.rows.unionByName(rows.select(*change.rows.columns))
        return replace(change, judging=replace(change.judging, rows=more))

    made.put("raw.s", [("c", 1, "x")], SCHEMA)
    monkeypatch.setattr(module, "mapped_change", damaged)
    before = made.log("gold.g").version, made.rows("gold.g")
    with pytest.raises(CorruptFeed, match=f"takes away rows of k={key}"):
        made.run(JOB)
    assert (made.log("gold.g").version, made.rows("gold.g")) == before
