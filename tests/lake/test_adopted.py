"""A table that another Spark or Python made is verified on a sample of its keys and adopted, never silently rebuilt."""

from dataclasses import replace

import pytest
from pyspark.sql import functions as F

from lakemill import Count, Job, Max, Sum
from lakemill.errors import UsageError
from lakemill.lake.commit import repeat
from lakemill.observe.ledger import record
from lakemill.observe.runs import LEDGER, history

OLDER = "Spark 4.0.2, Delta 4.0.1, Python 3.10"
FILES = {"gold/sales.py": "job = ...\n"}
SCHEMA = "shop string, amount int"


def sold(sales):
    return sales.select("shop", "amount")


def doubled(sales):
    return sales.select("shop", (F.col("amount") * 2).alias("amount"))


def job(map=sold, files=FILES) -> Job:
    made = Job(
        source="raw.sales",
        map=map,
        key=["shop"],
        reduce={"lines": Count(), "revenue": Sum("amount"), "largest": Max("amount")},
        target="gold.sales",
    )
    object.__setattr__(made, "files", files)  # as loading a job from its file does
    return made


@pytest.fixture
def upgraded(lake):
    """A lake whose table was made under an older Spark and Python, which printed its plan in another way."""
    lake.put("raw.sales", [("a", 1), ("a", 2), ("b", 5), (None, 7)], SCHEMA)
    lake.run(job())
    older = replace(lake.progress("gold.sales").again(), fingerprint="printed otherwise", made_by=OLDER)
    repeat(lake.world.lake.table("gold.sales"), older, lake.log("gold.sales").version)
    return lake


def test_with_nothing_new_the_progress_alone_is_written(upgraded):
    rows = upgraded.rows("gold.sales")
    run = upgraded.run(job())
    assert (run.plan, run.reason) == ("nothing", "ADOPTED") and OLDER in run.detail
    record(upgraded.world.lake, [run])
    told = history(upgraded.world.lake.table(LEDGER), ["gold.sales"]).collect()
    assert [row.reason for row in told if row.run_id == run.run_id] == ["ADOPTED"]
    assert upgraded.rows("gold.sales") == rows
    assert upgraded.progress("gold.sales").made_by not in ("", OLDER)
    assert upgraded.run(job()).reason == "NOTHING_NEW"
    assert upgraded.differences(job()) == []


def test_a_change_is_followed_from_what_was_adopted(upgraded):
    upgraded.delta("raw.sales").delete("amount = 2")
    upgraded.put("raw.sales", [("c", 3)], SCHEMA)
    assert upgraded.differences(job()) == [], "verify needs no run first"
    run = upgraded.run(job(), "update")
    assert (run.plan, run.reason, run.keys_touched) == ("update", "ADOPTED", 2)
    assert upgraded.rows("gold.sales") == [(None, 1, 7, 7), ("a", 1, 1, 1), ("b", 1, 5, 5), ("c", 1, 3, 3)]
    upgraded.put("raw.sales", [("c", 4)], SCHEMA)
    assert upgraded.run(job(), "update").reason == "UPDATE"


def test_what_gives_other_rows_is_rebuilt_and_says_which(upgraded):
    """The files say the same, and a function behaves otherwise: as one of a newer library may."""
    with pytest.raises(UsageError, match="only be rebuilt: DEFINITION_CHANGED .*it differs: column revenue at shop"):
        upgraded.run(job(map=doubled), "update")
    run = upgraded.run(job(map=doubled))
    assert (run.plan, run.reason) == ("rebuild", "DEFINITION_CHANGED") and OLDER in run.detail
    assert upgraded.rows("gold.sales")[1] == ("a", 2, 6, 4)


def test_other_files_are_another_definition(upgraded):
    run = upgraded.run(job(files={"gold/sales.py": "job = other\n"}))
    assert (run.plan, run.reason) == ("rebuild", "DEFINITION_CHANGED") and "differs" not in run.detail
