"""From which size on an update is cheaper than a rebuild, and how an update's cost grows with the table.

A one-source aggregate over generated rows in order of time (`--rows`), 75 a key; each round appends a change of a share
of the rows (`--shares`), of neighbouring keys ("local") or of keys all over ("scattered"), updates, and makes the same
table by the fastest form known: one aggregation, overwritten. Both sides' rows are compared. Then the exponent of the
update's growth with the rows, for a change of a fixed number of rows, is fitted to all sizes but the largest, and the
largest one's miss is shown. What `auto` would have chosen stands beside each.
"""

import argparse
import math
import statistics
import tempfile
import time
from itertools import product
from pathlib import Path

from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Mean, Sum
from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.ledger import record
from lakemill.observe.runs import Run
from lakemill.refresh.plan import UPDATE
from lakemill.runner import run_table
from lakemill.world import World

ROOT = Path(__file__).resolve().parents[2]
ROWS_A_KEY, ROWS_A_FILE, FIXED_CHANGE = 75, 1_500_000, 500
FEED = {"delta.enableChangeDataFeed": "true"}
JOB = Job(
    source="raw.rows", key=["k"], reduce={"rows": Count(), "total": Sum("amount"), "average": Mean("amount")},
    target="bench.totals",
)  # fmt: skip
Line = dict[str, object]


def main() -> int:
    """One table of figures for each size, then the fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_500_000, 20_000_000])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.00001, 0.001, 0.01, 0.1])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    spark = start_session(load_conf(ROOT).spark)
    fixed: dict[int, tuple[float, float]] = {}
    for rows in sorted(given.rows):
        with tempfile.TemporaryDirectory() as folder:
            world = World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks")
            fixed[rows] = measure(world, rows, given.shares, given.rounds)
    fit(fixed)
    return 0


def measure(world: World, rows: int, shares: list[float], rounds: int) -> tuple[float, float]:
    """All changes of one size; the seconds and bytes of an update by the fixed change."""
    files = max(1, rows // ROWS_A_FILE)
    written(world, generated(world.spark.range(0, rows, 1, files)))
    recorded(world, updated(world))
    changes = [(FIXED_CHANGE / rows, "local"), *product(shares, ("local", "scattered"))]
    lines, batch = list[Line](), 0
    first: tuple[float, float] = (0.0, 0.0)
    for share, where in [changes[0], *changes]:  # the first one twice: it warms up
        updates, hands = list[Run](), list[Run]()
        for _ in range(rounds):
            batch += 1
            written(world, change(world, rows, share, where, batch))
            updates.append(recorded(world, updated(world)))
            hands.append(by_hand(world))
        if (share, where) == changes[0]:
            first = (middle(updates), float(statistics.median(run.bytes_read or 0 for run in updates)))
        lines.append(line(world, share, where, updates, hands))
    print(f"\n{rows:,} rows, {rows // ROWS_A_KEY:,} keys; {world.spark.sparkContext.master}; median of {rounds}")
    show(lines[1:])
    return first


def generated(ids: DataFrame) -> DataFrame:
    """Rows of ROWS_A_KEY neighbours a key."""
    amount = F.pmod(F.xxhash64("id"), F.lit(100_003)) / 100
    return ids.select("id", F.floor(F.col("id") / ROWS_A_KEY).alias("k"), amount.cast("decimal(10,2)").alias("amount"))


def change(world: World, rows: int, share: float, where: str, batch: int) -> DataFrame:
    """A share of new rows: of neighbouring keys near the end, or of keys all over."""
    return generated(changed_ids(world, rows, share, where, batch)).withColumn("id", F.col("id") + 10**12 * batch)


def changed_ids(world: World, rows: int, share: float, where: str, batch: int) -> DataFrame:
    """The ids that the keys of a change are told by: neighbours near the end, or all over."""
    count = max(1, int(rows * share))
    step = 1 if where == "local" else max(1, rows // count)
    first = max(0, rows - count * step - batch) if where == "local" else batch % step
    return world.spark.range(first, first + count * step, step, 2)


def written(world: World, rows: DataFrame) -> None:
    """Append to the source."""
    rows.write.format("delta").mode("append").options(**FEED).save(world.lake.table("raw.rows").uri)


def updated(world: World) -> Run:
    """One run by update: what `auto` would have done is told by what is expected."""
    world.renew()
    run, began = Run(f"bench-{time.monotonic_ns()}", JOB.target), time.monotonic()
    run_table(world, JOB, UPDATE, run)
    run.seconds = time.monotonic() - began
    return run


def recorded(world: World, run: Run) -> Run:
    """The run, kept in the ledger."""
    record(world.lake, [run])
    return run


def by_hand(world: World) -> Run:
    """The same table in one aggregation, overwritten; checked against the updated one."""
    run, place, began = Run("bench", "by hand"), world.lake.table("bench.hand").uri, time.monotonic()
    rows = world.lake.table("raw.rows").pin().rows().groupBy("k")
    parts = [F.count(F.lit(1)).alias("rows"), F.sum("amount").alias("total"), F.avg("amount").alias("average")]
    rows.agg(*parts).write.format("delta").mode("overwrite").save(place)
    run.seconds = time.monotonic() - began
    digests = [digest(world, table) for table in (JOB.target, "bench.hand")]
    assert digests[0] == digests[1], "both sides hold the same rows"
    run.rows_out = digests[0][0]
    return run


def digest(world: World, table: str) -> tuple[int, int]:
    """How many rows, and the sum of their hashes."""
    hashed = F.xxhash64("k", "rows", F.col("total").cast("decimal(20,2)")).cast("decimal(20,0)")
    rows = world.spark.read.format("delta").load(world.lake.table(table).uri)
    count, total = rows.agg(F.count(F.lit(1)), F.sum(hashed)).collect()[0]
    return int(count), int(total)


def middle(runs: list[Run]) -> float:
    """The median of their seconds."""
    return statistics.median(run.seconds for run in runs)


def line(world: World, share: float, where: str, updates: list[Run], hands: list[Run]) -> Line:
    """Both sides' medians, and what was expected of the last update."""
    last = updates[-1]
    return {
        "change %": f"{share * 100:.4g}",
        "keys are": where,
        "plan": "/".join(sorted({f"{run.plan} {run.reason}" for run in updates})),
        "rows in": last.rows_in,
        "keys touched": last.keys_touched,
        "rows": world.lake.table(JOB.target).pin().rows().count(),
        "rows by hand": hands[-1].rows_out,
        "rewritten/changed": (last.rows_rewritten or 0) / max(1, last.rows_out or 0),
        "read MB": (last.bytes_read or 0) / 1e6,
        "update s": middle(updates),
        "expected s": last.update_seconds,
        "by hand s": middle(hands),
        "by hand/update": middle(hands) / middle(updates),
    }


def fit(fixed: dict[int, tuple[float, float]]) -> None:
    """The exponent of growth of seconds and bytes with the rows, of all sizes but the largest, and its miss."""
    sizes = sorted(fixed)
    for at, what in enumerate(("seconds", "bytes read")):
        values = [fixed[rows][at] for rows in sizes]
        print(f"update by {FIXED_CHANGE} rows, {what}: " + ", ".join(
            f"{value:,.2f} at {rows:,}" for rows, value in zip(sizes, values, strict=True)))  # fmt: skip
        if len(sizes) > 2:
            exponent, factor = fitted(sizes[:-1], values[:-1])
            told = factor * sizes[-1] ** exponent
            print(f"  exponent of growth {exponent:.3f}; at {sizes[-1]:,} it tells {told:,.2f}, "
                  f"which misses by {told / values[-1] - 1:+.0%}")  # fmt: skip


def fitted(sizes: list[int], values: list[float]) -> tuple[float, float]:
    """Exponent and factor of a power law through the points, by least squares of logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    slope, intercept = statistics.linear_regression(x, y)
    return slope, math.exp(intercept)


if __name__ == "__main__":
    raise SystemExit(main())
