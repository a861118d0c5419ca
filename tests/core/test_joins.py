"""Jobs of one source and of several: update = rebuild = DuckDB, whatever is done to any of the sources, in any order.

Histories are side by side as a column, `h`; every statement on a table is one of Delta's own (append, update, delete,
merge, overwrite, restore, compact, vacuum, add a column), some written by delta-rs; one table has deletion vectors.
DuckDB reads the other sources, and the targets, without Spark.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, islice

import duckdb
import pytest
from conftest import TestLake
from deltalake import DeltaTable
from foreign import FEED, arrow, write
from long_mode import LONG_SECONDS, seeds_until
from pyspark.sql import DataFrame, Window, functions as F
from pyspark.sql.types import StructType

from lakemill import Count, CountDistinct, Job, Latest, Max, Min, PerKey, Sum
from lakemill.core.changes import SourceRows, change_of
from lakemill.core.weights import weigh
from lakemill.errors import UsageError
from lakemill.kinds import kind_of
from lakemill.lake.change import Change
from lakemill.maps.check import check_job
from lakemill.observe.runs import Run
from lakemill.refresh.plan import decide

COLUMNS = {"facts": "h int, id int, k int, m int, x bigint", "dims": "h int, id int, k bigint, g string, x bigint",
           "extra": "h int, id int, g string, m int, v bigint"}  # fmt: skip
VECTORS = "extra"
"""The source with deletion vectors; the reader that is not Spark does not know them yet."""
MORE = "more_"
"""How columns that a history adds are called: they hold NULLs only."""
RAW = {name: f"raw.{name}" for name in COLUMNS}


def alone(facts: DataFrame) -> DataFrame:
    return facts.where("x is null or x <> 5")


def facts_dims(facts: DataFrame, dims: DataFrame) -> DataFrame:
    return facts.drop("id").join(dims.select("h", "k", "g"), ["h", "k"])


def chain(facts: DataFrame, dims: DataFrame, extra: DataFrame) -> DataFrame:
    met = facts.alias("f").join(dims.alias("d"), (F.col("f.h") == F.col("d.h")) & (F.col("f.k") == F.col("d.k")))
    found = met.join(extra.alias("e"), (F.col("d.h") == F.col("e.h")) & F.col("d.g").eqNullSafe(F.col("e.g")))
    return found.select("f.h", "d.g", "f.x", "e.v", "d.id")


def pairs(one: DataFrame, other: DataFrame) -> DataFrame:
    met = one.join(other, (one["h"] == other["h"]) & (one["k"] == other["k"]) & (one["id"] < other["id"]))
    return met.select(one["h"], one["k"], (one["x"] * other["x"]).alias("xx"))


def united(facts: DataFrame, dims: DataFrame) -> DataFrame:
    return facts.select("h", "k", "x").union(dims.where("g <> 'a'").select("h", F.col("k").cast("int"), "x"))


def two_unions(facts: DataFrame, dims: DataFrame, extra: DataFrame) -> DataFrame:
    by_dims = facts_dims(facts, dims).select("h", "g", "x")
    by_extra = facts.join(extra.withColumnRenamed("v", "w"), ["h", "m"]).select("h", extra["g"], F.col("w").alias("x"))
    return by_dims.union(by_extra)


def not_linear(facts: DataFrame, dims: DataFrame) -> DataFrame:
    return facts_dims(facts, dims).select("h", "g", "x").union(facts.select("h", F.lit("z"), "x"))


def left(facts: DataFrame, dims: DataFrame) -> DataFrame:
    return facts.drop("id").join(dims.select("h", "k", "g", F.col("x").alias("y")), ["h", "k"], "left")


def left_of_joined(facts: DataFrame, extra: DataFrame, dims: DataFrame) -> DataFrame:
    met = facts.select("h", "k", "m", "x").join(extra.select("h", "m", "v"), ["h", "m"])
    return met.join(dims.where("g <> 'c'").select("h", "k", "g"), ["h", "k"], "left")


def right(dims: DataFrame, facts: DataFrame) -> DataFrame:
    return dims.select("h", "k", "g").join(facts.select("h", "k", "x"), ["h", "k"], "right").select("h", "g", "x")


def having(facts: DataFrame, dims: DataFrame) -> DataFrame:
    return facts.join(dims, ["h", "k"], "left_semi").select("h", "k", "x")


def lacking(facts: DataFrame, dims: DataFrame) -> DataFrame:
    return facts.join(dims.where("x > 0"), ["h", "k"], "left_anti").select("h", "k", "x")


def full(facts: DataFrame, dims: DataFrame) -> DataFrame:
    return facts.select("h", "k", "x").join(dims.select("h", "k", "g"), ["h", "k"], "full").select("h", "g", "x")


def crossed(facts: DataFrame, dims: DataFrame) -> DataFrame:
    d = dims.select(F.col("h").alias("dh"), "g")
    return facts.crossJoin(d).where("h = dh").select("h", "g", "x")


def ranked(rows: DataFrame) -> DataFrame:
    place = F.row_number().over(Window.partitionBy("h", "g").orderBy("x", "k", "m"))
    return rows.select("h", "g", "x", place.alias("place")).where("place <= 2")


def job(name: str, map: Callable[..., DataFrame], sources: str, key: str | None, **reduce: object) -> Job:
    return Job(
        source=[RAW[one] for one in sources.split()],
        map=map,
        key=key.split() if key is not None else None,
        reduce=reduce.get("by", reduce),
        target=f"gold.{name}",
    )


DEEDS = {"append": 6, "update": 4, "delete": 3, "merge": 5, "restore": 2, "optimize": 2, "add column": 1,
         "overwrite": 1, "vacuum": 1}  # fmt: skip
"""What is done to a source, and how often beside the others."""


@dataclass(frozen=True)
class Case:
    job: Job
    sql: str


FD = "facts f join dims d on f.h = d.h and f.k = d.k"
CASES = {
    "one": Case(
        job("one", alone, "facts", "h k", n=Count(), s=Sum("x"), m=Min("x"), c=CountDistinct("m")),
        "select h, k, count(*), sum(x), min(x), count(distinct m) from facts where x is null or x <> 5 group by all",
    ),
    "inner": Case(
        job("inner", facts_dims, "facts dims", "h g", n=Count(), s=Sum("x"), m=Max("x"), c=CountDistinct("m")),
        f"select f.h, g, count(*), sum(f.x), max(f.x), count(distinct f.m) from {FD} group by all",
    ),
    "chain": Case(
        job("chain", chain, "facts dims extra", "h g", n=Count(), s=Sum("v"), m=Min("x"), d=CountDistinct("id")),
        f"select f.h, d.g, count(*), sum(v), min(f.x), count(distinct d.id) from {FD} "
        "join extra e on d.h = e.h and d.g is not distinct from e.g group by all",
    ),
    "pairs": Case(
        job("pairs", pairs, "facts facts", "h k", n=Count(), s=Sum("xx"), m=Max("xx")),
        "select a.h, a.k, count(*), sum(a.x * b.x), max(a.x * b.x) from facts a join facts b "
        "on a.h = b.h and a.k = b.k and a.id < b.id group by all",
    ),
    "united": Case(
        job("united", united, "facts dims", "h k", n=Count(), s=Sum("x")),
        "select h, k, count(*), sum(x) from (select h, k, x from facts union all "
        "select h, k, x from dims where g <> 'a') group by all",
    ),
    "two_unions": Case(
        job("two_unions", two_unions, "facts dims extra", "h g", n=Count(), s=Sum("x"), m=Min("x")),
        f"select h, g, count(*), sum(x), min(x) from (select f.h, g, f.x from {FD} union all "
        "select f.h, e.g, e.v from facts f join extra e on f.h = e.h and f.m = e.m) group by all",
    ),
    "not_linear": Case(
        job("not_linear", not_linear, "facts dims", "h g", n=Count(), s=Sum("x")),
        f"select h, g, count(*), sum(x) from (select f.h, g, f.x from {FD} union all "
        "select h, 'z', x from facts) group by all",
    ),
    "left": Case(
        job("left", left, "facts dims", "h g", n=Count(), s=Sum("x"), y=Sum("y"), m=Max("y")),
        "select f.h, g, count(*), sum(f.x), sum(d.x), max(d.x) from facts f left join dims d "
        "on f.h = d.h and f.k = d.k group by all",
    ),
    "left_of_joined": Case(
        job("left_of_joined", left_of_joined, "facts extra dims", "h g", n=Count(), s=Sum("v"), m=Max("x")),
        "select f.h, d.g, count(*), sum(v), max(f.x) from facts f join extra e on f.h = e.h and f.m = e.m "
        "left join (from dims where g <> 'c') d on f.h = d.h and f.k = d.k group by all",
    ),
    "right": Case(
        job("right", right, "dims facts", "h g", n=Count(), s=Sum("x")),
        "select f.h, g, count(*), sum(f.x) from dims d right join facts f on f.h = d.h and f.k = d.k group by all",
    ),
    "having": Case(
        job("having", having, "facts dims", "h k", n=Count(), m=Max("x")),
        "select h, k, count(*), max(x) from facts f where exists "
        "(from dims d where f.h = d.h and f.k = d.k) group by all",
    ),
    "lacking": Case(
        job("lacking", lacking, "facts dims", "h k", n=Count(), m=Max("x")),
        "select h, k, count(*), max(x) from facts f where not exists "
        "(from dims d where f.h = d.h and f.k = d.k and d.x > 0) group by all",
    ),
    "full": Case(
        job("full", full, "facts dims", "h g", n=Count(), s=Sum("x")),
        "select coalesce(f.h, d.h), g, count(*), sum(f.x) from facts f full join dims d "
        "on f.h = d.h and f.k = d.k group by all",
    ),
    "crossed": Case(
        job("crossed", crossed, "facts dims", "h g", n=Count(), s=Sum("x")),
        "select f.h, g, count(*), sum(f.x) from facts f join dims d on f.h = d.h group by all",
    ),
    "latest": Case(
        job("latest", facts_dims, "facts dims", "h g", by=Latest(by=["x", "k", "m"])),
        f"select f.h, f.k, f.m, f.x, g from {FD} "
        "qualify row_number() over "
        "(partition by f.h, g order by f.x desc nulls last, f.k desc, f.m desc nulls last) = 1",
    ),
    "per_key": Case(
        job("per_key", facts_dims, "facts dims", "h g", by=PerKey(ranked)),
        f"select f.h, g, f.x, row_number() over (partition by f.h, g order by f.x nulls first, f.k, f.m nulls first) p "
        f"from {FD} qualify p <= 2",
    ),
    "appended": Case(job("appended", facts_dims, "facts dims", None), f"select f.h, f.k, f.m, f.x, g from {FD}"),
}  # fmt: skip


class Sources:
    """The sources' tables, what is done to them, and what they hold."""

    def __init__(self, lake, chance: random.Random, histories: int) -> None:
        self.lake, self.chance, self.histories, self.next = lake, chance, histories, 0
        self.restorable: dict[str, int] = {}

    def act(self, name: str) -> str:
        """One statement on one table; its name."""
        if not self.lake.log(RAW[name]).exists:
            self.put(name, 4)
            return f"{name}: made"
        (kind,) = self.chance.choices(list(DEEDS), DEEDS.values())
        getattr(self, kind.replace(" ", "_"))(name)
        return f"{name}: {kind}"

    def rows(self, count: int, name: str) -> list[tuple]:
        maybe = self.chance.choice
        rows = []
        for h in range(self.histories):
            for _ in range(self.chance.randint(0, count)):
                self.next += 1
                k, g, m = maybe([None, 1, 2, 3]), maybe([None, "a", "b", "c"]), maybe([None, 0, 1])
                x = maybe([None, 0, 1, 5, -3, 7])
                rows.append({"facts": (h, self.next, k, m, x), "dims": (h, self.next, k, g, x),
                             "extra": (h, self.next, g, m, x)}[name])  # fmt: skip
        return rows

    def frame(self, count: int, name: str) -> DataFrame:
        return self.lake.spark.createDataFrame(self.rows(count, name), COLUMNS[name]).coalesce(1)

    def put(self, name: str, count: int, mode: str = "append") -> None:
        uri = self.lake.uri(RAW[name])
        if name != VECTORS and self.chance.random() < 0.7:
            write(uri, self.rows(count, name), COLUMNS[name], mode)
            return
        feed = FEED | {"delta.enableDeletionVectors": str(name == VECTORS).lower()}
        self.frame(count, name).write.format("delta").mode(mode).options(**feed).save(uri)

    def append(self, name: str) -> None:
        self.put(name, 2)

    def overwrite(self, name: str) -> None:
        self.put(name, 4, mode="overwrite")

    def update(self, name: str) -> None:
        changed = self.chance.choice({"facts": "kmx", "dims": "kgx", "extra": "gmv"}[name])
        value = "'b'" if changed == "g" else "1"
        self.lake.delta(RAW[name]).update(f"id % {self.chance.randint(2, 5)} = 0", {changed: value})

    def delete(self, name: str) -> None:
        self.lake.delta(RAW[name]).delete(f"id % {self.chance.randint(3, 6)} = 1")

    def merge(self, name: str) -> None:
        old = self.lake.frame(RAW[name]).where(f"id % {self.chance.randint(2, 4)} = 0")
        names = [column.split()[0] for column in COLUMNS[name].split(", ")]
        value = {"facts": F.lit(2), "dims": F.lit(2).cast("bigint"), "extra": F.col("m")}[name]
        changed = old.select(*names).withColumn("k" if name != "extra" else "m", value)
        rows = changed.unionByName(self.frame(1, name)).alias("s")
        merge = self.lake.delta(RAW[name]).alias("t").merge(rows, "t.h = s.h and t.id = s.id")
        every = {name: f"s.{name}" for name in names}
        merge = merge.whenMatchedUpdate(set=every).whenNotMatchedInsert(values=every)
        merge.whenNotMatchedBySourceDelete("t.id % 7 = 0").execute()

    def restore(self, name: str) -> None:
        newest = self.lake.log(RAW[name]).version
        self.lake.delta(RAW[name]).restoreToVersion(self.chance.randint(self.restorable.get(name, 0), newest))

    def optimize(self, name: str) -> None:
        self.lake.delta(RAW[name]).optimize().executeCompaction()

    def vacuum(self, name: str) -> None:
        self.lake.delta(RAW[name]).vacuum(0)
        self.restorable[name] = self.lake.log(RAW[name]).version

    def add_column(self, name: str) -> None:
        more = f"{MORE}{self.lake.log(RAW[name]).version}"
        self.lake.spark.createDataFrame([], f"{COLUMNS[name]}, {more} int").write.format("delta").mode("append").option(
            "mergeSchema", "true"
        ).save(self.lake.uri(RAW[name]))


def canonical(rows: list[tuple]) -> list[str]:
    """Rows as sorted texts; a number is one whatever its type: all are whole."""
    return sorted(repr(tuple(int(v) if isinstance(v, int | float | Decimal) else v for v in row)) for row in rows)


def compare(lake, case: Case, said: object) -> None:
    con = duckdb.connect()
    for name in COLUMNS:
        at = lake.uri(RAW[name])
        con.register(name, lake.frame(RAW[name]).toArrow() if name == VECTORS else DeltaTable(at).to_pyarrow_table())
    target = DeltaTable(lake.uri(case.job.target)).to_pyarrow_table()
    added = [name for name in target.column_names if name == "_state" or name.startswith(MORE)]
    con.register("target", target.drop_columns(added))
    found, expected = con.sql("from target").fetchall(), con.sql(case.sql).fetchall()
    assert canonical(found) == canonical(expected), said


def run_either_way(lake, job: Job, policy: str) -> Run:
    """`update` also follows what `auto` would rebuild because that reads less; what no update can follow is rebuilt."""
    try:
        return lake.run(job, policy)
    except UsageError:
        return lake.run(job)


def play(
    lake, seed: int, histories: int, steps: int, at_once: int, cases: Sequence[str], until: float | None = None
) -> Counter[tuple[str, str]]:
    """A history; after each step `at_once` of the cases run in turn, after the last one all.

    How often each plan was made for each case, by (case, plan).
    until: the time to stop at, after whichever step.
    """
    print(f"seed {seed}, {histories} histories, {steps} steps")
    chance = random.Random(seed)
    sources, plans, turn = Sources(lake, chance, histories), Counter(), cycle(chance.sample(cases, len(cases)))
    for step in range(steps):
        deeds = [sources.act(name) for name in COLUMNS for _ in range(chance.choice([0, 1, 1]) if step else 1)]
        last = step == steps - 1 or (until is not None and time.monotonic() > until)
        for name in cases if last or not step else islice(turn, at_once):
            run = run_either_way(lake, CASES[name].job, chance.choice(["auto", "update", "update"]))
            plans[name, f"{run.plan} {run.reason}"] += 1
            compare(lake, CASES[name], (seed, step, name, run.plan, run.reason, run.detail, deeds))
        if last:
            break
    return plans


IN_TABLES = ("chain", "lacking", "latest", "left_of_joined", "one", "pairs", "per_key", "two_unions")
"""The cases that differ in what a run does with a target and its sources; the others differ in the map alone."""


@pytest.mark.parametrize("seed", [7])  # such that each case is followed at least once
def test_update_equals_rebuild_equals_oracle(lake, seed):
    plans = play(lake, seed, histories=12, steps=5, at_once=2, cases=IN_TABLES)
    print(plans)
    assert {name for name, plan in plans if plan.startswith("update")} == set(IN_TABLES)


def random_rows(chance: random.Random, name: str, count: int) -> list[tuple]:
    """Rows of one history."""
    maybe = chance.choice
    k, g, m = [None, 1, 2, 3], [None, "a", "b", "c"], [None, 0, 1]
    values = {"facts": (k, m), "dims": (k, g), "extra": (g, m)}[name]
    return [(0, chance.randint(1, 99), *map(maybe, values), maybe([None, 0, 1, 5, -3, 7])) for _ in range(count)]


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"full"}))
def test_a_change_of_every_source_at_once_goes_through_the_map(spark, name):
    """What comes of it is the map of the new rows less that of the old ones; how many of a key, DuckDB says, too."""
    case, chance = CASES[name], random.Random(name)
    names = [source.removeprefix("raw.") for source in case.job.sources]
    schemas = {source: StructType.fromDDL(COLUMNS[source]) for source in names}
    joins = check_job(spark, case.job, {RAW[source]: schema for source, schema in schemas.items()}).joins
    rows = {source: [random_rows(chance, source, count) for count in (12, 4, 4)] for source in schemas}
    for at, source in enumerate(names):
        if joins.constant(at):  # its change rebuilds
            rows[source][1:] = [], []

    def frames(at: int) -> list:
        """The rows of each source before (1) or now (0). A source that is joined with itself is two frames, else Spark
        cannot tell the columns of both."""
        held = [rows[source][0] + rows[source][1 + at] for source in names]
        return [
            spark.createDataFrame(each, schemas[source]).coalesce(1) for each, source in zip(held, names, strict=True)
        ]

    changes = {source: weigh(*(spark.createDataFrame(each, schemas[source]).coalesce(1) for each in changed))
               for source, (_, *changed) in rows.items() if changed[0]}  # fmt: skip
    both = zip(names, frames(0), frames(1), strict=True)
    sources = [SourceRows(rows_now, changes.get(source), rows_before) for source, rows_now, rows_before in both]
    change = change_of(case.job, joins, sources, lambda frame: frame)
    weights = Counter[tuple]()
    for *values, weight in change.collect():
        weights[tuple(values)] += weight
    now, was = (Counter(map(tuple, case.job.mapped(*frames(at)).collect())) for at in (0, 1))
    assert +weights == now - was and -weights == was - now
    assert now != was
    if case.job.reducers:
        places = [change.columns.index(column) for column in case.job.key]
        of_keys = Counter[tuple]()
        for values, weight in weights.items():
            of_keys[tuple(values[place] for place in places)] += weight
        more, fewer = (counted(case.sql, {s: of[0] + of[1 + at] for s, of in rows.items()}) for at in (0, 1))
        assert {key: n for key, n in of_keys.items() if n} == {
            key: more[key] - fewer[key] for key in {*more, *fewer} if more[key] != fewer[key]
        }


def counted(sql: str, rows: dict[str, list[tuple]]) -> Counter[tuple]:
    """How many rows of each key, h and another, DuckDB finds."""
    con = duckdb.connect()
    for name, of in rows.items():
        con.register(name, arrow(of, COLUMNS[name]))
    return Counter({(h, key): count for h, key, count, *_ in con.sql(sql).fetchall()})


def test_every_case_is_updated_whichever_source_changed(spark):
    """All but what is documented to rebuild."""
    schemas = {RAW[name]: spark.createDataFrame([], columns).schema for name, columns in COLUMNS.items()}
    rebuilt = {}
    for name, case in CASES.items():
        sources = {source: schemas[source] for source in case.job.sources}
        mapped = check_job(spark, case.job, sources)
        kind = kind_of(case.job, mapped.schema)
        for changed in sources:
            changes = {source: Change(source, 0, 1, source == changed, removes=True) for source in sources}
            plan = decide(kind, "auto", changes, None, mapped.joins)
            if plan.kind != "update":
                rebuilt[name, changed] = plan.reason
    assert rebuilt == {
        ("full", RAW["facts"]): "OUTER_JOIN",
        ("full", RAW["dims"]): "OUTER_JOIN",
        ("not_linear", RAW["dims"]): "MAP_NOT_LINEAR",
    }


@pytest.mark.long
def test_histories_side_by_side_for_a_given_time(spark, tmp_path):
    """LAKEMILL_LONG_SECONDS: 200 histories as a column of the key, every case after every step."""
    until, plans = time.monotonic() + LONG_SECONDS, Counter()
    for seed in seeds_until(until):
        lake = TestLake(spark, tmp_path / str(seed))
        plans += play(lake, seed, 200, steps=20, at_once=len(CASES), cases=sorted(CASES), until=until)
    print(f"{plans.total()} runs over 200 histories side by side, no difference: {of_plans(plans)}")


@pytest.mark.long
def test_delta_histories_for_a_given_time(spark, tmp_path):
    """LAKEMILL_LONG_SECONDS: Delta histories of 20 steps, each under four cases, of which two run after each step."""
    plans = Counter()
    for played, seed in enumerate(seeds_until(time.monotonic() + LONG_SECONDS), start=1):
        cases = random.Random(seed).sample(sorted(CASES), 4)
        plans += play(TestLake(spark, tmp_path / str(seed)), seed, 3, steps=20, at_once=2, cases=cases)
        print(f"{played} Delta histories of 20 steps, {plans.total()} runs, no difference: {of_plans(plans)}")


def of_plans(plans: Counter[tuple[str, str]]) -> dict[str, int]:
    found = Counter()
    for (_, plan), count in plans.items():
        found[plan] += count
    return dict(found)
