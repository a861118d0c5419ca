"""The laws that updates stand on: parts add in any order and grouping, and what was added can be taken away."""

import random
from datetime import date
from decimal import Decimal
from functools import cache, cached_property

import pytest
from algebra import Tight
from conftest import SPARK
from frames import assert_same
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DecimalType, IntegerType, LongType, StructField, StructType

from lakemill import (
    All,
    Any,
    ApproxCountDistinct,
    ApproxQuantile,
    ArgMax,
    ArgMin,
    CollectSet,
    Count,
    CountDistinct,
    CountIf,
    First,
    Fold,
    Histogram,
    Job,
    Last,
    Latest,
    Max,
    Mean,
    Median,
    Min,
    Mode,
    Quantile,
    StdDev,
    Sum,
    TopK,
    Total,
    Variance,
)
from lakemill.core import mapreduce
from lakemill.core.reduction import Reduction, reduction
from lakemill.core.steps import steps
from lakemill.errors import UsageError

SCHEMA = "g int, third int, x decimal(38,4), y decimal(20,10), n bigint, i int, t string, d date, v double, ok boolean"
NESTED = ArrayType(LongType())
REDUCERS = {  # side by side in one job, so that Spark is paid once
    "columns": {
        "count": Count(),
        "count_if": CountIf("ok"),
        "sum_of_decimals": Sum("x"),
        "sum_of_integers": Sum("i"),
        "sum_of_many_places": Sum("y"),
        "mean_of_many_places": Mean("y"),
        "mean_of_decimals": Mean("x"),
        "mean_of_integers": Mean("n"),
        "min_of_texts": Min("t"),
        "min_of_doubles": Min("v"),
        "max_of_dates": Max("d"),
        "max_of_decimals": Max("x"),
        "any": Any("ok"),
        "all": All("ok"),
        "histogram": Histogram("v", [-1, 0, 1.5]),
        "variance": Variance("i"),
        "deviation": StdDev("i"),
        "sum_of_doubles": Sum("v", exact=True),
        "mean_of_doubles": Mean("v", exact=True),
        "arg_min": ArgMin("t", by="v"),
        "arg_max": ArgMax("x", by=["d", "n"]),
        "first": First("n", by="d"),
        "last": Last("t", by="n"),
        "median_of_decimals": Median("x"),
        "median_of_doubles": Median("v"),
        "quantile": Quantile("t", 0.3),
        "mode": Mode("v"),
        "distinct": CountDistinct("t"),
        "distinct_pairs": CountDistinct(["t", "v"]),
        "set": CollectSet("d"),
        "top": TopK(2, by="x", keep=["t"]),
        "about_quantile": ApproxQuantile("v", 0.5),
    },
    "registers": {"about_distinct": ApproxCountDistinct("x")},  # which cannot take away, and say so
    "latest": Latest(by=["i", "t"]),
}


def rows(seed: int, groups: int) -> list[tuple]:
    maybe = random.Random(seed).choice
    return [
        (
            g,
            third,
            maybe([None, Decimal("0"), Decimal("-1.0001"), Decimal("9" * 30), Decimal("2.5")]),
            maybe([None, Decimal("0.0000000001"), Decimal("-1.2345678901"), Decimal("7.0000000007")]),
            maybe([None, 0, -5, 2**40]),
            maybe([None, 0, -(2**31), 2**31 - 1, 3]),
            maybe([None, "", "a", "b", "é"]),
            maybe([None, date(2017, 1, 1), date(1999, 12, 31)]),
            maybe([None, 0.0, -0.0, 1.5, float("nan"), float("inf")]),
            maybe([None, True, False]),
        )
        for g in range(groups)
        for third in range(3)
        for _ in range(maybe([0, 1, 1, 2, 3]))
    ]


def made(reduce) -> Reduction:
    job = Job(source="raw.rows", key=["order", "g"], reduce=reduce, target="gold.rows")
    names = [name for name in columns().names if name != "v" or not isinstance(reduce, Latest)]
    return reduction(job, StructType([StructField("order", IntegerType()), *(columns()[name] for name in names)]))


@cache
def columns() -> StructType:
    return StructType.fromDDL(SCHEMA)


def table(spark, seed: int, groups: int, reduce):
    """The random rows; chispa cannot compare a NaN inside of Latest's rows."""
    frame = spark.createDataFrame(rows(seed, groups), columns())
    return frame.drop("v") if isinstance(reduce, Latest) else frame


TURNS = [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 1, 1), (1, 1, 0)]
"""The orders and groupings in which three thirds of a group's rows come, as turns; side by side as part of the key."""


def in_turns(frame):
    turns = F.array(*[F.array(*map(F.lit, turns)) for turns in TURNS])
    each = frame.select("*", F.posexplode(turns).alias("order", "turns"))
    return each.select("order", *frame.columns, F.get("turns", F.col("third")).alias("turn"))


def target(frame, of: Reduction):
    return mapreduce.target_rows(mapreduce.totals(frame.drop("turn"), of, complete=True), of)


def changed(before, change, of: Reduction):
    """The target after a change in which no key is left unknown: the test's groups keep all their values."""
    advanced = mapreduce.advance(mapreduce.delta(change.drop("turn"), of), before, of).localCheckpoint()
    assert advanced.where(mapreduce.AT_RISK).isEmpty()
    rows = mapreduce.target_rows(advanced.drop(mapreduce.AT_RISK), of, with_gone=True)
    rest = before.join(rows.select("order", "g"), ["order", "g"], "left_anti")
    return rest.unionByName(rows.where(~F.col(mapreduce.GONE)).drop(mapreduce.GONE)).localCheckpoint()


class Played:
    """Random rows in every order and grouping, and the target after some of the turns: computed once for all laws."""

    def __init__(self, frame, of: Reduction) -> None:
        self.frame, self.of = frame, of

    @cached_property
    def first(self):
        return target(self.frame.where("turn = 0"), self.of).localCheckpoint()

    @cached_property
    def whole(self):
        return target(self.frame, self.of).localCheckpoint()

    @cached_property
    def once(self):
        """The first turn's target, updated by the second."""
        return changed(self.first, mapreduce.weigh(self.frame.where("turn = 1"), None), self.of)

    @cached_property
    def grown(self):
        """Updated by the third, too."""
        return changed(self.once, mapreduce.weigh(self.frame.where("turn = 2"), None), self.of)

    @cached_property
    def taken(self):
        """All rows, updated by what takes the later turns away again."""
        more = self.frame.where("turn > 0")
        return changed(self.whole, mapreduce.weigh(more.limit(0), more), self.of)


@pytest.fixture(scope="module")
def played(spark):
    """By the name of the reducers."""

    @cache
    def of(name: str) -> Played:
        return Played(in_turns(table(spark, 7, 60, REDUCERS[name])).localCheckpoint(), made(REDUCERS[name]))

    return of


@pytest.mark.parametrize("name", REDUCERS)
def test_parts_add_in_any_order_and_grouping(played, name):
    assert_same(played(name).grown, played(name).whole)
    assert played(name).grown.count() > 250


def test_what_is_added_can_be_taken_away(played):
    """But for what says that it cannot (see the next test)."""
    assert_same(played("columns").taken, played("columns").first)


@pytest.mark.parametrize("name", ["latest", "registers"])
def test_what_is_not_known_after_a_removal_is_said_to_be(played, name):
    of, frame, left = played(name).of, played(name).frame, played(name).first
    more = frame.where("turn > 0")
    change = mapreduce.delta(mapreduce.weigh(more.limit(0), more).drop("turn"), of)
    advanced = mapreduce.advance(change, played(name).whole, of).localCheckpoint()
    risky = advanced.where(mapreduce.AT_RISK).select("order", "g")
    sure = mapreduce.target_rows(advanced.where(~F.col(mapreduce.AT_RISK)).drop(mapreduce.AT_RISK), of, with_gone=True)
    kept = sure.where(~F.col(mapreduce.GONE)).drop(mapreduce.GONE)
    untouched = left.join(change.select("order", "g"), ["order", "g"], "left_anti")
    assert_same(kept.unionByName(untouched), left.join(risky, ["order", "g"], "left_anti"))
    assert 10 < risky.count() < 250


@pytest.mark.parametrize("name", REDUCERS)
def test_what_came_and_went_is_neither(played, name):
    frame = played(name).frame.drop("turn")
    assert mapreduce.delta(mapreduce.weigh(frame, frame), played(name).of).count() == 0


@pytest.mark.parametrize("name", REDUCERS)
def test_presented_is_plain(played, name):
    """A reducer's own ordinary aggregate gives the column that its parts present."""
    from lakemill.kinds.expected import aggregated_rows, newest_rows, with_totals
    from lakemill.kinds.states import wrong_states

    of, frame, presented = played(name).of, played(name).frame.drop("turn"), played(name).whole
    newest = isinstance(of.job.reduce, Latest)
    expected = newest_rows(frame, of, of.job.reduce) if newest else aggregated_rows(frame, of)
    stored = with_totals(presented, of)
    assert_same(stored, expected.select(stored.columns))
    wrong = wrong_states(presented, frame, of)
    assert wrong is None or wrong.collect() == []


@pytest.mark.parametrize(
    ("reducer", "says"),
    [
        (Sum("v"), r'F.col\("v"\).cast'),
        (Mean("v"), "depends on the order"),
        (Sum("t"), "integers and decimals"),
        (Sum("amuont"), "map gives"),
        (Sum("y", exact=True), "no room before the point"),
        (CountIf("t"), "boolean"),
        (Any("t"), "true or false"),
        (Histogram("t", [0]), "as numbers"),
        (Variance("v"), r'F.col\("v"\).cast'),
        (StdDev("n"), "it takes int and decimals"),
        (Median("t"), "as numbers"),
        (Median("y"), "no room before the point"),
        (Median("full"), "no room before the point"),
        (ApproxQuantile("t", 0.5), "as numbers"),
        (Max("nested"), "numbers, texts"),
        (Mode("nested"), "numbers, texts"),
        (ArgMin("t", by="nested"), "numbers, texts"),
        (CountDistinct(["t", "nested"]), "numbers, texts"),
        (TopK(2, by="t", keep=["nested"]), "numbers, texts"),
    ],
)
def test_a_wrong_column_is_refused_by_name(spark, reducer, says):
    job = Job(source="raw.rows", key=["g"], reduce={"total": reducer}, target="gold.rows")
    given = StructType().add("g", "integer").add("v", "double").add("t", "string").add("n", "long")
    with pytest.raises(UsageError, match=says) as refused:
        reduction(job, given.add("y", "decimal(38,37)").add("full", "decimal(38,38)").add("nested", NESTED))
    assert 'gold.rows: reducer "total"' in str(refused.value)


EACH = REDUCERS["columns"] | REDUCERS["registers"]


@pytest.mark.parametrize("name", [name for name, reducer in EACH.items() if reducer.columns])
def test_a_missing_column_is_refused_by_name(spark, name):
    job = Job(source="raw.rows", key=["g"], reduce={name: EACH[name]}, target="gold.rows")
    with pytest.raises(UsageError, match=f'gold.rows: reducer "{name}" .*but the map gives g.'):
        reduction(job, StructType().add("g", "integer"))


def test_a_missing_column_of_latest_is_refused_by_name(spark):
    job = Job(source="raw.rows", key=["g"], reduce=Latest(by=["at"]), target="gold.rows")
    with pytest.raises(UsageError, match='gold.rows: reducer "Latest" reads "at", but the map gives g.'):
        reduction(job, StructType().add("g", "integer"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Histogram("v", [0, 1]), Histogram("v", [0, 2])),
        (Quantile("t", 0.3), Quantile("t", 0.4)),
        (ApproxQuantile("v", 0.5), ApproxQuantile("v", 0.5, error=0.02)),
        (TopK(2, by="x"), TopK(3, by="x")),
        (Sum("v", exact=True), Mean("v", exact=True)),
        (Min("i"), Max("i")),
        (Min("t"), Tight(Min("t"))),
        (Variance("i"), StdDev("i")),
        (Any("ok"), All("ok")),
    ],
    ids=lambda reducer: str(reducer),
)
def test_another_meaning_or_state_is_another_definition(spark, before, after):
    """So that a state is never read as what another definition wrote."""
    assert made({"c": before}).definition == made({"c": before}).definition
    assert made({"c": before}).definition != made({"c": after}).definition


@pytest.mark.parametrize("reduce", [{"s": Sum("x")}, {"c": Count(), "m": Max("t")}, {"m": Max("t"), "d": Mode("v")}])
@pytest.mark.parametrize("side", ["rebuild", "update"])
def test_spark_combines_before_it_shuffles(spark, reduce, side):
    of = made(reduce)
    frame = in_turns(spark.createDataFrame(rows(1, 3), SCHEMA))
    made_of = {"rebuild": mapreduce.totals(frame, of), "update": mapreduce.delta(mapreduce.weigh(frame, frame), of)}
    plan = steps(made_of[side])
    words = [word for word, _ in plan]
    assert words.index("combine") < words.index("shuffle") < words.index("reduce")
    assert "partial_sum" in dict(plan)["combine"]


def test_the_greatest_doubles_have_a_middle(spark):
    reduce = {"median": Median("v"), "most": ApproxQuantile("v", 1.0), "rough": ApproxQuantile("v", 1.0, 0.5)}
    job = Job(source="raw.rows", key=["g"], reduce=reduce, target="gold.rows")
    rows = spark.createDataFrame([(1, 1.7e308), (1, 1.76412e308), (2, 1.6e308)], "g int, v double")
    made = reduction(job, rows.schema)
    one, two = mapreduce.target_rows(mapreduce.totals(rows, made), made).orderBy("g").collect()
    assert one.median == pytest.approx(1.73206e308) and two.median == 1.6e308
    for row, most in ((one, 1.76412e308), (two, 1.6e308)):
        assert row.most == pytest.approx(most, rel=0.01)
        assert row.rough == pytest.approx(most, rel=0.5)


def test_a_total_without_room_for_a_sum_is_refused(spark):
    with pytest.raises(UsageError, match="36 places are the most"):
        Total(F.lit(0), DecimalType(38, 37))


def test_a_value_taken_away_that_was_never_there_is_told(spark):
    """The number of rows alone does not show it: one came for the one that went."""
    of = made({"set": CollectSet("t")})
    frame = in_turns(table(spark, 8, 5, of.job.reduce)).drop("turn").where("order = 0").localCheckpoint()
    came, went = frame.where("t is not null").limit(1), frame.where("t is not null").limit(1)
    change = mapreduce.delta(mapreduce.weigh(came, went.withColumn("t", F.lit("never"))), of)
    advanced = mapreduce.advance(change, target(frame, of), of)
    assert mapreduce.overdrawn(advanced, of).count() == 1
    assert mapreduce.overdrawn(advanced.where(F.col("rows") < 0), of).count() == 0


def test_a_value_of_none_that_is_taken_away_is_told(spark):
    """A mean of no values, of which one is taken away, would be NULL without a word."""
    reduce = {"mean": Mean("n"), "oks": CountIf("ok")}
    schema = StructType().add("g", "integer").add("n", "long").add("ok", "boolean")
    of = reduction(Job(source="raw.rows", key=["g"], reduce=reduce, target="gold.rows"), schema)
    there, never = (spark.createDataFrame([(1, *row)], schema) for row in ((None, None), (5, True)))
    before = mapreduce.target_rows(mapreduce.totals(there, of), of)
    advanced = mapreduce.advance(mapreduce.delta(mapreduce.weigh(there, never), of), before, of)
    wrong = mapreduce.overdrawn(advanced, of).collect()
    assert [(row["g"], row["rows"]) for row in wrong] == [(1, 1)]
    assert mapreduce.lack(wrong[0], of) == "count_n would be -1"


def test_the_same_bits_on_another_number_of_partitions(spark, played):
    same_bits(spark, played, [(7, False)])


@pytest.mark.long
def test_the_same_bits_on_every_number_of_partitions(spark, played):
    same_bits(spark, played, [(partitions, adaptive) for partitions in (1, 2, 7, 64) for adaptive in (True, False)])


def longest() -> Fold:
    """The longest text, the first of those as long."""

    def add(state, row):
        return state if row.t is None else merge(state, row.t)

    def merge(one, other):
        return min(one, other, key=lambda text: (-len(text), text))

    def present(state):
        return state

    return Fold("t", zero="", add=add, merge=merge, present=present, returns="string")


UPDATED = {"columns": "taken", "registers": "once", "latest": "once"}
"""An update that takes away; of what cannot take away without the source, one that adds."""


def same_bits(spark, played, places: list[tuple[int, bool]]) -> None:
    """What is presented and kept, as bytes: not even the sign of a zero may differ.

    After a rebuild and an update; of a fold, which cannot add without the source, after a rebuild.
    """
    fold, frame = made({"longest": longest()}), played("columns").frame

    def bits(of_name, fold_frame) -> list[list[str]]:
        frames = [getattr(of_name(name), what) for name in REDUCERS for what in ("whole", UPDATED[name])]
        return [sorted(map(repr, rows.collect())) for rows in (*frames, target(fold_frame, fold))]

    found = [bits(played, frame)]
    for partitions, adaptive in places:
        spark.conf.set("spark.sql.adaptive.enabled", str(adaptive).lower())
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
        try:
            spread = cache(lambda name, n=partitions: Played(played(name).frame.repartition(n), played(name).of))
            found.append(bits(spread, frame.repartition(partitions)))
        finally:
            spark.conf.unset("spark.sql.adaptive.enabled")
            spark.conf.set("spark.sql.shuffle.partitions", SPARK["spark.sql.shuffle.partitions"])
    first, *others = found
    assert all(len(rows) > 150 for rows in first)
    assert all(other == first for other in others)
