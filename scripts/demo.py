"""`make run`: a year of the shop's sales, from daily dumps to verified gold tables, then updated day by day."""

import shutil
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import functions as F
from shop import FIRST, LAST, Shop, delivered

from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.graph import ordered
from lakemill.job import Job
from lakemill.observe.runs import DONE, Run
from lakemill.quality.doors import guarded_jobs
from lakemill.runner import open_world, run_tables, side_by_side
from lakemill.verify import verify
from lakemill.world import World

ROOT = Path(__file__).resolve().parent.parent
BULK_UNTIL = date(2017, 12, 24)


def main() -> int:
    """The whole demonstration; 1 where a run fails or a table is not what it should be."""
    conf = load_conf(ROOT)
    for folder in (conf.landing, conf.lake):
        shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    shop, landing = Shop(), Path(conf.landing)
    tell_delivery("The year up to 24 December", shop.deliver(landing, FIRST, BULK_UNTIL))
    world, jobs = open_world(conf), guarded_jobs(conf)
    failed = not run(world, jobs)
    for day in days_after(BULK_UNTIL):
        tell_delivery(f"{day:%A %d %B}", shop.deliver(landing, day, day))
        failed |= not run(world, jobs)
    failed |= not verified(world, jobs)
    best_of_the_week(world)
    how_to_query(conf.lake)
    print(f"\nAll of it took {time.monotonic() - began:.0f} s.")
    return 1 if failed else 0


def days_after(day: date) -> list[date]:
    """The days from the next one to the year's last."""
    return [day + timedelta(days=n) for n in range(1, (LAST - day).days + 1)]


def tell_delivery(what: str, folders: list[Path]) -> None:
    """What the software team delivered."""
    rows, size = delivered(folders)
    print(f"\n{what}: {len(folders)} dumps delivered, {rows:,} rows, {size / 1e6:.1f} MB", flush=True)


def run(world: World, jobs: dict[str, Job]) -> bool:
    """`lakemill run`, and a line for each table that had something to do."""
    began = time.monotonic()
    outcome = run_tables(world, jobs, threads=side_by_side())
    show([line(one) for one in outcome.runs if one.plan != "nothing"])
    print(f"The run took {time.monotonic() - began:.1f} s.", flush=True)
    return outcome.exit_code == 0


def line(one: Run) -> dict[str, object]:
    """A run as a line."""
    return {
        "table": one.target,
        "plan": one.plan if one.status == DONE else f"{one.status}: {one.error}",
        "reason": one.reason,
        "rows in": one.rows_in,
        "keys touched": one.keys_touched,
        "seconds": one.seconds,
    }


def verified(world: World, jobs: dict[str, Job]) -> bool:
    """`lakemill verify` of every table."""
    print("\nVerified against a recompute:", flush=True)
    lines = [verification(world, jobs[name]) for name in ordered(jobs)]
    show(lines)
    return all(line["verified"] == "equal" for line in lines)


def verification(world: World, job: Job) -> dict[str, object]:
    """`lakemill verify` of one table, as a line."""
    began = time.monotonic()
    found = verify(world, job)
    equal = "equal" if found.equal else "DIFFERS"
    return {
        "table": job.target,
        "verified": equal,
        "version": found.version,
        "seconds": round(time.monotonic() - began, 2),
    }


def best_of_the_week(world: World) -> None:
    """The top stores, departments and products of the last week."""
    week = F.col("day") > F.lit(LAST - timedelta(days=7))
    sums = [F.sum("revenue").alias("revenue")]
    stores = world.lake.table("gold.daily_sales").pin().rows().where(week).groupBy("store_id").agg(*sums)
    departments = world.lake.table("gold.department_sales").pin().rows().where(week).groupBy("department").agg(*sums)
    sales = world.lake.table("silver.sales").pin().rows().where(week & ~F.col("withdrawn"))
    named = sales.join(world.lake.table("silver.products").pin().rows(), "product_id")
    products = named.groupBy("product_id", "product_type").agg(F.sum("amount").alias("revenue"))
    for title, frame in (("stores", stores), ("departments", departments), ("products", products)):
        print(f"\nTop {title} of the last week:")
        best = frame.orderBy(F.desc("revenue")).limit(5).collect()
        show([{name: str(value) for name, value in row.asDict().items()} for row in best])


def how_to_query(lake: str) -> None:
    """The lake stays; any reader of Delta reads it."""
    print(f"\nThe lake is at {lake}. Ask it with Spark, or without:\n  .venv/bin/python scripts/query.py")


if __name__ == "__main__":
    sys.exit(main())
