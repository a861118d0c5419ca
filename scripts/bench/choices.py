"""How well `auto` chooses between update and rebuild, and how well it knows beforehand what its choice will take.

For each size of source (`--rows`) four tables: totals, totals and an extreme, a join of two, the newest row of a key.
Changes of several shares, of neighbouring keys and of keys all over, come in turn. Each table is made three times from
the same source: by `auto`, by update alone and by rebuild alone; only the first one's runs are in the ledger, where
`auto` learns. All three are compared in the end. A choice is right where no other plan took less; what it cost is its
seconds over those of the faster plan, where the plan that `auto` did not take is timed on the other two tables.
"""

import argparse
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice, product
from pathlib import Path

from crossover import changed_ids
from fixed_cost import JOBS, ROOT, generated, made, updated, written
from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Latest
from lakemill.cli.show import show
from lakemill.conf import load_conf
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.ledger import record
from lakemill.refresh.plan import REBUILD, UPDATE
from lakemill.world import World

KINDS = {**JOBS, "the newest row": Job(source="raw.rows", key=["k"], reduce=Latest(by=["id"]), target="bench.newest")}
SHARES = (0.001, 0.1, 0.01, 0.4)
PLACES = ("local", "scattered")
BEARABLE, NEAR = 1.2, 0.3


@dataclass(frozen=True)
class Choice:
    """What `auto` chose once, and what either plan took; expected: seconds that it told of its plan beforehand."""

    kind: str
    rows: int
    share: float
    place: str
    plan: str
    reason: str
    expected: float | None
    update: float
    rebuild: float

    @property
    def taken(self) -> float:
        """The seconds of the plan that was chosen."""
        return self.update if self.plan == UPDATE else self.rebuild

    @property
    def regret(self) -> float:
        """How many times as long as the faster plan it took."""
        return self.taken / min(self.update, self.rebuild)


def main() -> int:
    """All choices, then how good they were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 3_000_000, 8_000_000])
    parser.add_argument("--choices", type=int, default=200, help="at least so many")
    given = parser.parse_args()
    choices: list[Choice] = []
    spark = start_session(load_conf(ROOT).spark)
    rounds = -(-given.choices // (len(given.rows) * len(KINDS)))
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            world = World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks")
            choices += chosen(world, rows, rounds)
    show([vars(choice) | {"regret": choice.regret} for choice in choices])
    print(f"{world.spark.sparkContext.master}; " + "\n".join(told(choices)))
    return 0


def chosen(world: World, rows: int, rounds: int) -> list[Choice]:
    """The choices of one size, a change after the other; in the end all ways have made the same rows."""
    made(world, rows)
    for job in KINDS.values():
        record(world.lake, [updated(world, job, "auto")])
        for policy in (UPDATE, REBUILD):
            updated(world, twin(job, policy), policy)
    choices, changes = list[Choice](), cycle(product(PLACES, SHARES))
    for batch, (place, share) in enumerate(islice(changes, rounds), 1):
        written(world, "raw.rows", change(world, rows, share, place, batch))
        for kind, job in KINDS.items():
            run = updated(world, job, "auto")
            record(world.lake, [run])
            took = {policy: updated(world, twin(job, policy), policy).seconds for policy in (UPDATE, REBUILD)}
            took[run.plan] = run.seconds
            expected = run.update_seconds if run.plan == UPDATE else run.rebuild_seconds
            made_of = (kind, rows, share, place, run.plan, run.reason)
            choices.append(Choice(*made_of, expected, took[UPDATE], took[REBUILD]))
    for job in KINDS.values():
        digests = [digest(world, name.target) for name in (job, twin(job, UPDATE), twin(job, REBUILD))]
        assert digests[0] == digests[1] == digests[2], f"{job.target}: all ways make the same rows"
        print(f"{job.target}: {digests[0][0]:,} rows, made from {rows:,} and what came, the same in all three ways")
    return choices


def twin(job: Job, policy: str) -> Job:
    """The same table, made by one policy."""
    return replace(job, target=f"{job.target}_by_{policy}")


def change(world: World, rows: int, share: float, place: str, batch: int) -> DataFrame:
    """A share of new rows."""
    return generated(changed_ids(world, rows, share, place, batch)).withColumn("id", F.col("id") + 10**12 * batch)


def digest(world: World, table: str) -> tuple[int, int]:
    """How many rows a table has, and the sum of their hashes."""
    rows = world.lake.table(table).pin().rows()
    hashed = F.xxhash64(*[name for name in rows.columns if not name.startswith("_")]).cast("decimal(20,0)")
    count, total = rows.agg(F.count(F.lit(1)), F.sum(hashed)).collect()[0]
    return int(count), int(total)


def told(choices: list[Choice]) -> Iterator[str]:
    """How good the choices were, and how near what was expected."""
    right = sum(choice.regret == 1 for choice in choices)
    borne = sum(choice.regret <= BEARABLE for choice in choices)
    yield f"{len(choices)} choices: {right} of the faster plan, {borne} within {BEARABLE - 1:.0%} of it"
    worst = max(choices, key=lambda choice: choice.regret)
    yield f"the worst took {worst.regret:.2f} times as long: {worst}"
    sums = {"auto": sum(choice.taken for choice in choices),
            "the faster plan each time": sum(min(choice.update, choice.rebuild) for choice in choices),
            "always update": sum(choice.update for choice in choices),
            "always rebuild": sum(choice.rebuild for choice in choices)}  # fmt: skip
    yield ", ".join(f"{side} {seconds:.0f} s" for side, seconds in sums.items())
    misses = [abs(choice.expected / choice.taken - 1) for choice in choices if choice.expected]
    near = sum(miss <= NEAR for miss in misses)
    median = f"; median miss {statistics.median(misses):.0%}" if misses else ""
    yield f"expected beforehand: {len(misses)}; within {NEAR:.0%} of what it took: {near}{median}"
    yield f"reasons: {dict(Counter(choice.reason for choice in choices))}"


if __name__ == "__main__":
    raise SystemExit(main())
