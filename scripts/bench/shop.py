"""Update against rebuild of each gold table of the shop, and the run with nothing new, in one warm session.

Run after `make run`: it works on a copy of the lake. Each round delivers a change of about a day to silver.sales (lines
of one day corrected), updates, and rebuilds the same table by the fastest form known: one aggregation, overwritten,
without looking at what was there. Both sides' rows are counted and compared.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import functions as F

from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.core.mapreduce import target_rows, totals
from lakemill.core.reduction import reduction
from lakemill.observe.runs import Run
from lakemill.quality.doors import guarded_jobs
from lakemill.runner import open_world, run_table, run_tables
from lakemill.world import World

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
TABLES = [
    "silver.baskets", "gold.daily_sales", "gold.department_sales", "gold.promoted_sales", "gold.household_value",
]  # fmt: skip


def main() -> int:
    """Print one line a table, then the run with nothing new."""
    conf = load_conf(ROOT)
    if not Path(conf.lake).is_dir():
        print("bench: there is no lake yet; `make run` makes it.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(conf.lake, f"{folder}/lake")
        world = open_world(replace(conf, lake=f"{folder}/lake"))
        measure(world)
    return 0


def measure(world: World) -> None:
    """All rounds, interleaved; the first is warm-up and not counted."""
    jobs = guarded_jobs(load_conf(ROOT))
    updates: dict[str, list[Run]] = {name: [] for name in TABLES}
    rebuilds: dict[str, list[float]] = {name: [] for name in TABLES}
    # Before the first correction: afterwards silver.sales is not as lakemill wrote it, and would be rebuilt.
    nothing = [timed(lambda: run_tables(world, jobs)) for _ in range(ROUNDS + 1)]
    for at in range(ROUNDS + 1):
        correct_a_day(world, at)
        world.renew()
        for name in TABLES:
            run = Run("bench", name)
            began = time.monotonic()
            run_table(world, jobs[name], "auto", run)
            run.seconds = time.monotonic() - began
            seconds = rebuild_by_hand(world, name, jobs)
            if at:
                updates[name].append(run)
                rebuilds[name].append(seconds)
    show([line(world, name, updates[name], rebuilds[name]) for name in TABLES])
    silver = {"table": "all, nothing new", "seconds": statistics.median(nothing[1:]), "rounds": len(nothing) - 1}
    show([silver])


def correct_a_day(world: World, at: int) -> None:
    """The amounts of one day's lines change, as a correcting dump would change them."""
    sales = DeltaTable.forPath(world.spark, world.lake.table("silver.sales").uri)
    sales.update(f"day = date '2017-12-{10 + at}'", {"amount": "amount + 0.01"})


def rebuild_by_hand(world: World, name: str, jobs: dict) -> float:
    """Seconds to aggregate and overwrite a table beside the lake's, and the check that it holds the same rows."""
    job, target = jobs[name], world.lake.table(name)
    frames = [world.lake.table(source).pin().rows() for source in job.sources]
    mapped = job.mapped(*frames)
    made = reduction(job, mapped.schema)
    place = f"{world.lake.root}/by_hand/{name}"
    rows = target_rows(totals(mapped, made), made).drop("_state")
    seconds = timed(lambda: rows.write.format("delta").mode("overwrite").save(place))
    by_hand, kept = world.spark.read.format("delta").load(place), target.pin().rows()
    assert by_hand.exceptAll(kept).isEmpty() and kept.exceptAll(by_hand).isEmpty(), name
    return seconds


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def line(world: World, name: str, updates: list[Run], rebuilds: list[float]) -> dict[str, object]:
    """One table: plans, medians and their ratio."""
    update, rebuild = statistics.median(run.seconds for run in updates), statistics.median(rebuilds)
    sources = guarded_jobs(load_conf(ROOT))[name].sources
    source_rows = sum(world.lake.table(source).pin().rows().agg(F.count("*")).first()[0] for source in sources)
    return {
        "table": name,
        "plan": "/".join(sorted({f"{run.plan} {run.reason}" for run in updates})),
        "rows in": int(statistics.median(run.rows_in or 0 for run in updates)),
        "source rows": source_rows,
        "keys": int(statistics.median(run.keys_touched or 0 for run in updates)),
        "spark jobs": int(statistics.median(run.spark_jobs or 0 for run in updates)),
        "update s": update,
        "rebuild s": rebuild,
        "update/rebuild": update / rebuild,
        "stages": updates[-1].stages,
    }


if __name__ == "__main__":
    sys.exit(main())
