"""Many small updates, one table after the other and several side by side.

`--tables` tables, each made from a source of its own. A round appends some rows to every source and runs all tables by
one thread, appends again and runs them by `--threads`; so both sides do the same work, in one process, in turn. Both
sides' rows are counted and compared with those of the sources.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from pyspark.sql import functions as F

from lakemill import Count, Job, Sum
from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.runner import Outcome, run_tables, side_by_side
from lakemill.world import World

ROOT = Path(__file__).resolve().parents[2]
ROWS = 1_000
FEED = {"delta.enableChangeDataFeed": "true"}


def main() -> int:
    """One line a side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--threads", type=int, default=side_by_side())
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spark = start_session(load_conf(ROOT).spark)
        measure(World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks"), given)
    return 0


def measure(world: World, given: argparse.Namespace) -> None:
    """The first run makes the tables; a small run of either side warms up; then all rounds."""
    jobs = {f"gold.t{at}": job(at) for at in range(given.tables)}
    add_rows(world, given.tables, 0)
    run_tables(world, jobs, threads=given.threads)
    taken: dict[int, list[float]] = {1: [], given.threads: []}
    last: dict[int, Outcome] = {}
    batch = 0
    for _ in range(given.rounds):
        for threads, seconds in taken.items():
            batch += 1
            add_rows(world, given.tables, batch)
            began = time.monotonic()
            last[threads] = run_tables(world, jobs, threads=threads)
            seconds.append(time.monotonic() - began)
    counted = sum(world.lake.table(name).pin().rows().agg(F.sum("n")).collect()[0][0] for name in jobs)
    assert counted == given.tables * ROWS * (batch + 1), "every row is counted"
    print(f"{given.tables} tables, {ROWS:,} rows appended to the source of each; {world.spark.sparkContext.master}; "
          f"median of {given.rounds}; {counted:,} rows counted in all")  # fmt: skip
    single = statistics.median(taken[1])
    show([line(threads, statistics.median(seconds), single, last[threads]) for threads, seconds in taken.items()])


def job(at: int) -> Job:
    """A small table of totals."""
    return Job(source=f"raw.s{at}", key=["k"], reduce={"n": Count(), "total": Sum("v")}, target=f"gold.t{at}")


def add_rows(world: World, tables: int, batch: int) -> None:
    """The same rows to every source."""
    rows = world.spark.range(batch * ROWS, (batch + 1) * ROWS, 1, 1)
    rows = rows.select((F.col("id") % 100).alias("k"), F.col("id").alias("v"))
    for at in range(tables):
        rows.write.format("delta").mode("append").options(**FEED).save(world.lake.table(f"raw.s{at}").uri)


def line(threads: int, seconds: float, single: float, outcome: Outcome) -> dict[str, object]:
    """One side."""
    return {
        "threads": threads,
        "plans": "/".join(sorted({f"{run.plan} {run.reason}" for run in outcome.runs})),
        "tables": len(outcome.runs),
        "rows in": sum(run.rows_in or 0 for run in outcome.runs),
        "rows out": sum(run.rows_out or 0 for run in outcome.runs),
        "spark jobs": sum(run.spark_jobs or 0 for run in outcome.runs),
        "seconds": seconds,
        "times as fast": single / seconds,
    }


if __name__ == "__main__":
    raise SystemExit(main())
