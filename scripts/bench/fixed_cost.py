"""What a small update costs beside a plain append of as many rows: Spark jobs, calls to the JVM, seconds, by stage.

A source of `--rows` generated rows in files of neighbouring keys; each round appends `--changed` rows of neighbouring
keys, updates three tables by them (totals; totals and an extreme; a join with a second source), appends as many rows to
a plain Delta table, and makes the table of totals by hand, which is compared with the updated one. All in one process,
in turn; the first rounds warm up and are not counted.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Max, Mean, Sum
from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.core.local import to_local
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.runs import Run
from lakemill.runner import run_table
from lakemill.world import World

ROOT = Path(__file__).resolve().parents[2]
ROWS_A_KEY, ROWS_A_FILE = 75, 1_500_000
FEED = {"delta.enableChangeDataFeed": "true"}
TOTALS = {"rows": Count(), "total": Sum("amount"), "average": Mean("amount")}


def with_names(rows: DataFrame, names: DataFrame) -> DataFrame:
    """Each row with the name of its group."""
    return rows.join(names, "group")


JOBS = {
    "totals": Job(source="raw.rows", key=["k"], reduce=TOTALS, target="bench.totals"),
    "totals and an extreme": Job(
        source="raw.rows", key=["k"], reduce={**TOTALS, "largest": Max("amount")}, target="bench.extreme"
    ),
    "a join of two": Job(
        source=["raw.rows", "raw.names"], map=with_names, key=["k", "name"], reduce=TOTALS, target="bench.joined"
    ),
}


def main() -> int:
    """One table of figures for each size, and the stages of the last updates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_500_000])
    parser.add_argument("--changed", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm", type=int, default=4, help="rounds before those that count")
    parser.add_argument("--conf", nargs="*", default=[], metavar="KEY=VALUE", help="of Spark, for all sides")
    given = parser.parse_args()
    confs = dict(conf.split("=", 1) for conf in given.conf)
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            spark = start_session({**load_conf(ROOT).spark, **confs})
            world = World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks")
            measure(world, rows, given.changed, given.rounds, given.warm)
    return 0


def measure(world: World, rows: int, changed: int, rounds: int, warm: int) -> None:
    """Make the sources and the tables, then all rounds."""
    made(world, rows)
    for job in JOBS.values():
        updated(world, job)
    taken: dict[str, list[Run]] = {name: [] for name in ("append", "by hand", *JOBS)}
    for at in range(warm + rounds):
        change = changed_rows(world, rows, changed, at)
        written(world, "raw.rows", change)
        taken["append"].append(timed(lambda change=change: written(world, "raw.plain", change)))
        for name, job in JOBS.items():
            taken[name].append(updated(world, job))
        taken["by hand"].append(timed(lambda: by_hand(world)))
    same_rows(world)
    print(f"\n{rows:,} rows of {rows // ROWS_A_KEY:,} keys, {changed:,} rows appended a round; "
          f"{world.spark.sparkContext.master}; median of {rounds} after {warm}")  # fmt: skip
    append = middle(taken["append"][warm:])
    hand = middle(taken["by hand"][warm:])
    show([line(world, name, taken[name][warm:], append, hand) for name in JOBS])
    print(f"append alone {append:.2f} s, totals by hand {hand:.2f} s, of {count(world, 'bench.hand'):,} rows")
    for name in JOBS:
        print(f"\nstages of the last update: {name}")
        profile = taken[name][-1].profile
        assert profile is not None
        show([{"stage": stage, **vars(cost)} for stage, cost in profile.stages.items()])


def made(world: World, rows: int) -> None:
    """The rows in files of neighbouring keys, and the names of their groups."""
    files = max(1, rows // ROWS_A_FILE)
    written(world, "raw.rows", generated(world.spark.range(0, rows, 1, files)))
    written(world, "raw.names", world.spark.range(100).select(
        F.col("id").cast("int").alias("group"), F.concat(F.lit("group "), "id").alias("name")).coalesce(1))  # fmt: skip


def generated(ids: DataFrame) -> DataFrame:
    """Rows of ROWS_A_KEY neighbours a key."""
    amount = F.pmod(F.xxhash64("id"), F.lit(100_003)) / 100
    key = F.floor(F.col("id") / ROWS_A_KEY).cast("int")
    return ids.select("id", key.alias("k"), (key % 100).alias("group"), amount.cast("decimal(10,2)").alias("amount"))


def changed_rows(world: World, rows: int, changed: int, at: int) -> DataFrame:
    """New rows of keys that are there: neighbours, another place each round. Held, so that no side computes them."""
    first = (rows - 2 * changed) // 20 * (at % 20)
    change = generated(world.spark.range(first, first + changed, 1, 1))
    return to_local(change.withColumn("id", F.col("id") + 10**12 * (at + 1)))[0].coalesce(1)


def written(world: World, table: str, rows: DataFrame) -> None:
    """Append to a table that has a feed."""
    rows.write.format("delta").mode("append").options(**FEED).save(world.lake.table(table).uri)


def updated(world: World, job: Job, policy: str = "auto") -> Run:
    """One run of the job."""
    world.renew()
    run, began = Run(f"bench-{time.monotonic_ns()}", job.target), time.monotonic()
    run_table(world, job, policy, run, profiled=True)
    run.seconds = time.monotonic() - began
    return run


def timed(work: Callable[[], None]) -> Run:
    """What work takes that is no run."""
    run, began = Run("bench", ""), time.monotonic()
    work()
    run.seconds = time.monotonic() - began
    return run


def by_hand(world: World) -> None:
    """The totals in one aggregation, overwritten."""
    place, total = world.lake.table("bench.hand").uri, F.sum("amount").alias("total")
    rows = world.lake.table("raw.rows").pin().rows().groupBy("k")
    rows.agg(F.count(F.lit(1)).alias("rows"), total, F.avg("amount").alias("average")).write.format("delta").mode(
        "overwrite"
    ).save(place)


def same_rows(world: World) -> None:
    """Both sides hold the same rows."""
    hand = world.spark.read.format("delta").load(world.lake.table("bench.hand").uri).select("k", "rows", "total")
    kept = world.lake.table("bench.totals").pin().rows().select("k", "rows", "total")
    assert hand.exceptAll(kept).isEmpty() and kept.exceptAll(hand).isEmpty(), "both sides hold the same rows"


def middle(runs: list[Run]) -> float:
    """The median of their seconds."""
    return statistics.median(run.seconds for run in runs)


def count(world: World, table: str) -> int:
    """How many rows a table has."""
    return world.spark.read.format("delta").load(world.lake.table(table).uri).count()


def line(world: World, name: str, runs: list[Run], append: float, hand: float) -> dict[str, object]:
    """One table's updates beside the append of as many rows and the rebuild by hand."""
    profile = runs[-1].profile
    assert profile is not None
    return {
        "table": name,
        "plan": "/".join(sorted({f"{run.plan} {run.reason}" for run in runs})),
        "rows in": runs[-1].rows_in,
        "keys": runs[-1].keys_touched,
        "rows": count(world, runs[-1].target),
        "spark jobs": runs[-1].spark_jobs,
        "JVM calls": sum(cost.jvm_calls for cost in profile.stages.values()),
        "read kB": (runs[-1].bytes_read or 0) / 1e3,
        "update s": middle(runs),
        "least s": min(run.seconds for run in runs),
        "update/append": middle(runs) / append,
        "update/by hand": middle(runs) / hand,
    }


if __name__ == "__main__":
    raise SystemExit(main())
