"""What is verified before a table is adopted: some of its keys at least, whatever they hold; and what is recorded."""

from dataclasses import replace

import pytest
from pyspark.sql import functions as F

from lakemill import Count, Job, PerKey, Sum, pure
from lakemill.lake.commit import repeat
from lakemill.maps.check import check_job
from lakemill.python.bytecode import as_at_first
from lakemill.refresh import adopt

OLDER = "Spark 4.0.2, Delta 4.0.1, Python 3.10"
FILES = {"gold/rows.py": "job = ...\n"}


def loaded(files=FILES, **parts) -> Job:
    made = Job(source="raw.rows", target="gold.rows", **parts)
    object.__setattr__(made, "files", files)  # as loading a job from its file does
    return made


def made_before(lake, **recorded):
    """Let the target's progress say something else than it does."""
    before = replace(lake.progress("gold.rows").again(), **recorded)
    repeat(lake.world.lake.table("gold.rows"), before, lake.log("gold.rows").version)


def per_key(by: int) -> Job:
    return loaded(key=["k"], reduce=PerKey(lambda rows: rows.select("k", (F.col("v") * by).alias("v"))))


def appended(by: int) -> Job:
    return loaded(map=lambda rows: rows.select("k", (F.col("v") * by).alias("v")))


@pytest.mark.parametrize("job", [per_key, appended])
def test_few_keys_in_many_rows_are_verified_nevertheless(lake, job, monkeypatch):
    monkeypatch.setattr(adopt, "KEYS", 0)  # the least sample: one key in a million
    lake.put("raw.rows", [("a", 1)] * 20 + [("b", 2)] * 20, "k string, v int")
    lake.run(job(1))
    made_before(lake, fingerprint="printed otherwise", made_by=OLDER)
    run = lake.run(job(2))
    assert (run.plan, run.reason) == ("rebuild", "DEFINITION_CHANGED") and "it differs" in run.detail
    made_before(lake, fingerprint="printed otherwise", made_by=OLDER)
    assert lake.run(job(2)).reason == "ADOPTED"


def test_what_the_files_say_is_recorded_for_an_upgrade_to_come(lake):
    """Once the files say it otherwise, or a table is from before they were recorded."""
    parts = {"key": ["k"], "reduce": {"n": Count(), "s": Sum("v")}}
    lake.put("raw.rows", [("a", 1)], "k string, v int")
    lake.run(loaded(**parts))
    made_before(lake, source="", made_by="")
    assert lake.run(loaded(**parts)).reason == "NOTHING_NEW"
    recorded = lake.progress("gold.rows")
    assert recorded.source and recorded.made_by
    assert lake.run(loaded({"gold/rows.py": "x = 1\njob = ...\n"}, **parts)).reason == "NOTHING_NEW"
    assert lake.progress("gold.rows").source not in ("", recorded.source)
    version = lake.log("gold.rows").version
    assert lake.run(loaded({"gold/rows.py": "x = (1)  # one\njob = ...\n"}, **parts)).reason == "NOTHING_NEW"
    assert lake.log("gold.rows").version == version
    made_before(lake, fingerprint="printed otherwise", made_by=OLDER)
    assert lake.run(loaded({"gold/rows.py": "x = 1\njob = ...\n"}, **parts)).reason == "ADOPTED"
    lake.put("raw.rows", [("a", 2), ("b", 1)], "k string, v int")
    assert lake.run(loaded({"gold/rows.py": "x = 1\njob = ...\n"}, **parts), "update").reason == "UPDATE"
    assert lake.rows("gold.rows") == [("a", 2, 3), ("b", 1, 1)]


def test_a_table_from_before_files_were_recorded_is_carried_on(lake):
    """Its Python function was digested with its docstring then."""

    @pure("int")
    def doubled(value):
        """Twice the value."""
        return value * 2

    job = Job(
        source="raw.rows", target="gold.rows", map=lambda rows: rows.select("k", doubled("v").alias("v")), key=["k"],
        reduce={"s": Sum("v")},
    )  # fmt: skip
    lake.put("raw.rows", [("a", 1)], "k string, v int")
    lake.run(job)
    present = lake.progress("gold.rows").fingerprint
    with as_at_first():
        first = check_job(lake.spark, job, {"raw.rows": lake.frame("raw.rows").schema}).fingerprint
    assert first != present
    made_before(lake, fingerprint=first, source="", made_by="")
    assert lake.differences(job) == []
    assert lake.run(job).reason == "NOTHING_NEW"
    lake.put("raw.rows", [("a", 5)], "k string, v int")
    assert lake.run(job, "update").reason == "UPDATE"
    assert lake.progress("gold.rows").fingerprint == present
    made_before(lake, fingerprint="another", source="", made_by="")
    run = lake.run(job)
    assert (run.plan, run.reason) == ("rebuild", "DEFINITION_CHANGED") and "was not recorded yet" in run.detail
    assert lake.rows("gold.rows") == [("a", 12)]
