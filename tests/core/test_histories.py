"""rebuild = update = oracle over random histories, many side by side as a column of the key: Spark is paid once.

The oracle is plain Python over the rows that the history left; it knows nothing of parts, weights or merges.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from algebra import ALGEBRA, BAGS, ROUGH, Tight
from conftest import TestLake
from foreign import feed, read
from long_mode import LONG_SECONDS, seeds_until
from pyspark.sql import DataFrame, functions as F

from lakemill import CollectSet, Count, CountIf, Fold, Job, Latest, Max, Mean, Min, Sum

SCHEMA = "h int, id int, k string, x decimal(38,2), n bigint, t string, d date, v double, ok boolean, at int"
NAMES = [column.split()[0] for column in SCHEMA.split(", ")]
BIG = Decimal("9" * 30 + ".99")


def everything(rows: DataFrame) -> DataFrame:
    return rows.where(F.col("at") > 2).withColumn("v", -F.col("v"))


def texts() -> Fold:
    """All rows of a key as texts, sorted; any change recomputes it."""

    def add(state, row):
        return merge(state, [repr(tuple(row))])

    def merge(one, other):
        return sorted([*one, *other])

    def present(state):
        return state

    return Fold(["t", "n", "v"], zero=[], add=add, merge=merge, present=present, returns="array<string>")


def length() -> Fold:
    """How long a key's texts are together, and the sum of its numbers; what goes is taken away."""

    def add(state, row):
        return [state[0] + len(row.t or ""), state[1] + (row.n or 0)]

    def merge(one, other):
        return [one[0] + other[0], one[1] + other[1]]

    def present(state):
        return str(state)

    def remove(state, row):
        return [state[0] - len(row.t or ""), state[1] - (row.n or 0)]

    return Fold(["t", "n"], zero=[0, 0], add=add, merge=merge, present=present, remove=remove, returns="string")


REDUCED = {
    "rows": Count(),
    "oks": CountIf("ok"),
    "sum_x": Sum("x"),
    "sum_n": Sum("n"),
    "mean_x": Mean("x"),
    "mean_n": Mean("n"),
    "min_x": Min("x"),
    "max_t": Max("t"),
    "min_d": Min("d"),
    "max_v": Max("v"),
}
JOBS = {
    "reduced": Job(source="raw.rows", map=everything, key=["h", "k"], reduce=REDUCED, target="gold.reduced"),
    "sums": Job(source="raw.rows", key=["h", "k"], reduce={"n": Sum("n"), "c": Count()}, target="gold.sums"),
    "latest": Job(source="raw.rows", map=everything, key=["h", "k"], reduce=Latest(by=["at"]), target="gold.latest"),
    "keys": Job(source="raw.rows", key=["t", "v"], target="gold.keys"),
    "whole": Job(source="raw.rows", key=[], reduce={"c": Count(), "x": Sum("x"), "m": Max("n")}, target="gold.whole"),
    "copy": Job(source="raw.rows", map=everything, target="gold.copy"),
    "algebra": Job(
        source="raw.rows",
        map=everything,
        key=["h", "k"],
        reduce={name: reducer for name, (reducer, _) in {**ALGEBRA, **BAGS}.items()},
        target="gold.algebra",
    ),
    "tight": Job(
        source="raw.rows",
        map=everything,
        key=["h", "k"],
        reduce={name: Tight(reducer) for name, (reducer, _) in BAGS.items()},
        target="gold.tight",
    ),
    "lone": Job(
        source="raw.rows",
        map=everything,
        key=["h", "k"],
        reduce={"set": Tight(CollectSet("d")), "n": Sum("n")},
        target="gold.lone",
    ),
    "folded": Job(
        source="raw.rows",
        map=everything,
        key=["h", "k"],
        reduce={"texts": texts(), "n": Sum("n")},
        target="gold.folded",
    ),
    "length": Job(
        source="raw.rows",
        map=everything,
        key=["h", "k"],
        reduce={"length": length(), "c": Count()},
        target="gold.length",
    ),
}


class History:
    """The rows that a seed's history leaves after each step, and what each step adds and removes."""

    def __init__(self, h: int, seed: int) -> None:
        self.h, self.random, self.rows, self.next = h, random.Random(seed), {}, 0

    def step(self) -> None:
        kinds = ["insert", "insert", "update", "one column", "delete", "mixed", "empty a key", "nothing"]
        kind = self.random.choice(kinds)
        if kind in ("insert", "mixed"):
            for _ in range(self.random.randint(1, 5)):
                self.rows[self.next] = self.row()
                self.next += 1
        if kind in ("update", "mixed") and self.rows:
            for one in self.random.sample(sorted(self.rows), min(3, len(self.rows))):
                self.rows[one] = self.row()
        if kind == "one column":
            place = self.random.randrange(len(NAMES) - 2)
            for one, row in self.rows.items():
                self.rows[one] = (*row[:place], self.row()[place], *row[place + 1 :])
        if kind in ("delete", "mixed") and self.rows:
            for one in self.random.sample(sorted(self.rows), min(2, len(self.rows))):
                del self.rows[one]
        if kind == "empty a key":
            gone = self.random.choice([None, "a", "b"])
            self.rows = {one: row for one, row in self.rows.items() if row[0] != gone}

    def row(self) -> tuple:
        maybe = self.random.choice
        return (
            maybe([None, "a", "b", "c"]),
            maybe([None, Decimal("0.00"), Decimal("-1.25"), Decimal("3.33"), BIG, BIG.copy_negate()]),
            maybe([None, 0, -7, 3, 10**12]),
            maybe([None, "", "x", "é", "zz"]),
            maybe([None, date(2017, 1, 1) + timedelta(days=self.random.randint(0, 4))]),
            maybe([None, 0.0, -0.0, 1.5, float("nan"), float("-inf")]),
            maybe([None, True, False]),
            self.random.randint(1, 9),
        )

    def table(self) -> list[tuple]:
        return [(self.h, one, *row) for one, row in self.rows.items()]


def write(lake, rows: list[tuple], commits: int) -> None:
    """Make the source hold these rows, in several commits, so that a row may change more than once in a window."""
    wanted = lake.spark.createDataFrame(rows, SCHEMA)
    if not lake.log("raw.rows").exists:
        lake.put("raw.rows", rows, SCHEMA)
        return
    for at in range(commits):
        # Earlier commits of a window write something else into some of the rows.
        other = (F.col("id") % 3 == at) & F.lit(at < commits - 1)
        changed = wanted.withColumn("n", F.when(other, F.lit(99 + at)).otherwise(F.col("n")))
        differs = " or ".join(f"not (t.{name} <=> s.{name})" for name in NAMES)
        merge = lake.delta("raw.rows").alias("t").merge(changed.alias("s"), "t.h = s.h and t.id = s.id")
        merge.whenMatchedUpdateAll(differs).whenNotMatchedInsertAll().whenNotMatchedBySourceDelete().execute()


def by_key(rows: list[dict], *key: str) -> dict[tuple, list[dict]]:
    found = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in key)].append(row)
    return found


def values(rows: list[dict], name: str) -> list:
    return [row[name] for row in rows if row[name] is not None]


def mean(numbers: list) -> Decimal | None:
    if not numbers:
        return None
    with localcontext() as context:
        context.prec = 90
        return (sum(map(Decimal, numbers)) / len(numbers)).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def total(numbers: list) -> object:
    with localcontext() as context:
        context.prec = 90
        return sum(numbers[1:], numbers[0]) if numbers else None


def order(value: float) -> tuple[bool, float]:
    """Spark's order of doubles: NaN is the greatest."""
    return (value != value, value)


def kept(rows: list[tuple]) -> list[dict]:
    """What the map `everything` leaves."""
    named = [dict(zip(NAMES, row, strict=True)) for row in rows]
    return [{**row, "v": None if row["v"] is None else -row["v"]} for row in named if row["at"] > 2]


def reduced(rows: list[tuple]) -> list[tuple]:
    return [
        (
            *key,
            len(of),
            sum(row["ok"] is True for row in of),
            total(values(of, "x")),
            total(values(of, "n")),
            mean(values(of, "x")),
            mean(values(of, "n")),
            min(values(of, "x"), default=None),
            max(values(of, "t"), default=None),
            min(values(of, "d"), default=None),
            max(values(of, "v"), key=order, default=None),
        )
        for key, of in by_key(kept(rows), "h", "k").items()
    ]


def latest(rows: list[tuple]) -> list[tuple]:
    def age(row: dict) -> list:
        rest = [row["at"], *(row[name] for name in NAMES if name != "at")]
        return [(value is not None, order(value) if isinstance(value, float) else value) for value in rest]

    return [tuple(max(of, key=age).values()) for of in by_key(kept(rows), "h", "k").values()]


def named(rows: list[tuple]) -> list[dict]:
    return [dict(zip(NAMES, row, strict=True)) for row in rows]


ORACLES: dict[str, Callable[[list[tuple]], list[tuple]]] = {
    "reduced": reduced,
    "sums": lambda rows: [(*k, total(values(of, "n")), len(of)) for k, of in by_key(named(rows), "h", "k").items()],
    "latest": latest,
    "keys": lambda rows: list({repr(plain(key)): key for key in by_key(named(rows), "t", "v")}.values()),
    "whole": lambda rows: [
        (len(of), total(values(of, "x")), max(values(of, "n"), default=None)) for of in by_key(named(rows)).values()
    ],
    "copy": lambda rows: [tuple(row.values()) for row in kept(rows)],
    "algebra": lambda rows: oracle({**ALGEBRA, **BAGS}, rows),
    "tight": lambda rows: oracle(BAGS, rows),
    "lone": lambda rows: [
        (*key, BAGS["set"][1](of), total(values(of, "n"))) for key, of in by_key(kept(rows), "h", "k").items()
    ],
    "folded": lambda rows: [
        (*key, sorted(repr((row["t"], row["n"], plain(row["v"]))) for row in of), total(values(of, "n")))
        for key, of in by_key(kept(rows), "h", "k").items()
    ],
    "length": lambda rows: [
        (*key, str([sum(map(len, values(of, "t"))), sum(values(of, "n"))]), len(of))
        for key, of in by_key(kept(rows), "h", "k").items()
    ],
}


def oracle(reducers: dict, rows: list[tuple]) -> list[tuple]:
    return [
        (*key, *[rough(name, expected(of)) for name, (_, expected) in reducers.items()])
        for key, of in by_key(kept(rows), "h", "k").items()
    ]


def rough(name: str, value: object) -> object:
    return f"{value:.9g}" if name in ROUGH and value is not None else value


def canonical(rows: list[tuple]) -> list[str]:
    """Rows as sorted texts: NaN equals itself, and 0.0 and -0.0 are told apart only where a reducer keeps values."""
    return sorted(repr(tuple(map(plain, row))) for row in rows)


def plain(value: object) -> object:
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return 0.0 if isinstance(value, float) and value == 0 else value


MANY = {"algebra", "tight"}
"""The jobs of many reducers, which take long to plan."""


def play(
    lake, seed: int, histories: int, steps: int, jobs: Sequence[str], at_once: int, until: float | None = None
) -> int:
    """Run the histories side by side; how many (history, step, job) cases were compared.

    After each step `at_once` of the jobs run, after the first and the last one all.   until: the time to stop at, after
    whichever step.
    """
    print(f"seed {seed}, {histories} histories, {steps} steps")
    chance = random.Random(seed)
    played = [History(h, chance.randrange(2**32)) for h in range(histories)]
    cases = 0
    for step in range(steps):
        for history in played:
            history.step()
        rows = [row for history in played for row in history.table()]
        write(lake, rows, commits=chance.choice([1, 2]))
        last = step == steps - 1 or (until is not None and time.monotonic() > until)
        for name in jobs if last or not step else chance.sample(jobs, at_once):
            # So that no update is spared: `auto` rebuilds where the change is larger than the table.
            run = lake.run(JOBS[name], "update" if step and JOBS[name].key else "auto")
            assert run.plan == "update" or JOBS[name].key is None or not step or histories == 1
            found = read(lake.uri(JOBS[name].target))
            found = [tuple(map(rough, lake.columns(JOBS[name].target), row)) for row in found]
            assert canonical(found) == canonical(ORACLES[name](rows)), (seed, step, name, run.reason)
            assert run.plan != "nothing" or not step or histories == 1
            cases += histories
        if last:
            break
    return cases


def settled(lake, job: Job) -> None:
    """Verify finds nothing, and a second run has nothing to do."""
    assert lake.differences(job) == []
    assert lake.run(job).plan == "nothing"


def unchanged_by_a_rebuild(lake, job: Job) -> None:
    """What its readers see of it: the rows that come are those that go."""
    before = lake.log(job.target).version
    lake.run(job, policy="rebuild")
    rows = feed(lake.uri(job.target), before)
    gone = {"delete", "update_preimage"}
    came, went = ([row for kind, *row in rows if (kind in gone) == old] for old in (False, True))
    assert canonical(came) == canonical(went)


@pytest.mark.parametrize("seed", [11])
def test_update_equals_rebuild_equals_oracle(lake, seed):
    jobs = sorted(JOBS.keys() - {"length"})  # test_own plays such a fold, too
    assert play(lake, seed, 60, steps=3, jobs=jobs, at_once=2) == 60 * (2 * len(jobs) + 2)
    for name in ("reduced", "latest", "copy"):
        settled(lake, JOBS[name])
    for name in ("reduced", "latest"):
        unchanged_by_a_rebuild(lake, JOBS[name])


@pytest.mark.long
def test_histories_side_by_side_for_a_given_time(spark, tmp_path):
    """LAKEMILL_LONG_SECONDS: 1,000 histories of 20 steps as a column of the key, every job after every step."""
    cases, until = 0, time.monotonic() + LONG_SECONDS
    for seed in seeds_until(until):
        lake = TestLake(spark, tmp_path / str(seed))
        cases += play(lake, seed, 1000, steps=20, jobs=sorted(JOBS), at_once=len(JOBS), until=until)
        for job in JOBS.values():
            settled(lake, job)
            if job.key is not None:
                unchanged_by_a_rebuild(lake, job)
        print(f"{cases} cases of (history, step, job), 1,000 histories at a time, no difference")


@pytest.mark.long
def test_delta_histories_for_a_given_time(spark, tmp_path):
    """LAKEMILL_LONG_SECONDS: histories of 20 steps in tables of their own; every reducer, past its bound too."""
    cases = 0
    for played, seed in enumerate(seeds_until(time.monotonic() + LONG_SECONDS), start=1):
        other = random.Random(seed).choice(sorted(JOBS.keys() - MANY))
        lake = TestLake(spark, tmp_path / str(seed))
        cases += play(lake, seed, 1, steps=20, jobs=[*sorted(MANY), other], at_once=1)
        settled(lake, JOBS[other])
        print(f"{played} Delta histories of 20 steps, {cases} runs compared, no difference")
