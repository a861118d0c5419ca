"""What an update of a joined table costs beside its rebuild, by which side changed: the facts, or a dimension.

Sales lines, products and households, generated; the mart is revenue by store, day and department. Each round changes
some lines (a new day's, and corrections of the day before), updates, moves some products to another department,
updates, and makes the same table by the fastest form known: one join and one aggregation, overwritten. Both sides' rows
are counted and compared. Last, a version that an update needs is vacuumed away: what it then reads is shown.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Max, Sum
from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.core.mapreduce import target_rows, totals
from lakemill.core.reduction import reduction
from lakemill.lake.layout import laid_out
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.cost import metered
from lakemill.observe.runs import Run
from lakemill.runner import run_table
from lakemill.world import World

ROOT = Path(__file__).resolve().parents[2]
PRODUCTS, HOUSEHOLDS, STORES, DAYS = 100_000, 50_000, 300, 365
NEW_LINES, MOVED_PRODUCTS = 10_000, 20
FEED = {"delta.enableChangeDataFeed": "true"}


def amounts(sales: DataFrame, products: DataFrame, households: DataFrame) -> DataFrame:
    """One line with its product's department and its household's income."""
    met = sales.join(products, "product").join(households, "household")
    return met.select("store", "day", "department", "amount", "income")


JOB = Job(
    source=["raw.sales", "raw.products", "raw.households"],
    map=amounts,
    key=["store", "day", "department"],
    reduce={"lines": Count(), "revenue": Sum("amount"), "largest": Max("amount"), "income": Max("income")},
    target="bench.mart",
)


def main() -> int:
    """One table of figures for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_500_000], help="sales lines")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            spark = start_session(load_conf(ROOT).spark)
            measure(World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks"), rows, given)
    return 0


def measure(world: World, rows: int, given: argparse.Namespace) -> None:
    """Make the tables, then all rounds; the first is warm-up and not counted."""
    make(world, rows)
    first = updated(world)
    print(f"\n{rows:,} lines, {PRODUCTS:,} products, {HOUSEHOLDS:,} households; {world.spark.sparkContext.master}; "
          f"median of {given.rounds}; first run {first.seconds:.1f} s")  # fmt: skip
    deeds: dict[str, Callable[[World, int], None]] = {"lines": change_lines, "products": move_products}
    runs: dict[str, list[Run]] = {name: [] for name in deeds}
    hand: list[Run] = []
    for at in range(given.rounds + 1):
        for name, deed in deeds.items():
            deed(world, at)
            runs[name].append(updated(world))
        hand.append(by_hand(world))
    show([line(world, name, found[1:], hand[1:]) for name, found in runs.items()])
    show([line(world, "both, a version vacuumed", [vacuumed(world, given.rounds + 1)], [by_hand(world)])])


def make(world: World, rows: int) -> None:
    """The three tables; sales in files of neighbouring days, as a table that grows day by day is."""
    hashed = F.xxhash64("id")

    def spread(over: int, salt: int) -> object:
        return F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(over))

    sales = world.spark.range(rows).select(
        "id",
        (F.col("id") * DAYS / rows).cast("int").alias("day"),
        spread(STORES, 1).cast("int").alias("store"),
        spread(PRODUCTS, 2).alias("product"),
        spread(HOUSEHOLDS, 3).alias("household"),
        (F.pmod(hashed, F.lit(10_007)) / 100).cast("decimal(10,2)").alias("amount"),
    )
    products = world.spark.range(PRODUCTS).select(
        F.col("id").alias("product"), F.concat(F.lit("department "), F.col("id") % 30).alias("department")
    )
    households = world.spark.range(HOUSEHOLDS).select(
        F.col("id").alias("household"), (F.col("id") % 12).cast("int").alias("income")
    )
    write(world, "raw.sales", laid_out(sales, ["day"], rows))
    write(world, "raw.products", products.coalesce(1))
    write(world, "raw.households", households.coalesce(1))


def write(world: World, table: str, rows: DataFrame) -> None:
    """Append to a table that has a feed."""
    rows.write.format("delta").mode("append").options(**FEED).save(world.lake.table(table).uri)


def change_lines(world: World, at: int) -> None:
    """A new day's lines, and corrections of some of the last day's."""
    sales = world.lake.table("raw.sales")
    some = sales.pin().rows().where(F.col("day") == DAYS - 1).limit(NEW_LINES)
    write(world, "raw.sales", some.withColumn("day", F.lit(DAYS + at)).coalesce(1))
    DeltaTable.forPath(world.spark, sales.uri).update(
        (F.col("day") == DAYS + at) & (F.col("store") < 30), {"amount": F.col("amount") + 1}
    )


def move_products(world: World, at: int) -> None:
    """Some products go to another department."""
    moved = F.col("product").between(at * MOVED_PRODUCTS, (at + 1) * MOVED_PRODUCTS - 1)
    products = DeltaTable.forPath(world.spark, world.lake.table("raw.products").uri)
    products.update(moved, {"department": F.concat(F.lit("new "), F.lit(str(at)))})


def vacuumed(world: World, at: int) -> Run:
    """The update after products were compacted and vacuumed past the version that it was made from."""
    world.spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    products = DeltaTable.forPath(world.spark, world.lake.table("raw.products").uri)
    products.optimize().executeCompaction()
    products.vacuum(0)
    change_lines(world, at)
    move_products(world, at)
    return updated(world)


def updated(world: World) -> Run:
    """One run of the job."""
    world.renew()
    run, began = Run(f"bench-{time.monotonic_ns()}", JOB.target), time.monotonic()
    run_table(world, JOB, "auto", run)
    run.seconds = time.monotonic() - began
    return run


def by_hand(world: World) -> Run:
    """The same rows in one join and one aggregation, overwritten; checked against the table."""
    run, place = Run("bench", "by hand"), f"{world.lake.root}/by_hand"
    mapped = JOB.mapped(*[world.lake.table(name).pin().rows() for name in JOB.sources])
    made = reduction(JOB, mapped.schema)
    rows = target_rows(totals(mapped, made), made)
    rows = rows.select(*[name for name in rows.columns if name != "_state"])
    began = time.monotonic()
    with metered(world.spark, f"by hand {began}") as cost:
        rows.write.format("delta").mode("overwrite").save(place)
    run.seconds, run.bytes_read, run.spark_jobs = time.monotonic() - began, cost.bytes_read, cost.spark_jobs
    hand, kept = world.spark.read.format("delta").load(place), world.lake.table(JOB.target).pin().rows()
    digests = [digest(rows) for rows in (hand, kept)]
    assert digests[0] == digests[1], "both sides hold the same rows"
    run.rows_out = digests[0][0]
    return run


def digest(rows: DataFrame) -> tuple[int, int]:
    """How many rows, and the sum of their hashes: equal for equal rows in any order, else as good as never."""
    hashed = F.xxhash64(*JOB.key, *JOB.reducers).cast("decimal(20,0)")
    count, total = rows.agg(F.count(F.lit(1)), F.sum(hashed)).collect()[0]
    return int(count), int(total)


def line(world: World, changed: str, runs: list[Run], hand: list[Run]) -> dict[str, object]:
    """What changed: both sides' medians, and their ratio."""
    update, rebuild = (statistics.median(run.seconds for run in side) for side in (runs, hand))
    return {
        "changed": changed,
        "plan": "/".join(sorted({f"{run.plan} {run.reason}" for run in runs})),
        "rows in": runs[-1].rows_in,
        "keys": runs[-1].keys_touched,
        "recomputed": runs[-1].keys_recomputed,
        "rows": world.lake.table(JOB.target).pin().rows().count(),
        "rows by hand": hand[-1].rows_out,
        "read MB": (runs[-1].bytes_read or 0) / 1e6,
        "by hand MB": (hand[-1].bytes_read or 0) / 1e6,
        "update s": update,
        "by hand s": rebuild,
        "update/by hand": update / rebuild,
        "spark jobs": runs[-1].spark_jobs,
        "stages": runs[-1].stages,
    }


if __name__ == "__main__":
    raise SystemExit(main())
