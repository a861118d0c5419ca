"""A target whose columns somebody altered is named and made anew, and never a raw error or a wrong row."""

import pytest

from lakemill import Count, Job, Mean, PerKey, Sum
from lakemill.errors import LakemillError, UsageError
from lakemill.refresh import prepare
from lakemill.runner import maintain_tables

SCHEMA = "shop string, n int"
REDUCE = {"n": Sum("n"), "m": Mean("n"), "c": Count()}
ALTERED = {
    "renamed": ("RENAME COLUMN n TO revenue", "its column n is gone, it has a column revenue more"),
    "no_state": ("DROP COLUMN _state", "its column _state is gone"),
    "first": ("ALTER COLUMN c FIRST", "its columns are in another order"),
    "key": ("RENAME COLUMN shop TO store", "its column shop is gone, it has a column store more"),
    "wider": ("ALTER COLUMN c TYPE DECIMAL(25,0)", "its column c is decimal(25,0), not bigint"),
}
MAPPED_AND_WIDENED = "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableTypeWidening' = 'true')"
HARMLESS = ("ALTER COLUMN n COMMENT 'euros'", "SET TBLPROPERTIES ('team' = 'shop')", "ALTER COLUMN n SET DEFAULT 3")


def alter(lake, table: str, what: str) -> None:
    lake.spark.sql(f"ALTER TABLE delta.`{lake.uri(table)}` {what}")


@pytest.fixture
def altered(lake):
    """Jobs of one source, each of whose targets somebody altered in his own way."""
    lake.put("raw.sales", [("a", 1), ("b", 2), (None, None)], SCHEMA)
    jobs = {name: Job(source="raw.sales", key=["shop"], reduce=REDUCE, target=f"gold.{name}") for name in ALTERED}
    for name, job in jobs.items():
        lake.run(job)
        alter(lake, job.target, MAPPED_AND_WIDENED)
        alter(lake, job.target, ALTERED[name][0])
    return jobs


def test_an_altered_target_is_named_and_made_anew(lake, altered):
    key = altered["key"]
    assert maintain_tables(lake.world, {key.target: key}, [key.target]).errors == []
    lake.put("raw.sales", [("a", 10)], SCHEMA)
    with pytest.raises(UsageError, match="--policy update, but it can only be rebuilt: TARGET_ALTERED"):
        prepare(lake.world, key, "update")
    for name, job in altered.items():
        with pytest.raises(LakemillError, match="somebody altered it since"):
            lake.differences(job)
        run = lake.run(job)
        assert (run.plan, run.reason) == ("rebuild", "TARGET_ALTERED") and ALTERED[name][1] in run.detail
        assert lake.frame(job.target).columns == ["shop", "n", "m", "c", "_state"]
        assert lake.rows(job.target, "shop", "n", "c") == [(None, None, 1), ("a", 11, 2), ("b", 2, 1)], name
    lake.delta("raw.sales").delete("n = 1")
    assert lake.run(altered["renamed"]).plan == "update"
    assert lake.rows("gold.renamed", "shop", "n", "c") == [(None, None, 1), ("a", 10, 1), ("b", 2, 1)]
    assert lake.differences(altered["renamed"]) == []


def test_what_harms_nothing_rebuilds_nothing(lake):
    lake.put("raw.sales", [("a", 1)], SCHEMA)
    job = Job(source="raw.sales", key=["shop"], reduce=REDUCE, target="gold.sales")
    lake.run(job)
    alter(lake, job.target, "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', "
                            "'delta.feature.allowColumnDefaults' = 'supported')")  # fmt: skip
    for what in HARMLESS:
        alter(lake, job.target, what)
    lake.put("raw.sales", [("a", 2)], SCHEMA)
    assert lake.run(job).plan == "update" and lake.differences(job) == []


def test_tables_of_other_kinds_are_altered_too(lake):
    lake.put("raw.sales", [("a", 1)], SCHEMA)
    copy = Job(source="raw.sales", target="gold.copy")
    counted = Job(source="raw.sales", key=["shop"], target="gold.counted",
                  reduce=PerKey(lambda rows: rows.groupBy("shop").count()))  # fmt: skip
    for job in (copy, counted):
        lake.run(job)
        alter(lake, job.target, "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
        alter(lake, job.target, "RENAME COLUMN shop TO store")
    lake.put("raw.sales", [("a", 10)], SCHEMA)
    for job in (copy, counted):
        assert lake.run(job).reason == "TARGET_ALTERED" and lake.differences(job) == []
    assert lake.rows("gold.copy") == [("a", 1), ("a", 10)] and lake.rows("gold.counted") == [("a", 2)]
