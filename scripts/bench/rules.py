"""What a contract's rules cost: a table and its quarantine, made under 20 rules, beside the same typing without rules.

A source of `--rows` generated rows of texts, of which one in a thousand fails some rule. Each round makes the table and
its quarantine anew (two reads of the source), and by hand the same columns, typed by the same contract but not judged
(one read), both written to Delta. All in one process, in turn; the first round warms up and is not counted.
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
from lakemill.contracts.contract import Bound, ColumnTerms, Contract, TextForm
from lakemill.contracts.rules import RowRule
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.quality.doors import guarded, quarantine_of
from lakemill.quality.typed import typed
from lakemill.runner import run_tables
from lakemill.world import World

ROOT = Path(__file__).resolve().parents[2]
ZONED = TextForm(layout="yyyy-MM-dd'T'HH:mm:ssXXX", offset=True)
COLUMNS = (
    ColumnTerms("line_id", "integer", "bigint", required=True, minimum=Bound(0)),
    ColumnTerms("store_id", "integer", "int", required=True, minimum=Bound(1), maximum=Bound(500)),
    ColumnTerms("product_id", "integer", "bigint", required=True, minimum=Bound(0)),
    ColumnTerms("quantity", "integer", "int", required=True, minimum=Bound(0), maximum=Bound(1000)),
    ColumnTerms("amount", "number", "decimal(12,2)", required=True, minimum=Bound(0)),
    ColumnTerms("sold_at", "timestamp", "timestamp", required=True, form=ZONED),
    ColumnTerms("day", "date", "date", required=True),
    ColumnTerms("code", "string", "string", pattern="^[A-Z]{2}-[0-9]{1,6}$", longest=9),
    ColumnTerms("status", "string", "string", values=("open", "paid", "late")),
)
ROW_RULES = (
    RowRule("paid_has_amount", "status <> 'paid' or amount > 0"),
    RowRule("sold_on_its_day", "to_date(sold_at) = day"),
    RowRule("code_is_of_the_store", "code is null or length(code) > 3"),
)


def main() -> int:
    """The medians of both sides, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    rules = sum(len(terms.row_rules) - ("type" in terms.row_rules) for terms in COLUMNS) + len(ROW_RULES)
    with tempfile.TemporaryDirectory() as folder:
        spark = start_session(load_conf(ROOT).spark)
        world = World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks")
        files = max(2, given.rows // 1_000_000)
        rows = generated(spark.range(0, given.rows, 1, files))
        rows.write.format("delta").save(world.lake.table("raw.lines").uri)
        sides: dict[str, list[float]] = {"without rules": [], "with rules": []}
        counts = {}
        for at in range(given.rounds + 1):
            sides["without rules"].append(by_hand(world, at))
            seconds, counts = under_contract(world, at)
            sides["with rules"].append(seconds)
        middle = {name: statistics.median(seconds[1:]) for name, seconds in sides.items()}
        print(f"{given.rows:,} rows of {len(COLUMNS)} columns, {rules} rules; {spark.sparkContext.master}; "
              f"median of {given.rounds} after 1")  # fmt: skip
        show([{"side": name, "seconds": round(seconds, 1), "rounds": [round(s, 1) for s in sides[name][1:]]}
              for name, seconds in middle.items()])  # fmt: skip
        print(f"ratio {middle['with rules'] / middle['without rules']:.2f}; {counts}")
        assert counts["good"] + counts["quarantined"] == given.rows == counts["typed by hand"]
    return 0


def generated(ids: DataFrame) -> DataFrame:
    """Rows of texts; each thousandth has an amount with three decimals."""
    number = F.pmod(F.xxhash64("id"), F.lit(1_000_003))
    second = F.timestamp_seconds(F.lit(1_483_228_800) + F.pmod(F.col("id"), F.lit(31_000_000)))
    return ids.select(
        F.col("id").cast("string").alias("line_id"),
        (1 + number % 500).cast("string").alias("store_id"),
        number.cast("string").alias("product_id"),
        (number % 20).cast("string").alias("quantity"),
        F.when(F.col("id") % 1000 == 0, "1.005").otherwise(
            ((number + 1) / 100).cast("decimal(12,2)").cast("string")).alias("amount"),
        F.date_format(second, "yyyy-MM-dd'T'HH:mm:ss'Z'").alias("sold_at"),
        F.date_format(second, "yyyy-MM-dd").alias("day"),
        F.concat(F.lit("AB-"), (number % 100_000).cast("string")).alias("code"),
        F.element_at(F.array(*map(F.lit, ("open", "paid", "late"))), (number % 3 + 1).cast("int")).alias("status"),
    )  # fmt: skip


def by_hand(world: World, at: int) -> float:
    """The columns typed and written, in one read; seconds."""
    began = time.monotonic()
    rows = world.lake.table("raw.lines").pin().rows()
    kept = [typed(F.col(terms.name), terms).kept.alias(terms.name) for terms in COLUMNS]
    rows.select(*kept).write.format("delta").save(world.lake.table(f"hand.lines{at}").uri)
    return time.monotonic() - began


def under_contract(world: World, at: int) -> tuple[float, dict[str, int]]:
    """The table and its quarantine by a run; seconds, and how many rows each side has."""
    target = f"bench.lines{at}"
    jobs = guarded(
        {target: Job(source="raw.lines", target=target)}, {target: Contract(target, COLUMNS, row_rules=ROW_RULES)}
    )
    began = time.monotonic()
    outcome = run_tables(world, jobs)
    seconds = time.monotonic() - began
    assert outcome.exit_code == 0, outcome.error
    tables = {"good": target, "quarantined": quarantine_of(target), "typed by hand": f"hand.lines{at}"}
    return seconds, {name: world.lake.table(table).pin().rows().count() for name, table in tables.items()}


if __name__ == "__main__":
    raise SystemExit(main())
