"""The same day of the shop by lakemill and by its peers: hand-written PySpark, DuckDB, Spark's declarative pipelines.

The year up to 24 December is delivered and run; then five days at once, by all sides in turn, to warm up, and then the
day that is measured. lakemill updates its tables; hand-written PySpark overwrites its own, in the same session; DuckDB
reads the same bronze files and makes tables in memory; `spark-pipelines` refreshes materialized views, in an
environment and a process of its own (`--pipelines`), where its start is part of what it takes. Rows of all sides are
counted and their totals compared.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
from by_hand import TABLES
from pyspark.sql import DataFrame

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from shop import FIRST, Shop  # noqa: E402
from shop_oracle import TABLES as QUERIES  # noqa: E402

from lakemill.cli.show import show  # noqa: E402
from lakemill.conf import load_conf  # noqa: E402
from lakemill.quality.doors import guarded_jobs  # noqa: E402
from lakemill.runner import open_world, run_tables, side_by_side  # noqa: E402
from lakemill.world import World  # noqa: E402

UNTIL = date(2017, 12, 24)
DAYS = [(date(2017, 12, 25), date(2017, 12, 29)), (date(2017, 12, 30), date(2017, 12, 30))]
"""The days that warm up, and the one that is measured."""
BRONZE = ("bronze.sales", "bronze.products", "bronze.households", "bronze.promotions")
PIPELINES = "pyspark[pipelines]==4.1.1"
HISTORIES = ("silver.products_history", "silver.households_history")
TOTALS = {
    "silver.sales": "amount", "silver.baskets": "amount", "gold.daily_sales": "revenue",
    "gold.department_sales": "revenue", "gold.household_value": "amount", "gold.promoted_sales": "revenue",
}  # fmt: skip
Seconds = dict[str, float]


def main() -> int:
    """One line a table, then the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", action="store_true", help=f"also {PIPELINES}, installed into .venv-peers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        conf = replace(load_conf(ROOT), lake=f"{folder}/lake", landing=f"{folder}/landing")
        world, jobs, shop = open_world(conf), guarded_jobs(load_conf(ROOT)), Shop()
        landing = Path(conf.landing)
        shop.deliver(landing, FIRST, UNTIL)
        assert run_tables(world, jobs).exit_code == 0
        sides: dict[str, Seconds] = {}
        for first, last in DAYS:
            shop.deliver(landing, first, last)
            sides = {"lakemill": by_lakemill(world), "by hand": by_hand(world, folder)}
            sides["DuckDB"] = by_duckdb(world)
            if given.pipelines:
                sides["pipelines"] = by_pipelines(world, Path(folder))
        tell(world, folder, sides)
    return 0


def by_lakemill(world: World) -> Seconds:
    """`lakemill run`, and what of it each table took; bronze is common to all and stands apart."""
    began = time.monotonic()
    outcome = run_tables(world, guarded_jobs(load_conf(ROOT)), threads=side_by_side())
    assert outcome.exit_code == 0
    told = {run.target: run.seconds for run in outcome.runs if run.target not in (*BRONZE, *HISTORIES)}
    print(f"lakemill: {time.monotonic() - began:.1f} s with bronze and histories; "
          + ", ".join(f"{run.target} {run.plan}" for run in outcome.runs if run.plan != "nothing"))  # fmt: skip
    return told


def by_hand(world: World, folder: str) -> Seconds:
    """Each table made whole and overwritten, one after the other."""

    def read(name: str) -> DataFrame:
        place = world.lake.table(name).uri if name in BRONZE else f"{folder}/hand/{name}"
        return world.spark.read.format("delta").load(place)

    return {
        name: timed(lambda name=name, make=make: overwrite(make(read), f"{folder}/hand/{name}"))
        for name, make in TABLES.items()
    }


def overwrite(rows: DataFrame, place: str) -> None:
    """Write a table over what was there."""
    rows.write.format("delta").mode("overwrite").save(place)


def by_duckdb(world: World) -> Seconds:
    """Each table made in memory from the files of bronze; reading these stands with the table that reads them."""
    made = duckdb.connect()
    made.execute("set timezone = 'UTC'")
    for name, paths in files(world).items():
        made.execute(f'create view "{name}" as from read_parquet({paths!r})')
    taken = {}
    for name, query in QUERIES.items():
        if name not in HISTORIES:
            taken[name] = timed(lambda name=name, query=query: made.execute(f'create table "{name}" as {query}'))
    for name, column in TOTALS.items():
        count, total = made.execute(f'select count(*), sum({column}) from "{name}"').fetchall()[0]
        assert (count, total) == totals(world.lake.table(name).pin().rows(), column), f"{name}: DuckDB has other rows"
    return taken


def files(world: World) -> dict[str, list[str]]:
    """The files of the bronze tables."""
    return {
        name: [path.removeprefix("file://") for path in world.lake.table(name).pin().rows().inputFiles()]
        for name in BRONZE
    }


def by_pipelines(world: World, folder: Path) -> Seconds:
    """All views refreshed by one `spark-pipelines run`; the seconds of the whole command stand under `all`."""
    python = ROOT / ".venv-peers" / "bin"
    if not (python / "spark-pipelines").exists():
        venv.create(python.parent, with_pip=True)
        subprocess.run([python / "pip", "install", "-q", PIPELINES], check=True)
    place = folder / "pipelines"
    shutil.rmtree(place, ignore_errors=True)  # its catalog is gone with the process, and it minds files that are there
    place.mkdir()
    for source in ("pipeline.py", "by_hand.py"):  # the specification names files below its own folder only
        shutil.copy(Path(__file__).with_name(source), place)
    spec = f"name: shop\nstorage: file://{place}/storage\nlibraries:\n  - glob:\n      include: pipeline.py\n"
    (place / "spark-pipeline.yml").write_text(spec)
    theirs = {
        name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_", "PYTHON"))
    }
    environment = {**theirs, "PYSPARK_PYTHON": str(python / "python"), "BRONZE_FILES": json.dumps(files(world))}
    began = time.monotonic()
    done = subprocess.run([python / "spark-pipelines", "run", "--full-refresh-all"], cwd=place, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"spark-pipelines failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return {"all": seconds}


def timed(work: Callable[[], object]) -> float:
    """The seconds that work takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def totals(rows: DataFrame, column: str) -> tuple[int, object]:
    """How many rows, and the sum of a column."""
    count, total = rows.selectExpr("count(*)", f"sum(`{column}`)").collect()[0]
    return int(count), total


def tell(world: World, folder: str, sides: Mapping[str, Seconds]) -> None:
    """One line a table, with the rows of both that keep them, then the sums."""
    lines: list[dict[str, object]] = []
    for name in TABLES:
        mine, hand = (
            world.spark.read.format("delta").load(place)
            for place in (world.lake.table(name).uri, f"{folder}/hand/{name}")
        )
        if name in TOTALS:
            assert totals(mine, TOTALS[name]) == totals(hand, TOTALS[name]), f"{name}: by hand has other rows"
        lines.append(
            {"table": name, "rows": mine.count(), "rows by hand": hand.count()}
            | {f"{side} s": seconds.get(name) for side, seconds in sides.items() if side != "pipelines"}
        )
    sums = {f"{side} s": sum(seconds.values()) for side, seconds in sides.items() if side != "pipelines"}
    show([*lines, {"table": "all", "rows": None, "rows by hand": None, **sums}])
    if "pipelines" in sides:
        print(f"spark-pipelines run, the whole command: {sides['pipelines']['all']:.1f} s")


if __name__ == "__main__":
    raise SystemExit(main())
