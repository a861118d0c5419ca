"""Tables worked on several at a time come to the same as one after the other, and a failure stops what reads it alone.

The oracle counts the rows that were put in.
"""

from collections import Counter

import pytest
from pyspark.sql import functions as F

from lakemill import Count, Job, Sum
from lakemill.observe.runs import DONE, FAILED, LEDGER, SKIPPED
from lakemill.runner import run_tables

pytestmark = pytest.mark.spark
SCHEMA = "k bigint, v bigint"


def refuses(rows):
    """A map that fails where a row is 13."""
    return rows.withColumn("v", F.when(F.col("v") == 13, F.raise_error(F.lit("unlucky"))).otherwise(F.col("v")))


TOTALS = {"n": Count(), "total": Sum("v")}
JOBS = {
    job.target: job
    for job in [
        *[Job(source=f"raw.s{at}", key=["k"], reduce=TOTALS, target=f"silver.a{at}") for at in range(4)],
        Job(source="raw.s0", map=refuses, key=["k"], reduce=TOTALS, target="silver.bad"),
        Job(source="silver.a0", key=["n"], reduce={"keys": Count()}, target="gold.of_a"),
        Job(source="silver.bad", key=["n"], reduce={"keys": Count()}, target="gold.of_bad"),
        Job(source="gold.of_bad", key=[], reduce={"all": Count()}, target="gold.of_of_bad"),
    ]
}


def test_several_at_a_time(lake):
    sources = {f"raw.s{at}": list[tuple[int, int]]() for at in range(4)}

    def put(rows) -> None:
        for at, (name, held) in enumerate(sources.items()):
            added = [(k + at, v) for k, v in rows]
            held.extend(added)
            lake.put(name, added, SCHEMA)

    def whole(outcome) -> None:
        """Every table is what its source's rows make it, and the ledger has each run that did something, once."""
        for at, held in enumerate(sources.values()):
            counts, totals = Counter(k for k, _ in held), Counter[int]()
            for k, v in held:
                totals[k] += v
            assert lake.rows(f"silver.a{at}", "k", "n", "total") == sorted((k, counts[k], totals[k]) for k in counts)
        of_a = Counter(Counter(k for k, _ in sources["raw.s0"]).values())
        assert lake.rows("gold.of_a", "n", "keys") == sorted(of_a.items())
        rows = lake.frame(LEDGER).where(F.col("run_id") == outcome.runs[0].run_id).collect()
        assert sorted(row.target for row in rows) == sorted(r.target for r in outcome.runs if r.plan != "nothing")

    put([(k, k) for k in range(10)])
    outcome = run_tables(lake.world, JOBS, threads=3)
    assert {run.status for run in outcome.runs} == {DONE} and {run.target for run in outcome.runs} == set(JOBS)
    whole(outcome)

    put([(k % 3, k) for k in range(10, 15)])  # with a row that one map refuses
    outcome = run_tables(lake.world, JOBS, threads=3)
    failed = {"silver.bad": FAILED, "gold.of_bad": SKIPPED, "gold.of_of_bad": SKIPPED}
    assert {run.target: run.status for run in outcome.runs if run.status != DONE} == failed
    assert {run.plan for run in outcome.runs if run.status == DONE} == {"update"}
    assert "unlucky" in str(outcome.error) and outcome.exit_code != 0
    whole(outcome)

    outcome = run_tables(lake.world, {name: job for name, job in JOBS.items() if "bad" not in name}, threads=3)
    assert {run.plan for run in outcome.runs} == {"nothing"}
