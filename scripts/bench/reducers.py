"""What reducers cost: rebuilds against the same aggregate by hand, removals against inserts, exact sums of doubles.

Everything in one process, sides interleaved, medians of `--rounds` after one warm-up round. Rows are generated; both
sides' rows are counted and, but for doubles, compared. CPU is that of Spark's JVM, which neighbours disturb less.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import DoubleType

from lakemill import (
    All,
    Any,
    Count,
    CountDistinct,
    CountIf,
    Histogram,
    Job,
    Max,
    Mean,
    Min,
    Reducer,
    Sum,
    TopK,
    Variance,
)
from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.core.mapreduce import target_rows, totals
from lakemill.core.reduction import reduction
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.runs import Run
from lakemill.runner import run_table
from lakemill.world import World

ROOT = Path(__file__).resolve().parents[2]
KEYS = 1000
SIDES = ("core", "hand")
SETS = ("sums", "truths", "histogram", "variance", "doubles")
REMOVED: dict[str, Reducer] = {
    "Min": Min("amount"),
    "Max": Max("amount"),
    "CountDistinct": CountDistinct("bucket"),
    "TopK": TopK(3, by="amount", keep=["id"]),
    "CountDistinct_past_the_bound": CountDistinct("id"),
}


class Taken(NamedTuple):
    """What work took: seconds, seconds of CPU in Spark's JVM; and the run that it was."""

    seconds: float
    cpu: float
    run: Run


def group_reducers() -> dict[str, dict[str, tuple[Reducer, Column]]]:
    """Sets of reducers, each with the aggregate that one would write by hand."""
    ok, v = F.col("ok"), F.col("v")
    edges = [0, 100, 500, 900]
    buckets = [v < 0, (v >= 0) & (v < 100), (v >= 100) & (v < 500), (v >= 500) & (v < 900), v >= 900]
    return {
        "sums": {
            "rows": (Count(), F.count(F.lit(1))),
            "sum": (Sum("amount"), F.sum("amount")),
            "mean": (Mean("amount"), F.avg("amount")),
        },
        "truths": {
            "oks": (CountIf("ok"), F.count_if(ok)),
            "any": (Any("ok"), F.bool_or(ok)),
            "all": (All("ok"), F.bool_and(ok)),
        },
        "histogram": {"histogram": (Histogram("v", edges), F.array(*[F.count_if(within) for within in buckets]))},
        "variance": {"variance": (Variance("amount"), F.var_samp(F.col("amount").cast("double")))},
        "doubles": {"sum": (Sum("v", exact=True), F.sum("v"))},
    }


def main() -> int:
    """All three tables of figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000, help="rows of the rebuilds")
    parser.add_argument("--changed", type=int, default=1_000_000, help="rows of the table that removals are made from")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["rebuild", "removal"])
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS), help="of reducers to rebuild")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spark = start_session(load_conf(ROOT).spark)
        world = World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks")
        if given.only != "removal":
            rebuilds(world, given.rows, given.rounds, given.sets)
        if given.only != "rebuild":
            removals(world, given.changed, given.rounds)
    return 0


def generated(world: World, rows: int) -> DataFrame:
    """Rows of KEYS keys: a decimal(10,2), a boolean and a double from 1e-4 to 1e4, spread by a hash."""
    hashed = F.xxhash64("id")
    return world.spark.range(rows).select(
        "id",
        (F.pmod(hashed, F.lit(KEYS))).cast("int").alias("k"),
        (F.pmod(hashed, F.lit(100_003)) / 100).cast("decimal(10,2)").alias("amount"),
        (F.pmod(hashed, F.lit(7)) > 2).alias("ok"),
        (F.pmod(hashed, F.lit(1_000_003)) * F.lit(0.001) + F.lit(0.0001)).alias("v"),
    )


def rebuilds(world: World, rows: int, rounds: int, sets: list[str]) -> None:
    """Through the core and by hand, written over a Delta table each time; and the whole first run of the job."""
    place = world.lake.table("raw.rows").uri
    generated(world, rows).write.format("delta").option("delta.enableChangeDataFeed", "true").save(place)
    source = world.spark.read.format("delta").load(place)
    print(f"rebuild: {source.count():,} rows, {KEYS:,} keys, {world.spark.sparkContext.master}, median of {rounds}")
    reducers = group_reducers()
    show([rebuilt(world, source, name, reducers[name], rounds) for name in sets])


def rebuilt(
    world: World, source: DataFrame, name: str, both: dict[str, tuple[Reducer, Column]], rounds: int
) -> dict[str, object]:
    """One set of reducers."""
    reducers = {named: reducer for named, (reducer, _) in both.items()}
    job = Job(source="raw.rows", key=["k"], reduce=reducers, target="bench.job")
    made = reduction(job, source.schema)
    core = target_rows(totals(source, made), made)
    hand = source.groupBy("k").agg(*[column.alias(named) for named, (_, column) in both.items()])
    taken = interleaved(
        world,
        rounds,
        core=lambda: over(core, world, "bench.core"),
        hand=lambda: over(hand, world, "bench.hand"),
        run=lambda: first_run(world, job),
    )
    return {
        "reducers": name,
        **compared(world),
        "core s": taken["core"].seconds,
        "by hand s": taken["hand"].seconds,
        "core/by hand": taken["core"].seconds / taken["hand"].seconds,
        "core/by hand CPU": taken["core"].cpu / taken["hand"].cpu,
        "whole first run s": taken["run"].seconds,
    }


def compared(world: World) -> dict[str, object]:
    """How many rows both sides have, and how many of the core's the other one has not; doubles are left out."""
    core, hand = (world.spark.read.format("delta").load(world.lake.table(f"bench.{side}").uri) for side in SIDES)
    kinds = {field.name: field.dataType for field in core.schema if field.name in hand.columns}
    exact = [name for name, kind in kinds.items() if kind != DoubleType()]
    other = hand.select(*[F.col(name).cast(kinds[name]) for name in exact])
    unequal = core.select(*exact).exceptAll(other).count()
    return {"rows core": core.count(), "rows by hand": hand.count(), "unequal": unequal}


def over(frame: DataFrame, world: World, table: str) -> Run:
    """Write a frame over a table."""
    frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(world.lake.table(table).uri)
    return Run("bench", table)


def first_run(world: World, job: Job) -> Run:
    """The job's first run, into a folder of its own."""
    again = Job(job.source, f"bench.r{time.monotonic_ns()}", job.map, job.key, job.reduce)
    return updated(world, again)


def removals(world: World, rows: int, rounds: int) -> None:
    """The extremes of each key go; then, again and again, new ones come and go."""
    source = world.lake.table("raw.changing").uri
    bucket = (F.pmod(F.xxhash64("id"), F.lit(1_000_003)) % 200).cast("int").alias("bucket")
    made = generated(world, rows).select("*", bucket)
    made.write.format("delta").option("delta.enableChangeDataFeed", "true").save(source)
    table = DeltaTable.forPath(world.spark, source)
    jobs = {
        name: Job(source="raw.changing", key=["k"], reduce={"x": reducer}, target=f"bench.{name.lower()}")
        for name, reducer in REMOVED.items()
    }

    def all_updated() -> dict[str, Taken]:
        return {name: timed(world, lambda job=job: updated(world, job)) for name, job in jobs.items()}

    all_updated()
    best = made.groupBy("k").agg(F.min("amount").alias("low"), F.max("amount").alias("high"))
    gone = made.join(best, "k").where("amount = low or amount = high").select("id").collect()
    table.delete(F.col("id").isin([row.id for row in gone]))
    first = all_updated()
    inserts, removed = [], []
    for at in range(rounds + 1):
        extremes(world, at).coalesce(1).write.format("delta").mode("append").save(source)
        inserts.append(all_updated())
        table.delete(F.col("id") >= 10**12)
        removed.append(all_updated())
    print(f"\nremoval: {rows:,} rows, {KEYS:,} keys; two extremes of each key come and go; median of {rounds}")
    print(f"first removal: {len(gone):,} extremes that were there when the table was made")
    show([removal(name, first[name], [i[name] for i in inserts[1:]], [r[name] for r in removed[1:]]) for name in jobs])


def extremes(world: World, at: int) -> DataFrame:
    """A row below and one above all others of each key."""
    amounts = F.explode(F.array(F.lit(-1 - at), F.lit(2_000_000 + at)))
    return (
        world.spark.range(KEYS)
        .select("id", amounts.alias("amount"))
        .select(
            (F.col("id") + 10**12).alias("id"),
            F.col("id").cast("int").alias("k"),
            F.col("amount").cast("decimal(10,2)").alias("amount"),
            F.lit(True).alias("ok"),
            F.lit(0.5).alias("v"),
            F.lit(1000 + at).alias("bucket"),
        )
    )


def removal(name: str, first: Taken, inserts: list[Taken], removed: list[Taken]) -> dict[str, object]:
    """One reducer's line."""
    insert, taken = middle(inserts), middle(removed)
    return {
        "reducer": name,
        "plan": "/".join(sorted({f"{each.run.plan} {each.run.reason}" for each in [*inserts, *removed]})),
        "rows in": removed[-1].run.rows_in,
        "keys": removed[-1].run.keys_touched,
        "insert s": insert.seconds,
        "removal s": taken.seconds,
        "removal/insert": taken.seconds / insert.seconds,
        "removal/insert CPU": taken.cpu / insert.cpu,
        "recomputed": sum(each.run.keys_recomputed or 0 for each in removed),
        "first removal s": first.seconds,
        "recomputed then": first.run.keys_recomputed,
    }


def updated(world: World, job: Job) -> Run:
    """One run of the job."""
    world.renew()
    run = Run("bench", job.target)
    run_table(world, job, "auto", run)
    return run


def timed(world: World, work: Callable[[], Run]) -> Taken:
    """What the work takes."""
    began, spent = time.monotonic(), cpu(world)
    run = work()
    return Taken(time.monotonic() - began, cpu(world) - spent, run)


def cpu(world: World) -> float:
    """Seconds of CPU that Spark's JVM has spent."""
    return world.spark._jvm.java.lang.ProcessHandle.current().info().totalCpuDuration().get().toMillis() / 1000


def middle(taken: list[Taken]) -> Taken:
    """The median of each."""
    return Taken(statistics.median(t.seconds for t in taken), statistics.median(t.cpu for t in taken), taken[-1].run)


def interleaved(world: World, rounds: int, **sides: Callable[[], Run]) -> dict[str, Taken]:
    """The median of each side; the first round warms up and is not counted."""
    taken: dict[str, list[Taken]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, side in sides.items():
            taken[name].append(timed(world, side))
    return {name: middle(found[1:]) for name, found in taken.items()}


if __name__ == "__main__":
    raise SystemExit(main())
