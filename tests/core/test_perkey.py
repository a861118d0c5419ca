"""PerKey: update = rebuild = oracle over random histories, side by side as a column of the key; refusals by name.

The oracles are plain Python over the rows that a history left; they know no windows, no groups and no changes.
"""

import random
import time
from collections import Counter, defaultdict

import foreign
import pytest
from conftest import TestLake
from long_mode import LONG_SECONDS, seeds_until
from pyspark.sql import DataFrame, Window, functions as F
from pyspark.sql.types import StructType

from lakemill import Count, Job, Max, PerKey, pure
from lakemill.errors import UsageError
from lakemill.maps.check import check_per_key
from lakemill.refresh.explain import explain

SCHEMA = "h int, id int, k string, at int, v bigint, city string"
NAMES = [column.split()[0] for column in SCHEMA.split(", ")]
KEY = ["h", "k"]
GAP = 30


def moves(rows: DataFrame) -> DataFrame:
    return rows.where("city is not null").select("h", "k", "id", "at", "city")


def history(rows: DataFrame) -> DataFrame:
    """Each city holds from its row to the next."""
    ends = F.lead("at").over(Window.partitionBy(*KEY).orderBy("at", "id"))
    return rows.select(*KEY, "city", F.col("at").alias("since"), ends.alias("until"), "id")


def sessions(rows: DataFrame) -> DataFrame:
    """Rows at most GAP minutes apart are one session."""
    by_time = Window.partitionBy(*KEY).orderBy("at", "id")
    begins = F.coalesce((F.col("at") - F.lag("at").over(by_time) > GAP).cast("int"), F.lit(0))
    number = rows.withColumn("begins", begins).withColumn("session", F.sum("begins").over(by_time))
    found = number.groupBy(*KEY, "session").agg(F.min("at").alias("first"), F.max("at").alias("last"), F.count("*"))
    return found.toDF(*KEY, "session", "first", "last", "events").drop("session")


def ranks(rows: DataFrame) -> DataFrame:
    """Equal values have equal ranks: the same row more than once."""
    best_first = Window.partitionBy(*KEY).orderBy(F.col("v").desc_nulls_last())
    return rows.select(*KEY, "v", F.rank().over(best_first).alias("place"))


def balances(rows: DataFrame) -> DataFrame:
    """A balance that never falls below zero: each depends on the one before, so no window can say it."""

    def run(of):
        of, balance, found = of.sort_values(["at", "id"]), 0, []
        for value in of["v"]:
            balance = max(0, balance + (0 if value != value or value is None else int(value)))
            found.append(balance)
        return of[["h", "k", "id"]].assign(balance=found)

    return rows.groupBy(*KEY).applyInPandas(run, "h int, k string, id int, balance bigint")


JOBS = {
    "history": Job(source="raw.rows", map=moves, key=KEY, reduce=PerKey(history), target="gold.history"),
    "sessions": Job(source="raw.rows", key=KEY, reduce=PerKey(sessions), target="gold.sessions"),
    "ranks": Job(source="raw.rows", key=KEY, reduce=PerKey(ranks), target="gold.ranks"),
    "balances": Job(source="raw.rows", key=KEY, reduce=PerKey(balances), target="gold.balances"),
    "busy": Job(
        source="gold.sessions", key=["k"], reduce={"sessions": Count(), "most": Max("events")}, target="gold.busy"
    ),
}


def groups(rows: list[tuple]) -> dict[tuple, list[dict]]:
    """By key, in the order of time."""
    found = defaultdict(list)
    for row in sorted((dict(zip(NAMES, row, strict=True)) for row in rows), key=lambda row: (row["at"], row["id"])):
        found[row["h"], row["k"]].append(row)
    return found


def history_of(rows: list[tuple]) -> list[tuple]:
    found = []
    for key, of in groups([row for row in rows if row[NAMES.index("city")] is not None]).items():
        ends = [row["at"] for row in of[1:]] + [None]
        found += [(*key, row["city"], row["at"], end, row["id"]) for row, end in zip(of, ends, strict=True)]
    return found


def sessions_of(rows: list[tuple]) -> list[tuple]:
    found = []
    for key, of in groups(rows).items():
        session: list[int] = []
        for at in [row["at"] for row in of]:
            if session and at - session[-1] > GAP:
                found.append((*key, session[0], session[-1], len(session)))
                session = []
            session.append(at)
        found.append((*key, session[0], session[-1], len(session)))
    return found


def ranks_of(rows: list[tuple]) -> list[tuple]:
    def better(one: int | None, other: int | None) -> bool:
        return one is not None and (other is None or one > other)

    return [
        (*key, row["v"], 1 + sum(better(other["v"], row["v"]) for other in of))
        for key, of in groups(rows).items()
        for row in of
    ]


def balances_of(rows: list[tuple]) -> list[tuple]:
    found = []
    for key, of in groups(rows).items():
        balance = 0
        for row in of:
            balance = max(0, balance + (row["v"] or 0))
            found.append((*key, row["id"], balance))
    return found


def busy_of(rows: list[tuple]) -> list[tuple]:
    found = defaultdict(list)
    for _, k, *_, events in sessions_of(rows):
        found[k].append(events)
    return [(k, len(events), max(events)) for k, events in found.items()]


ORACLES = {
    "history": history_of, "sessions": sessions_of, "ranks": ranks_of, "balances": balances_of, "busy": busy_of,
}  # fmt: skip


class History:
    """The rows that a seed's history leaves after each step."""

    def __init__(self, h: int, seed: int) -> None:
        self.h, self.random, self.rows, self.next = h, random.Random(seed), {}, 0

    def step(self) -> None:
        kind = self.random.choice(["insert", "insert", "update", "delete", "mixed", "empty a key", "nothing"])
        if kind in ("insert", "mixed"):
            for _ in range(self.random.randint(1, 6)):
                self.rows[self.next] = self.row()
                self.next += 1
        if kind in ("update", "mixed") and self.rows:
            for one in self.random.sample(sorted(self.rows), min(3, len(self.rows))):
                self.rows[one] = self.row()
        if kind in ("delete", "mixed") and self.rows:
            for one in self.random.sample(sorted(self.rows), min(2, len(self.rows))):
                del self.rows[one]
        if kind == "empty a key":
            gone = self.random.choice([None, "a", "b"])
            self.rows = {one: row for one, row in self.rows.items() if row[0] != gone}

    def row(self) -> tuple:
        maybe = self.random.choice
        k, at = maybe([None, "a", "b"]), maybe(range(0, 200, 10))
        return (k, at, maybe([None, -5, 0, 3, 3]), maybe([None, "Ulm", "Bonn"]))

    def table(self) -> list[tuple]:
        return [(self.h, one, *row) for one, row in self.rows.items()]


def write(lake, rows: list[tuple]) -> None:
    """Make the source hold these rows, in two commits: the first writes something else into some of them."""
    if not lake.log("raw.rows").exists:
        lake.put("raw.rows", rows, SCHEMA)
        return
    wanted = lake.spark.createDataFrame(rows, SCHEMA)
    meanwhile = wanted.withColumn("v", F.when(F.col("id") % 3 == 0, F.lit(99)).otherwise(F.col("v")))
    differs = " or ".join(f"not (t.{name} <=> s.{name})" for name in NAMES)
    for made in (meanwhile, wanted):
        merge = lake.delta("raw.rows").alias("t").merge(made.alias("s"), "t.h = s.h and t.id = s.id")
        merge.whenMatchedUpdateAll(differs).whenNotMatchedInsertAll().whenNotMatchedBySourceDelete().execute()


def feed(lake, table: str, after: int) -> tuple[Counter, Counter]:
    """The rows that the table's change feed adds and removes since this version."""
    rows = [(kind, tuple(row)) for kind, *row in foreign.feed(lake.uri(table), after)]
    adds = Counter(row for kind, row in rows if kind in ("insert", "update_postimage"))
    return adds, Counter(row for kind, row in rows if kind in ("delete", "update_preimage"))


def play(lake, seed: int, histories: int, steps: int, until: float | None = None) -> int:
    """Run the histories side by side, every job after every step; how many (history, step, job) cases were compared.

    until: the time to stop at, after whichever step.
    """
    print(f"seed {seed}, {histories} histories, {steps} steps")
    chance = random.Random(seed)
    played = [History(h, chance.randrange(2**32)) for h in range(histories)]
    before: dict[str, Counter] = {}
    cases = 0
    for step in range(steps):
        for one in played:
            one.step()
        rows = [row for one in played for row in one.table()]
        write(lake, rows)
        for name, job in JOBS.items():
            version = lake.log(job.target).version
            run = lake.run(job, "update" if step else "auto")
            assert run.plan == ("update" if step else "rebuild"), (name, run.reason)
            wanted = Counter(ORACLES[name](rows))
            assert Counter(lake.rows(job.target)) == wanted, (seed, step, name)
            if step and isinstance(job.reduce, PerKey):
                added, removed = feed(lake, job.target, version)
                if name == "ranks":  # one of several equal rows cannot be deleted: they all go and come
                    assert Counter(added) + before[name] == Counter(removed) + wanted
                else:
                    assert (added, removed) == (wanted - before[name], before[name] - wanted), (step, name)
            before[name] = wanted
            cases += histories
        if until is not None and time.monotonic() > until:
            break
    return cases


def settled(lake) -> None:
    """Verify finds nothing, a second run has nothing to do, and a rebuild writes nothing."""
    for job in (JOBS["ranks"], JOBS["balances"]):  # rows that may be equal, and a function in pandas
        assert lake.differences(job) == []
        version = lake.log(job.target).version
        assert lake.run(job).plan == "nothing"
        lake.run(job, policy="rebuild")
        assert feed(lake, job.target, version) == (Counter(), Counter()), "an equal table is not written"


@pytest.mark.parametrize("seed", [5])
def test_update_equals_rebuild_equals_oracle(lake, seed):
    assert play(lake, seed, 40, steps=3) == 40 * 3 * len(JOBS)
    settled(lake)


@pytest.mark.long
def test_per_key_side_by_side_for_a_given_time(spark, tmp_path):
    """LAKEMILL_LONG_SECONDS: 1,000 histories of 20 steps as a column of the key, every job after every step."""
    cases, until = 0, time.monotonic() + LONG_SECONDS
    for seed in seeds_until(until):
        lake = TestLake(spark, tmp_path / str(seed))
        cases += play(lake, seed, 1000, steps=20, until=until)
        settled(lake)
        print(f"{cases} cases of (history, step, job), 1,000 histories at a time, no difference")


def test_a_change_that_the_map_does_not_show_touches_no_key(lake):
    lake.put("raw.rows", [(1, 1, "a", 10, 5, "Ulm"), (1, 2, None, 20, 5, "Bonn")], SCHEMA)
    lake.run(JOBS["history"])
    lake.world.renew()
    lake.delta("raw.rows").update("id = 1", {"v": "v + 1"})
    version = lake.log("gold.history").version
    said = explain(lake.world, JOBS["history"])
    assert (said.plan, said.removal) == ("update", "recomputes the touched keys, from the source")
    assert said.reducers == {"(rows)": "PerKey(history): opaque (recomputes the touched keys)"}
    run = lake.run(JOBS["history"])
    assert (run.plan, run.rows_in, run.keys_touched, run.rows_out) == ("update", 2, 0, 0)
    assert feed(lake, "gold.history", version) == (Counter(), Counter())
    assert lake.run(JOBS["history"]).plan == "nothing", "the progress was written"


def test_copies_of_a_row_come_and_go(lake):
    def values(rows: DataFrame) -> DataFrame:
        return rows.select("k", "v")

    job = Job(source="raw.rows", key=["k"], reduce=PerKey(values), target="gold.v")
    lake.put("raw.rows", [(1, at, "a", at, 7, None) for at in range(3)] + [(1, 9, "b", 9, 7, None)], SCHEMA)
    lake.run(job)
    version = lake.log("gold.v").version
    for what, copies, changes in (
        (lambda: lake.delta("raw.rows").delete("id = 0"), 2, (2, 3)),
        (lambda: lake.put("raw.rows", [(1, 5, "a", 5, 7, None)] * 2, SCHEMA), 4, (2, 0)),
    ):
        what()
        run = lake.run(job)
        assert (run.plan, run.keys_touched) == ("update", 1)
        assert lake.rows("gold.v") == [("a", 7)] * copies + [("b", 7)]
        assert tuple(sum(rows.values()) for rows in feed(lake, "gold.v", version)) == changes
        version = lake.log("gold.v").version
    lake.frame("gold.v").write.format("delta").mode("append").save(lake.uri("gold.v"))
    assert [found.kind for found in lake.differences(job)] == ["extra row"] * 2
    assert lake.run(job).reason == "PROGRESS_LOST"
    assert lake.rows("gold.v") == [("a", 7)] * 4 + [("b", 7)]


def test_the_whole_table_is_one_key(lake):
    def places(rows: DataFrame) -> DataFrame:
        return rows.select("id", F.row_number().over(Window.orderBy("at", "id")).alias("place"))

    whole = job(places, key=[])
    lake.put("raw.rows", [(1, at, "a", at, 7, None) for at in (30, 10)], SCHEMA)
    lake.run(whole)
    lake.put("raw.rows", [(1, 20, "b", 20, 7, None)], SCHEMA)
    run = lake.run(whole)
    assert (run.plan, run.keys_touched, run.rows_out) == ("update", 1, 3), "one moved, one came"
    assert lake.rows("gold.rows") == [(10, 1), (20, 2), (30, 3)]
    lake.delta("raw.rows").delete()
    assert (lake.run(whole).plan, lake.rows("gold.rows")) == ("update", [])


def test_a_key_that_python_changes_later_is_told(lake):
    def later(rows: DataFrame) -> DataFrame:
        def run(of):
            return of[["h", "k", "v"]].assign(h=of["h"] + (of["v"] > 90))

        return rows.groupBy("h", "k").applyInPandas(run, PASSES)

    lake.put("raw.rows", [(1, 1, "a", 1, 10, None)], SCHEMA)
    lake.run(job(later))
    lake.put("raw.rows", [(1, 2, "a", 2, 99, None)], SCHEMA)
    with pytest.raises(UsageError, match="gave a row of h=2, k=a, but none"):
        lake.run(job(later))
    assert lake.rows("gold.rows") == [(1, "a", 10)]


MAPPED = (
    StructType().add("h", "integer").add("id", "integer").add("k", "string").add("at", "integer").add("v", "long")
    .add("city", "string")
)  # fmt: skip
PASSES = "h int, k string, v bigint"


def same(of):
    return of[["h", "k", "v"]]


REFUSED = {
    "a window": (
        lambda r: r.withColumn("n", F.lead("at").over(Window.partitionBy("h").orderBy("at"))),
        "window function is not partitioned by k",
    ),
    "a window of another column": (
        lambda r: r.withColumn("h", F.col("id")).withColumn(
            "n", F.lead("at").over(Window.partitionBy("h", "k").orderBy("at"))
        ),
        "not partitioned by h",
    ),
    "a window without order": (
        lambda r: r.withColumn("n", F.first("at").over(Window.partitionBy("h", "k"))),
        "First depends on the order",
    ),
    "an aggregate": (lambda r: r.groupBy("k").agg(F.max("h").alias("h")), "groupBy/agg does not group by h"),
    "a list": (lambda r: r.groupBy("h", "k").agg(F.collect_list("v").alias("vs")), "CollectList depends on the order"),
    "rollup": (lambda r: r.rollup("h", "k").count(), "does not group by h, k"),
    "distinct": (lambda r: r.select("v").distinct().withColumns({"h": F.lit(1), "k": F.lit("")}), "distinct"),
    "any of several": (lambda r: r.dropDuplicates(["h", "k"]), "keeps any of several rows"),
    "limit": (lambda r: r.limit(3), "limit takes rows whatever their key"),
    "offset": (lambda r: r.offset(3), "offset takes rows"),
    "sample": (lambda r: r.sample(0.5, seed=1), "sample takes rows"),
    "except": (lambda r: r.exceptAll(r), "except is not known"),
    "a join of other keys": (lambda r: r.join(r.select("h", F.col("v").alias("w")), "h"), "does not meet on k"),
    "a cross join": (lambda r: r.crossJoin(r.select("v").toDF("w")), "does not meet on h, k"),
    "another table": (lambda r: r.join(r.sparkSession.range(3).toDF("v"), "v"), "reads more than the rows"),
    "rows of its own": (
        lambda r: r.select("h").union(r.sparkSession.createDataFrame([(1,)], "h int")).withColumn("k", F.lit("a")),
        "reads more than the rows",
    ),
    "random": (lambda r: r.withColumn("r", F.rand()), "NONDETERMINISTIC: Rand"),
    "any value": (lambda r: r.groupBy("h", "k").agg(F.any_value("city")), "AnyValue depends on the order"),
    "the size of the first": (
        lambda r: r.groupBy("h", "k").agg(F.size(F.first(F.array("v")))), "First depends on the order",
    ),
    "places in a list": (
        lambda r: r.groupBy("h", "k").agg(F.sort_array(F.transform(F.collect_list("v"), lambda v, at: v + at))),
        "CollectList depends on the order",
    ),
    "a list in an order of one's own": (
        lambda r: r.groupBy("h", "k").agg(
            F.array_sort(F.collect_list(F.struct("v", "at")), lambda one, other: (one["v"] - other["v"]).cast("int"))
        ),
        "CollectList depends on the order",
    ),
    "a deviation": (lambda r: r.groupBy("h", "k").agg(F.stddev("v")), "StddevSamp adds up doubles"),
    "a sum of doubles": (lambda r: r.groupBy("h", "k").agg(F.sum(F.col("v") / 3.0e0)), "Sum adds up doubles"),
    "a mean of bigints": (lambda r: r.groupBy("h", "k").agg(F.avg("v")), "Average adds up doubles"),
    "a mean in a window without order": (
        lambda r: r.withColumn("m", F.avg(F.col("v") * 1.5e0).over(Window.partitionBy("h", "k"))),
        "Average adds up doubles",
    ),
    "one of the most frequent": (lambda r: r.groupBy("h", "k").agg(F.mode("v")), "Mode depends on the order"),
    "today": (lambda r: r.where(F.col("city").cast("date") < "today"), "NONDETERMINISTIC: .*'today'"),
    "the clock": (lambda r: r.withColumn("now", F.current_timestamp()), "NONDETERMINISTIC: CurrentTimestamp"),
    "python's clock": (lambda r: r.withColumn("r", F.lit(random.random())), "built twice"),
    "a python function": (lambda r: r.withColumn("r", F.udf(lambda x: x)("k")), "user-defined function"),
    "pandas": (lambda r: r.groupBy("k").applyInPandas(same, PASSES), "applyInPandas does not group by h"),
    "batches": (lambda r: r.mapInPandas(lambda parts: parts, MAPPED), "MapInPandas does not see a key's rows"),
    "cogroup": (
        lambda r: r.groupBy("h", "k").cogroup(r.groupBy("h", "k")).applyInPandas(lambda a, b: a, MAPPED),
        "CoGroupsInPandas does not see",
    ),
    "a changed key": (lambda r: r.withColumn("k", F.upper("k")), '"k" is not the key\'s any more'),
    "another column as key": (lambda r: r.select("h", F.col("city").alias("k")), '"k" is not the key\'s any more'),
    "one branch's key": (
        lambda r: r.select("h", "k").union(r.select("h", "city")),
        '"k" is not the key\'s any more',
    ),
    "no key": (lambda r: r.select("h", "v"), 'key has "k", but PerKey.* gives h, v'),
    "no frame": (lambda r: r.collect, "not a DataFrame"),
    "an unknown column": (lambda r: r.select("h", "k", "citi"), "citi"),
    "a map": (lambda r: r.select("h", "k", F.create_map("k", "v").alias("m")), 'gives "m" as map'),
    "twice": (lambda r: r.select("h", "k", F.col("v").alias("K")), '"k" twice'),
    "own": (lambda r: r.select("h", "k", F.col("v").alias("_gone")), "lakemill's own column"),
    "a view": (lambda r: r.sparkSession.sql("select h, k, v from {r}", r=r), "a view for spark.sql"),
    "a subquery": (
        lambda r: r.sparkSession.sql("select * from {r} where v = (select max(v) from {r})", r=r),
        "subquery",
    ),
}  # fmt: skip
ALLOWED = {
    "sessions": lambda r: r.groupBy("h", "k", F.session_window(F.timestamp_seconds("at"), "1 minute")).count(),
    "sliding windows": lambda r: r.groupBy("h", "k", F.window(F.timestamp_seconds("at"), "2 hours", "1 hour")).count(),
    "distinct": lambda r: r.distinct(),
    "a sorted list of what becomes of each": lambda r: r.groupBy("h", "k").agg(
        F.sort_array(F.transform(F.collect_list("v"), lambda v: v * 2)).alias("vs")
    ),
    "a sorted list": lambda r: r.groupBy("h", "k").agg(F.sort_array(F.collect_list("v")).alias("vs")),
    "a list in its own order": lambda r: r.groupBy("h", "k").agg(F.array_sort(F.collect_list("v")).alias("vs")),
    "the least of the most frequent": lambda r: r.groupBy("h", "k").agg(F.mode("v", True)),
    "exact numbers": lambda r: r.groupBy("h", "k").agg(
        F.avg("at"), F.sum("v"), F.avg(F.col("v").cast("decimal(38,6)")), F.median("v")
    ),
    "a running sum": lambda r: r.withColumn(
        "s", F.sum(F.col("v") / 3.0e0).over(Window.partitionBy("h", "k").orderBy("at", "id"))
    ),
    "pivot": lambda r: r.groupBy("h", "k").pivot("city", ["Ulm", "Bonn"]).agg(F.sum("v")),
    "a join on the key": lambda r: r.join(r.groupBy("h", "k").agg(F.max("v").alias("best")), ["h", "k"]),
    "a left join": lambda r: r.join(r.where("v > 1").select("h", "k", F.col("v").alias("w")), ["h", "k"], "left"),
    "an anti join": lambda r: r.join(r.where("v > 1"), ["k", "h"], "left_anti"),
    "a union": lambda r: r.unionByName(r.select("city", "v", "at", "k", "id", "h")),
    "renamed and back": lambda r: r.withColumnRenamed("k", "x").groupBy("x", "h").count().withColumnRenamed("x", "k"),
    "explode": lambda r: r.select("h", "k", F.explode(F.sequence(F.lit(1), F.col("at")))).orderBy("k"),
    "pandas": lambda r: r.groupBy("k", "h").applyInPandas(same, PASSES),
    "pandas and a window": lambda r: r.groupBy("h", "k").applyInPandas(same, PASSES).withColumn(
        "n", F.row_number().over(Window.partitionBy("h", "k").orderBy("v"))
    ),
    "a pure function": lambda r: r.withColumn("r", pure("string")(lambda k: k + k)("k")),
    "arrow": lambda r: r.groupBy("h", "k").applyInArrow(lambda table: table, MAPPED),
}  # fmt: skip


def job(fn, key=("h", "k")) -> Job:
    return Job(source="raw.rows", key=key, reduce=PerKey(fn), target="gold.rows")


def checked(spark, fn) -> str:
    return check_per_key(spark, job(fn), PerKey(fn), MAPPED)


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_name(spark, what):
    fn, says = REFUSED[what]
    with pytest.raises(UsageError, match=says) as refused:
        checked(spark, fn)
    assert str(refused.value).startswith("gold.rows: ")


@pytest.mark.parametrize("what", ALLOWED)
def test_allowed(spark, what):
    assert checked(spark, ALLOWED[what]) == checked(spark, ALLOWED[what])


def test_a_job_says_how_to_use_it():
    with pytest.raises(UsageError, match="PerKey takes a function"):
        PerKey("history")
    with pytest.raises(UsageError, match=r"PerKey\(function\)"):
        Job(source="raw.rows", key=KEY, reduce=history, target="gold.rows")
    with pytest.raises(UsageError, match="reduces without a key"):
        Job(source="raw.rows", reduce=PerKey(history), target="gold.rows")
    assert str(PerKey(history)) == "PerKey(history)"


TRIED = {  # Python's workers do not know this file: what they run is defined where it is used
    "a new key": (lambda of: of[["h", "k", "v"]].assign(h=of["h"] + 1), "none of the rows .* has this key"),
    "another's key": (lambda of: of[["h", "k", "v"]].assign(h=of["h"] ^ 1), "others when some keys are missing"),
    "whichever is first": (lambda of: of[["h", "k", "v"]].head(1), "another order"),
}


@pytest.mark.parametrize("what", TRIED)
def test_what_no_plan_shows_is_tried_on_rows(lake, what):
    run, says = TRIED[what]
    lake.put("raw.rows", [(h, at, "a", at, at, None) for h in range(4) for at in range(3)], SCHEMA)
    with pytest.raises(UsageError, match=says):
        lake.run(job(lambda rows: rows.groupBy("h", "k").applyInPandas(run, PASSES)))
    assert not lake.log("gold.rows").exists, "nothing was written"


def test_rows_that_tie_in_a_window_are_told(lake):
    lake.put("raw.rows", [(1, at, "a", 0, at, None) for at in range(9)], SCHEMA)
    tied = Window.partitionBy("h", "k").orderBy("at")
    with pytest.raises(UsageError, match="no two rows tie"):
        lake.run(job(lambda rows: rows.select("h", "k", "v", F.row_number().over(tied).alias("n"))))


RATE = 2


def doubled(value):
    return value * RATE


def scaled(by, times=lambda one, other: one * other):
    def run(of):
        return of[["h", "k", "v"]].assign(v=[times(value, by) for value in of["v"]])

    return lambda rows: rows.groupBy("h", "k").applyInPandas(run, PASSES)


def test_a_fingerprint_is_of_what_a_pandas_function_does(spark, monkeypatch):
    def prints(fn) -> str:
        return checked(spark, fn)

    def calling():
        def run(of):
            return of[["h", "k", "v"]].assign(v=[doubled(value) for value in of["v"]])

        return lambda rows: rows.groupBy("h", "k").applyInPandas(run, PASSES)

    first = prints(scaled(3))
    assert "0x" not in first
    assert prints(scaled(3)) == first
    assert prints(scaled(4)) != first, "a value that it closes over"
    assert prints(scaled(3, lambda one, other: one + other)) != first, "a function that it closes over"
    calls = prints(calling())
    assert prints(calling()) == calls
    monkeypatch.setitem(globals(), "RATE", 5)
    assert prints(calling()) != calls, "a global of a function that it calls"
    with pytest.raises(UsageError, match='uses "by", a builtins.list_iterator'):
        prints(scaled(iter([1])))


def test_another_pandas_function_is_another_definition(lake):
    lake.put("raw.rows", [(1, 1, "a", 1, 10, None)], SCHEMA)
    assert lake.run(job(scaled(3))).reason == "FIRST_RUN"
    assert lake.run(job(scaled(3))).plan == "nothing"
    assert lake.run(job(scaled(4))).reason == "DEFINITION_CHANGED"
    assert lake.rows("gold.rows") == [(1, "a", 40)]
