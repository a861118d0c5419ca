"""Reducers of the user's own, as docs/own-reducer.md shows them, and folds in Python: right, or refused."""

import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType, DoubleType, LongType

from lakemill import Bag, Count, Fold, Job, Reducer, Total
from lakemill.errors import UsageError
from lakemill.trials.laws import check_laws

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-reducer.md"
SCHEMA = "id int, k string, price decimal(10,2), quantity int, flags bigint, tag string"


def from_its_page() -> dict:
    """The two reducers of the page, as a reader would paste them into a file."""
    names: dict = {"__name__": "own"}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, names)
    return names


def tag_counts() -> dict:
    """The functions of a fold; defined in here, so that they go to the workers whole, as those of a job file do."""

    def add(state, row):
        if row.tag is not None:
            state[row.tag] = state.get(row.tag, 0) + 1
        return state

    def remove(state, row):
        if row.tag is not None:
            state[row.tag] -= 1
        return {tag: many for tag, many in state.items() if many}

    def merge(one, other):
        return {tag: one.get(tag, 0) + other.get(tag, 0) for tag in {**one, **other}}

    def present(state):
        return sorted(state, key=lambda tag: (-state[tag], tag))[:2]

    return {"zero": {}, "add": add, "merge": merge, "present": present, "returns": "array<string>", "remove": remove}


def favourite_tags(**changed) -> Fold:
    return Fold("tag", **{**tag_counts(), **changed})


def rows(seed: int) -> list[tuple]:
    maybe = random.Random(seed).choice
    return [
        (
            one,
            maybe([None, "a", "b", "c"]),
            maybe([None, Decimal("1.10"), Decimal("-7.25"), Decimal("99999999.99")]),
            maybe([None, 0, 1, 5]),
            maybe([None, 0, 1, 6, 2**40]),
            maybe([None, "red", "blue", "green"]),
        )
        for one in range(40)
    ]


def expected(found: list[tuple]) -> list[tuple]:
    by_key = defaultdict(list)
    for row in found:
        by_key[row[1]].append(row[2:])
    return [(key, *reduced(of)) for key, of in by_key.items()]


def reduced(of: list[tuple]) -> tuple:
    both = [(price, quantity) for price, quantity, _, _ in of if price is not None and quantity is not None]
    weight = sum(quantity for _, quantity in both)
    mean = sum(price * quantity for price, quantity in both) / weight if weight else None
    flags = [flag for _, _, flag, _ in of if flag is not None]
    tags = Counter(tag for *_, tag in of if tag is not None)
    every = 0
    for flag in flags:
        every |= flag
    best = [tag for tag, _ in sorted(tags.items(), key=lambda each: (-each[1], each[0]))][:2]
    return (mean and mean.quantize(Decimal("0.000001"), ROUND_HALF_UP), every if flags else None, best, best)


def test_reducers_of_the_page_and_folds_follow_every_change(lake):
    own = from_its_page()
    job = Job(
        source="raw.lines",
        key=["k"],
        reduce={
            "mean": own["WeightedMean"]("price", "quantity"),
            "flags": own["BitOr"]("flags"),
            "tags": favourite_tags(remove=None),
            "tags_kept": favourite_tags(),
        },
        target="gold.lines",
    )
    lake.put("raw.lines", rows(3), SCHEMA)
    assert lake.run(job).reason == "FIRST_RUN"
    chance = random.Random(4)
    fresh = [row for row in rows(4) if chance.random() < 0.5]
    wanted = {row[0]: row for row in rows(3) if chance.random() < 0.7} | {row[0]: row for row in fresh}
    frame = lake.spark.createDataFrame(list(wanted.values()), SCHEMA)
    merge = lake.delta("raw.lines").alias("t").merge(frame.alias("s"), "t.id = s.id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().whenNotMatchedBySourceDelete().execute()
    assert lake.run(job).plan == "update"
    assert same(lake.rows("gold.lines")) == same(expected(list(wanted.values())))
    assert lake.differences(job) == []
    assert lake.run(job).plan == "nothing"
    # A change of other columns alone, and the last row of a key.
    lake.delta("raw.lines").update(F.lit(True), {"quantity": F.lit(3)})
    lake.delta("raw.lines").delete("k = 'b'")
    assert lake.run(job).plan == "update"
    left = [(*row[:3], 3, *row[4:]) for row in wanted.values() if row[1] != "b"]
    assert left and len(left) < len(wanted)
    assert same(lake.rows("gold.lines")) == same(expected(left))


def same(found: list[tuple]) -> list[str]:
    return sorted(repr(tuple(row)) for row in found)


@dataclass(frozen=True)
class Odd(Reducer):
    """Claims to be a sum, and presents something else."""

    wrong: str

    @property
    def columns(self):
        return ("quantity",)

    def prepare(self, types):
        value = F.rand(1) * 100 if self.wrong == "random" else F.col("quantity")
        return {"odd": Total(value.cast("bigint"), LongType())}

    def present(self, parts, types):
        more = {"plain": F.lit(1), "dice": F.rand()}.get(self.wrong, F.lit(0))
        return (parts["odd"] + more).cast("bigint")

    def recover(self, presented):
        return {"odd": presented + 1} if self.wrong == "recover" else {}

    def plain(self, types):
        return F.coalesce(F.sum("quantity"), F.lit(0))


@dataclass(frozen=True)
class Doubles(Odd):
    def prepare(self, types):
        return {"odd": Total(F.col("quantity").cast("double"), DoubleType())}


@dataclass(frozen=True)
class Unseen(Odd):
    """Adds what a function gives that Spark does not see through, or that is another one every day."""

    def prepare(self, types):
        given = {"udf": F.udf(abs, "bigint")("quantity"), "day": F.unix_date(F.current_date())}[self.wrong]
        return {"odd": Total(given.cast("bigint"), LongType())}


@dataclass(frozen=True)
class Few(Odd):
    """Says that one row decides, and shows how many there are."""

    def prepare(self, types):
        return {"odd": Bag(F.col("quantity"), types["quantity"], needs=1)}

    def present(self, parts, types):
        return F.size(parts["odd"]["kept"]).cast("bigint")


@dataclass(frozen=True)
class Kept(Odd):
    """Says that the number of values decides, and shows how many are kept: right until there are too many."""

    def prepare(self, types):
        return {"odd": Bag(F.col("quantity"), types["quantity"], needs=0)}

    def present(self, parts, types):
        return F.size(parts["odd"]["kept"]).cast("bigint")

    def plain(self, types):
        return F.count_distinct("quantity")


@dataclass(frozen=True)
class Twice(Odd):
    """Reads no column, and counts each row twice."""

    @property
    def columns(self):
        return ()

    def prepare(self, types):
        return {"odd": Total(F.lit(2).cast("bigint"), LongType())}

    def plain(self, types):
        return F.count(F.lit(1))


@dataclass(frozen=True)
class Rounded(Odd):
    """Adds up what has more places than its total."""

    @property
    def columns(self):
        return ("price", "quantity")

    def prepare(self, types):
        return {"odd": Total(F.col("price") * F.col("quantity") / 4, DecimalType(38, 2))}


@dataclass(frozen=True)
class Ratio(Odd):
    """Divides by the number of a key's rows, which is not 0 for a key that is there."""

    def prepare(self, types):
        return {"ratio_n": Total(F.lit(1), LongType()), "ratio": Total(F.col("id").cast("bigint"), LongType())}

    @property
    def columns(self):
        return ("id",)

    def present(self, parts, types):
        return parts["ratio"] / parts["ratio_n"]

    def plain(self, types):
        return F.sum("id") / F.count(F.lit(1))


def means(remove=None) -> Fold:
    """A mean whose state is a list of pairs, which JSON gives back as lists; it divides by how many there are."""

    def add(state, row):
        return sorted([*state, (row.id, row.id)])

    def merge(one, other):
        return sorted([*one, *other])

    def present(state):
        return sum(number for _, number in state) / len(state)

    return Fold("id", zero=[], add=add, merge=merge, present=present, returns="double", remove=remove)


def test_reducers_never_see_a_key_without_rows(lake):
    def remove(state, row):
        state.remove([row.id, row.id])
        return state

    reduce = {"ratio": Ratio(""), "mean": means(), "mean_kept": means(remove)}
    job = Job(source="raw.lines", key=["k"], reduce=reduce, target="gold.lines")
    lake.put("raw.lines", [(1, "a", None, 1, 0, None), (2, "b", None, 1, 0, None)], SCHEMA)
    lake.run(job)
    lake.put("raw.lines", [(4, "a", None, 1, 0, None)], SCHEMA)
    lake.delta("raw.lines").delete("k = 'b'")
    assert lake.run(job, "update").keys_touched == 2
    assert lake.rows("gold.lines") == [("a", 2.5, 2.5, 2.5)]
    assert lake.differences(job) == []


def test_dates_that_python_does_not_know_are_no_reason_to_refuse(lake):
    def earliest(state, row):
        return min(filter(None, (state, row.d and str(row.d))), default=None)

    fold = Fold(
        "d",
        zero=None,
        add=earliest,
        merge=lambda one, other: min(filter(None, (one, other)), default=None),
        present=lambda state: state,
        returns="string",
    )
    days = lake.spark.sql("select 'a' k, d from values (date'2017-05-01'), (date'+12345-01-01'), (null) as t(d)")
    days.write.format("delta").save(lake.uri("raw.days"))
    own = Job(source="raw.days", key=["k"], reduce={"first": fold}, target="gold.days")
    check_laws(own, lake.frame("raw.days"))


@pytest.mark.parametrize(
    ("reducer", "says"),
    [
        (Odd("plain"), "its parts gives .*, its `plain` aggregate"),
        (Odd("recover"), "added later gives"),
        (Odd("random"), "Non-deterministic expression"),
        (Odd("dice"), "another value each time"),
        (Unseen("udf"), 'Python function "abs" cannot be seen through'),
        (Unseen("day"), "CurrentDate gives another value on another day"),
        (Few("bag"), "its `plain` aggregate"),
        (Kept("past the bound"), "its parts gives 2, its `plain` aggregate 3"),
        (Twice("columns"), "its `plain` aggregate"),
        (Rounded("places"), r"adds up decimal.* in decimal\(38,2\), which rounds"),
        (favourite_tags(merge=lambda one, other: one), "merge of two halves gives the state"),
        (favourite_tags(add=lambda state, row: {"last": row.tag}), "gives the state|TypeError"),
        (favourite_tags(remove=lambda state, row: state), "remove of what was added"),
        (favourite_tags(zero={"x": 1}), "merge"),
    ],
    ids=[
        *("plain", "recover", "random", "dice", "udf", "day", "bag", "kept", "no column", "places"),
        *("merge", "order", "remove", "zero"),
    ],
)
def test_a_law_that_does_not_hold_is_refused_with_its_rows(lake, reducer, says):
    lake.put("raw.lines", rows(6), SCHEMA)
    job = Job(source="raw.lines", key=["k"], reduce={"c": Count(), "odd": reducer}, target="gold.lines")
    with pytest.raises(UsageError, match=says) as refused:
        lake.run(job)
    assert str(refused.value).startswith("gold.lines: ")
    assert "Nothing was written" in str(refused.value)
    assert not lake.log("gold.lines").exists


def test_laws_are_tried_whenever_a_definition_is_new(lake):
    good, broken = (
        Job(source="raw.lines", key=["k"], reduce={"odd": Odd(wrong)}, target="gold.lines") for wrong in ("", "plain")
    )
    lake.put("raw.lines", rows(6), SCHEMA)
    lake.run(good)
    with pytest.raises(UsageError, match="its `plain` aggregate"):
        lake.run(broken, "rebuild")
    assert lake.differences(good) == []


def test_laws_are_tried_on_the_first_rows_that_come_by_an_update_or_a_rebuild(lake):
    broken = Job(source="raw.lines", key=["k"], reduce={"odd": Odd("plain")}, target="gold.lines")
    lake.put("raw.lines", [], SCHEMA)
    assert lake.run(broken).reason == "FIRST_RUN"
    lake.put("raw.lines", rows(6), SCHEMA)
    for policy in ("update", "rebuild"):
        with pytest.raises(UsageError, match="its `plain` aggregate"):
            lake.run(broken, policy)
    assert lake.rows("gold.lines") == []


@dataclass(frozen=True)
class Share(Odd):
    """Divides by a sum, which may be 0; what it is to be is wrong besides."""

    def prepare(self, types):
        return {"share": Total(F.col("quantity").cast("bigint"), LongType())}

    def present(self, parts, types):
        return F.lit(100) / parts["share"]


def test_a_reducer_that_fails_on_the_first_rows_is_refused_by_name(lake):
    job = Job(source="raw.lines", key=["k"], reduce={"c": Count(), "odd": Share("")}, target="gold.lines")
    lake.put("raw.lines", [], SCHEMA)
    lake.run(job)
    lake.put("raw.lines", rows(6), SCHEMA)
    with pytest.raises(UsageError, match=r'gold.lines: reducer "odd" .* \[DIVIDE_BY_ZERO\]'):
        lake.run(job)
    assert lake.rows("gold.lines") == []


def test_a_missing_or_wrong_column_of_a_reducer_of_ones_own_is_refused_by_name(lake):
    own = from_its_page()
    lake.put("raw.lines", [], SCHEMA)
    for reducer, says in {
        own["BitOr"]("flegs"): 'reads "flegs", but the map gives .* Did you mean "flags"',
        own["WeightedMean"]("price", "quantety"): 'reads "quantety", but the map gives',
        own["BitOr"]("tag"): "DATATYPE_MISMATCH",
    }.items():
        job = Job(source="raw.lines", key=["k"], reduce={"odd": reducer}, target="gold.lines")
        with pytest.raises(UsageError, match=f'gold.lines: reducer "odd" .*{says}'):
            lake.run(job)


def everything_as_text(remove: bool) -> Fold:
    """The rows as Python shows them."""

    def add(state, row):
        return sorted([*state, repr(tuple(row))])

    def merge(one, other):
        return sorted([*one, *other])

    def taken(state, row):
        state.remove(repr(tuple(row)))
        return state

    def present(state):
        return state

    returned = {"zero": [], "add": add, "merge": merge, "present": present, "returns": "array<string>"}
    return Fold(["n", "v", "s", "at"], **returned, remove=taken if remove else None)


def test_a_fold_is_given_the_values_whatever_other_rows_hold(lake):
    schema = "k string, n bigint, v double, s struct<a: array<int>, z: double>, at timestamp"
    big, at = 2**53 + 1, datetime(2017, 5, 1, 12, tzinfo=UTC)
    reduce = {"opaque": everything_as_text(False), "kept": everything_as_text(True)}
    job = Job(source="raw.rows", key=["k"], reduce=reduce, target="gold.rows")
    lake.put("raw.rows", [("a", big, -0.0, ([1, None], -0.0), at), ("b", None, None, None, None)], schema)
    lake.run(job)
    lake.put("raw.rows", [("a", 7, 1.0, ([], 2.0), None), ("c", 8, None, (None, None), at)], schema)
    lake.delta("raw.rows").delete("k = 'b'")
    assert lake.run(job, "update").plan == "update"
    time = "datetime.datetime(2017, 5, 1, 12, 0)"
    a = sorted([f"({big}, 0.0, Row(a=[1, None], z=0.0), {time})", "(7, 1.0, Row(a=[], z=2.0), None)"])
    c = [f"(8, None, Row(a=None, z=None), {time})"]
    assert lake.rows("gold.rows") == [("a", a, a), ("c", c, c)]
    assert lake.differences(job) == []
    lake.run(job, "rebuild")
    assert lake.rows("gold.rows") == [("a", a, a), ("c", c, c)]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"returns": "mapp<string>"}, 'returns "mapp<string>", which is no type that Spark knows'),
        ({"returns": "map<string,bigint>"}, "returns map<string,bigint>, and such values cannot be compared"),
        ({"returns": "bigint"}, r"TypeError: \[.*\] is no bigint; for the rows"),
        ({"returns": "int", "present": lambda state: 2**40}, "TypeError: 1099511627776 is no int; for the rows"),
        ({"present": lambda state: 1 / 0}, "ZeroDivisionError: division by zero; for the rows"),
    ],
)
def test_a_fold_that_presents_something_else_is_refused_by_name(lake, changed, says):
    lake.put("raw.lines", rows(6), SCHEMA)
    job = Job(source="raw.lines", key=["k"], reduce={"tags": favourite_tags(**changed)}, target="gold.lines")
    with pytest.raises(UsageError, match=f'gold.lines: reducer "tags" .*{says}'):
        lake.run(job)
    assert not lake.log("gold.lines").exists


def greatest(returns: str) -> Fold:
    """The greatest number, as this type; NULL of none."""

    def merge(one, other):
        return max((each for each in (one, other) if each is not None), default=None)

    def add(state, row):
        return merge(state, row.n)

    def present(state):
        return float("nan") if returns == "double" and state == 7 else state

    return Fold("n", zero=None, add=add, merge=merge, present=present, returns=returns)


def test_what_a_fold_presents_is_the_same_whatever_other_keys_present(lake):
    big = 2**53 + 1
    reduce = {"n": greatest("bigint"), "d": greatest("decimal(38,0)")}
    job = Job(source="raw.rows", key=["k"], reduce=reduce, target="gold.rows")
    nans = Job(source="raw.rows", key=["k"], map=small, reduce={"v": greatest("double")}, target="gold.nans")
    lake.put("raw.rows", [("a", big), ("b", None), ("c", 7)], "k string, n bigint")
    lake.run(job)
    lake.run(nans)
    assert lake.rows("gold.rows") == [("a", big, Decimal(big)), ("b", None, None), ("c", 7, Decimal(7))]
    assert str(lake.rows("gold.nans")) == "[('a', None), ('b', None), ('c', nan)]"


def small(rows):
    return rows.withColumn("n", F.when(F.col("n") < 100, F.col("n")))


def by_currency() -> Fold:
    """A total of one currency: its `present` fails for two of them, which no key has."""

    def add(state, row):
        return merge(state, {str(row.tag): row.quantity or 0})

    def merge(one, other):
        return {tag: one.get(tag, 0) + other.get(tag, 0) for tag in {**one, **other}}

    def present(state):
        ((tag, total),) = state.items()
        return f"{total} {tag}"

    return Fold(["tag", "quantity"], zero={}, add=add, merge=merge, present=present, returns="string")


def test_only_rows_of_one_key_are_presented(lake):
    lake.put("raw.lines", rows(6), SCHEMA)
    job = Job(source="raw.lines", key=["tag"], reduce={"total": by_currency()}, target="gold.lines")
    lake.run(job)
    totals = Counter()
    for row in rows(6):
        totals[row[5]] += row[3] or 0
    assert sorted(lake.rows("gold.lines", "total")) == sorted([(f"{n} {tag}",) for tag, n in totals.items()])


@dataclass(frozen=True)
class CheckedMap(Odd):
    def present(self, parts, types):
        return F.create_map(F.lit("n"), parts["odd"])


def test_a_reducer_that_presents_what_cannot_be_compared_is_refused_by_name(lake):
    lake.put("raw.lines", rows(6), SCHEMA)
    job = Job(source="raw.lines", key=["k"], reduce={"odd": CheckedMap("map")}, target="gold.lines")
    with pytest.raises(UsageError, match='reducer "odd" .* presents map<string,bigint>, which cannot be compared'):
        lake.run(job)


def test_a_total_of_doubles_is_refused(lake):
    lake.put("raw.lines", rows(6), SCHEMA)
    job = Job(source="raw.lines", key=["k"], reduce={"odd": Doubles("plain")}, target="gold.lines")
    with pytest.raises(UsageError, match='gold.lines: reducer "odd" adds up double: only integers and decimals'):
        lake.run(job)


def test_a_changed_function_is_a_changed_table(lake):
    lake.put("raw.lines", rows(6), SCHEMA)

    def job(**changed) -> Job:
        return Job(source="raw.lines", key=["k"], reduce={"tags": favourite_tags(**changed)}, target="gold.lines")

    assert [lake.run(job()).reason for _ in range(2)] == ["FIRST_RUN", "NOTHING_NEW"]
    assert lake.run(job(present=lambda state: sorted(state))).reason == "DEFINITION_CHANGED"
    assert lake.run(job(present=lambda state: sorted(state)[:1])).reason == "DEFINITION_CHANGED"
    assert lake.rows("gold.lines", "k", "tags") == [
        (key, sorted({row[5] for row in rows(6) if row[1] == key and row[5]})[:1]) for key in (None, "a", "b", "c")
    ]


def test_two_reducers_that_mean_something_else_by_one_part_are_refused(lake):
    lake.put("raw.lines", rows(6), SCHEMA)
    job = Job(source="raw.lines", key=["k"], reduce={"a": Odd("x"), "b": Few("x")}, target="gold.lines")
    with pytest.raises(UsageError, match='reducer "b" has a part "odd", which another reducer has as something else'):
        lake.run(job)
