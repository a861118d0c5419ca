"""What a rule of a whole table costs after a change, beside asking it of the whole table again.

A table of `--rows` generated lines and one of their products; the rules say that no two lines have one number, and that
each line's product is there. Each round appends `--changed` lines, of which some break the rules, brings both checks up
to date by a run, and finds the same offenders by the fastest form known: one aggregation, and one anti join with the
products, counted. Both sides' offenders are compared.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from pyspark.sql import DataFrame, functions as F

from lakemill import Job
from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.contracts.contract import ColumnTerms, Contract
from lakemill.contracts.rules import Reference, TableRule, Unique
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.quality.checks import check_jobs
from lakemill.runner import run_tables
from lakemill.world import World

ROOT = Path(__file__).resolve().parents[2]
LINES, PRODUCTS = "silver.lines", "silver.products"
FEED = {"delta.enableChangeDataFeed": "true"}
RULES = (
    TableRule("one_a_line", Unique(("line",))),
    TableRule("product_is_there", Reference(("product",), PRODUCTS, ("product",))),
)
CONTRACT = Contract(LINES, (ColumnTerms("line", "integer", "bigint"),), own_table_rules=RULES)
KNOWN_PRODUCTS = 100_000
EACH_BREAKS = 1000
"""Of so many lines that come one has the number of an earlier one, and the next a product that is not there."""


def main() -> int:
    """The medians of both sides for each rule, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--changed", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    jobs = {job.target: job for job in check_jobs(Job(source="raw.lines", target=LINES), CONTRACT)}
    with tempfile.TemporaryDirectory() as folder:
        spark = start_session(load_conf(ROOT).spark)
        world = World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks")
        written(world, LINES, lines(spark.range(0, given.rows, 1, max(2, given.rows // 1_000_000)), breaks=False))
        written(world, PRODUCTS, spark.range(0, KNOWN_PRODUCTS, 1, 1).withColumnRenamed("id", "product"))
        assert run_tables(world, jobs).exit_code == 0
        rounds = [measured(world, jobs, given.rows, given.changed, at) for at in range(given.rounds + 1)]
    print(f"{given.rows:,} lines, {given.changed:,} come a round; {spark.sparkContext.master}; "
          f"median of {given.rounds} after 1")  # fmt: skip
    show([line(rule.name, [each[rule.name] for each in rounds]) for rule in RULES])
    return 0


def lines(ids: DataFrame, breaks: bool) -> DataFrame:
    """Lines of these numbers, of which some break the rules, if they are to."""
    bad = F.col("id") % EACH_BREAKS
    number = F.when(bad == 0, F.col("id") % KNOWN_PRODUCTS).otherwise(F.col("id")) if breaks else F.col("id")
    known = F.pmod(F.xxhash64("id"), F.lit(KNOWN_PRODUCTS))
    product = F.when(bad == 1, F.col("id") + KNOWN_PRODUCTS).otherwise(known) if breaks else known
    return ids.select(number.alias("line"), product.alias("product"), (F.col("id") % 500).alias("amount"))


def written(world: World, table: str, rows: DataFrame) -> None:
    """Append to a table."""
    rows.write.format("delta").mode("append").options(**FEED).save(world.lake.table(table).uri)


def measured(world: World, jobs: dict[str, Job], rows: int, changed: int, at: int) -> dict[str, tuple[float, ...]]:
    """One round; by rule: seconds of its check and by hand, and how many offenders each has."""
    first = rows + at * changed
    written(world, LINES, lines(world.spark.range(first, first + changed, 1, 2), breaks=True))
    told = {}
    for rule in RULES:
        check = f"checks.{LINES.replace('.', '_')}_{rule.name}"
        began = time.monotonic()
        outcome = run_tables(world, jobs, [f"{check}*"], "update")
        seconds = time.monotonic() - began
        assert outcome.exit_code == 0, outcome.error
        assert {run.plan for run in outcome.runs} == {"update"}, [run.plan for run in outcome.runs]
        began = time.monotonic()
        by_hand = asked_again(world, rule)
        told[rule.name] = (seconds, time.monotonic() - began, world.lake.table(check).count(), by_hand)
    return told


def asked_again(world: World, rule: TableRule) -> int:
    """How many offenders a rule has, by reading all rows."""
    rows = world.lake.table(LINES).pin().rows()
    if isinstance(rule.demand, Unique):
        return rows.groupBy("line").agg(F.count(F.lit(1)).alias("rows")).where("rows > 1").count()
    products = world.lake.table(PRODUCTS).pin().rows()
    return rows.join(F.broadcast(products), "product", "left_anti").select("product").distinct().count()


def line(rule: str, rounds: list[tuple[float, ...]]) -> dict[str, object]:
    """The medians of a rule's rounds but the first."""
    update, by_hand = (statistics.median(each[at] for each in rounds[1:]) for at in (0, 1))
    assert all(each[2] == each[3] for each in rounds), "both sides find the same offenders"
    return {
        "rule": rule,
        "offenders": int(rounds[-1][2]),
        "offenders by hand": int(rounds[-1][3]),
        "update s": round(update, 2),
        "whole again s": round(by_hand, 2),
        "whole again/update": round(by_hand / update, 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
