"""A log that is kept for a few days only is cleaned as any other: Delta is given its time as a Long, however small."""

import os
from pathlib import Path

from lake_jobs import SALES

from lakemill import Count, Job
from lakemill.runner import maintain_tables

SCHEMA = "shop string, amount bigint"
SHOPS = Job(source="gold.sales", key=[], reduce={"shops": Count()}, target="gold.shops")
DAY = 86_400


def test_a_log_kept_for_a_day_is_cleaned_and_kept_for_its_reader(lake):
    lake.put("raw.sales", [("a", 1)], SCHEMA)
    lake.run(SALES)
    lake.run(SHOPS)
    short = "'delta.logRetentionDuration' = 'interval 1 day', 'delta.deletedFileRetentionDuration' = 'interval 1 hour'"
    lake.spark.sql(f"ALTER TABLE delta.`{lake.uri('gold.sales')}` SET TBLPROPERTIES ({short})")
    for amount in range(3):
        lake.put("raw.sales", [("b", amount)], SCHEMA)
        lake.run(SALES)
    log = Path(lake.uri("gold.sales"), "_delta_log")
    for place, file in enumerate(sorted(log.glob("*"))):  # as it lies there 20 days later
        at = file.stat().st_mtime - 20 * DAY + place
        os.utime(file, (at, at))
    lake.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    jobs = {job.target: job for job in (SALES, SHOPS)}

    held = maintain_tables(lake.world, jobs, ["gold.sales"])
    assert held.errors == []
    assert "gold.shops was made from version 0: the log is kept from there on" in " ".join(held.done[0].remarks)
    assert lake.run(SHOPS).plan == "update" and lake.rows("gold.shops") == [(2,)]
    cleaned = maintain_tables(lake.world, jobs, ["gold.sales"])
    assert cleaned.errors == [] and cleaned.done[0].log_removed > 0
    lake.put("raw.sales", [("c", 5)], SCHEMA)
    assert [lake.run(job).plan for job in (SALES, SHOPS)] == ["update", "update"]
    assert lake.rows("gold.sales") == [("a", 1, 1, 1), ("b", 3, 3, 2), ("c", 1, 5, 5)]
    assert lake.rows("gold.shops") == [(3,)]
