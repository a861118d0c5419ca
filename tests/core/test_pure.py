"""Python functions in maps: marked as pure they are part of the definition, without the mark they are refused."""

import random
from collections import Counter

import pandas as pd
import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructType

from lakemill import CollectSet, Count, Fold, Job, Latest, Max, PerKey, Sum, pure
from lakemill.errors import UsageError
from lakemill.maps.rowwise import CheckedMap, check_map

SCHEMA = "h int, id int, place struct<city:string,at:struct<x:int>>, tags array<string>, n bigint"
CITIES = {"u": "Utrecht"}


@pure("string")
def spelled(tag):
    return None if tag is None else CITIES.get(tag.lower(), tag.lower())


@F.udf(StringType(), useArrow=True)
def letters(tag):
    return "".join(sorted(tag)) if isinstance(tag, str) else ""  # pandas 3 has NaN where a text is NULL


@F.pandas_udf(LongType())
def doubled(n: pd.Series) -> pd.Series:
    return n * 2


def by_tag(rows):
    tags = rows.select("h", F.explode("tags").alias("tag"), pure(doubled)("n").alias("n"))
    return tags.select("h", spelled("tag").alias("tag"), pure(letters)("tag").alias("letters"), "n")


JOBS = {
    "tags": Job(
        source="raw.rows", map=by_tag, key=["h", "tag"], target="gold.tags",
        reduce={"rows_": Count(), "n": Sum("n"), "spellings": CollectSet("letters")},
    ),
    "places": Job(
        source="raw.rows", key=["h", "place", "tags"], reduce={"rows_": Count(), "n": Max("n")}, target="gold.places",
    ),
    "latest": Job(source="raw.rows", key=["h", "id"], reduce=Latest(by=["n"]), target="gold.latest",
        map=lambda rows: rows.withColumn("id", F.col("id") % 3),
    ),
}  # fmt: skip


def tags_of(rows):
    found = {}
    for h, _, _, tags, n in rows:
        for tag in tags or []:
            key = (h, None if tag is None else CITIES.get(tag.lower(), tag.lower()))
            found.setdefault(key, []).append(("".join(sorted(tag or "")), None if n is None else 2 * n))
    return [
        (
            *key,
            len(of),
            sum(n for _, n in of if n is not None) if any(n is not None for _, n in of) else None,
            sorted({letter for letter, _ in of}),
        )
        for key, of in found.items()
    ]


def places_of(rows):
    found = {}
    for h, _, place, tags, n in rows:
        found.setdefault(repr((h, place, tags)), ((h, place, tags), []))[1].append(n)
    return [(*key, len(of), max((n for n in of if n is not None), default=None)) for key, of in found.values()]


def latest_of(rows):
    def age(row):
        h, _, place, tags, n = row
        return _ordered((n, h, place, tags))

    found = {}
    for row in rows:
        found.setdefault((row[0], row[1] % 3), []).append((row[0], row[1] % 3, *row[2:]))
    return [max(of, key=age) for of in found.values()]


def _ordered(value):
    """Spark's order: NULL first; arrays and structs element by element."""
    if value is None:
        return (0,)
    return (1, [_ordered(each) for each in value]) if isinstance(value, tuple | list) else (1, value)


ORACLES = {"tags": tags_of, "places": places_of, "latest": latest_of}


def some_rows(chance: random.Random, h: int) -> list[tuple]:
    one = chance.choice
    places = [None, (None, None), ("a", None), ("a", (None,)), ("a", (1,)), ("b", (2,))]
    tags = [None, [], ["x"], ["x", "X"], [None, "U"], ["yx", "xy"]]
    return [(h, i, one(places), one(tags), one([None, 1, 2, -3])) for i in chance.sample(range(9), 5)]


def plain(value):
    return tuple(plain(each) for each in value) if isinstance(value, tuple | list) else value


def put(lake, rows: list[tuple]) -> None:
    """Make the source hold these rows by what differs."""
    if not lake.log("raw.rows").exists:
        return lake.put("raw.rows", rows, SCHEMA)
    wanted = lake.spark.createDataFrame(rows, SCHEMA).alias("s")
    merge = lake.delta("raw.rows").alias("t").merge(wanted, "t.h = s.h and t.id = s.id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().whenNotMatchedBySourceDelete().execute()


@pytest.mark.parametrize("seed", [5])
def test_python_functions_and_nested_columns_update_as_they_rebuild(lake, seed):
    chance = random.Random(seed)
    print(f"seed {seed}")
    for reason in ("FIRST_RUN", "UPDATE"):
        put(lake, [row for h in range(60) for row in some_rows(chance, h)])
        rows = [plain(tuple(row)) for row in lake.frame("raw.rows").collect()]
        for name, job in JOBS.items():
            assert lake.run(job).reason == reason
            found = [plain(tuple(row)) for row in lake.frame(job.target).drop("_state").collect()]
            assert Counter(found) == Counter(map(plain, ORACLES[name](rows))), (seed, reason, name)
    assert lake.differences(JOBS["tags"]) == []


def test_rows_that_meet_by_what_python_made_of_them_follow_both_sides(lake):
    job = Job(
        source=["raw.sales", "raw.cities"], key=["country"], reduce={"n": Sum("n")}, target="gold.countries",
        map=lambda sales, cities: sales.withColumn("city", spelled("city")).join(cities, "city"),
    )  # fmt: skip
    lake.put("raw.sales", [("U", 1), ("utrecht", 2), ("x", 4)], "city string, n bigint")
    lake.put("raw.cities", [("Utrecht", "nl"), ("utrecht", "be")], "city string, country string")
    lake.run(job)
    assert lake.rows("gold.countries") == [("be", 2), ("nl", 1)]
    lake.put("raw.sales", [("u", 8), ("X", 16)], "city string, n bigint")
    lake.put("raw.cities", [("x", "fr")], "city string, country string")
    lake.delta("raw.cities").delete("country = 'be'")
    assert lake.run(job).reason == "UPDATE"
    assert lake.rows("gold.countries") == [("fr", 20), ("nl", 9)]


def check(spark, job: Job) -> CheckedMap:
    kinds = StructType.fromDDL("k string, m map<string,int>, s struct<m:map<string,int>>, n int")
    return check_map(spark, job, {"raw.rows": kinds})


def fingerprint(spark, function) -> str:
    job = Job(
        source="raw.rows", target="gold.x", map=lambda rows: rows.select(function("k").alias("k"), "n"), key=["k"]
    )
    return check(spark, job).fingerprint


def test_a_changed_body_is_another_definition(spark):
    def made(by: int, more):
        @pure("string")
        def longer(text):
            return more(text) * by

        return longer

    prints = [
        fingerprint(spark, function)
        for function in (
            made(2, lambda text: text + "a"),
            made(2, lambda text: text + "a"),
            made(3, lambda text: text + "a"),
            made(2, lambda text: text + "b"),
        )
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def average(values: pd.Series) -> float:
    return values.mean()


UNSEEN = iter([])


def shout(k):
    return k.upper()


def counts(k):
    return str(next(UNSEEN))


REFUSED = {
    'Python function "shout" cannot be seen through.*@pure': lambda: F.udf(shout, "string"),
    "MAP_NONDETERMINISTIC": lambda: pure(F.udf(shout, "string").asNondeterministic()),
    'pure: counts uses "UNSEEN"': lambda: pure("string")(counts),
    'of "shout" the type that it returns is not known': lambda: pure(shout),
    "takes several rows together": lambda: pure(F.pandas_udf(average, "double")),
}


@pytest.mark.parametrize("says", REFUSED)
def test_refused_by_name(spark, says):
    job = Job(
        source="raw.rows", target="gold.x", key=["k"], map=lambda rows: rows.select(REFUSED[says]()("k").alias("k"))
    )
    with pytest.raises(UsageError, match=says):
        check(spark, job)


@F.pandas_udf(LongType())
def apart(n: pd.Series) -> pd.Series:
    return n - n.min()


@pure("double")
def chance(n):
    return random.random()


@pytest.mark.parametrize("function", [pure(apart), chance], ids=["looks at other rows", "by chance"])
def test_a_broken_promise_is_found_on_a_few_rows(lake, function):
    job = Job(source="raw.rows", key=[], reduce={"n": Count()}, target="gold.x",
        map=lambda rows: rows.select("n", function("n").alias("apart")),
    )  # fmt: skip
    lake.put("raw.rows", [(1, n, None, None, n) for n in range(5)], SCHEMA)
    with pytest.raises(UsageError, match="gold.x: .* NOT_PURE: .* n=[0-4], apart="):
        lake.run(job)
    assert not lake.log("gold.x").exists


@pytest.mark.parametrize("reduce", [{"n": Count()}, PerKey(lambda rows: rows)], ids=str)
def test_a_promise_is_tried_on_the_first_rows_that_come(lake, reduce):
    job = Job(source="raw.rows", key=["h"], reduce=reduce, target="gold.x",
        map=lambda rows: rows.select("h", chance("n").alias("x")),
    )  # fmt: skip
    lake.put("raw.rows", [], SCHEMA)
    lake.run(job)
    lake.put("raw.rows", [(1, n, None, None, n) for n in range(5)], SCHEMA)
    with pytest.raises(UsageError, match="NOT_PURE"):
        lake.run(job)
    assert lake.frame("gold.x").isEmpty()


def test_a_column_is_not_called_after_a_digest(spark):
    job = Job(source="raw.rows", target="gold.x", key=[], map=lambda rows: rows.select(spelled("k")))
    with pytest.raises(UsageError, match=r'gives "spelled@pure:.*alias'):
        check(spark, job)


UNCOMPARED = {
    "a key": Job(source="raw.rows", key=["m"], target="gold.x"),
    "within a key": Job(source="raw.rows", key=["s"], target="gold.x"),
    "a newest row": Job(source="raw.rows", key=["k"], reduce=Latest(by=["n"]), target="gold.x"),
    "an appended row": Job(source="raw.rows", target="gold.x"),
    "a fold": Job(
        source="raw.rows", key=["k"], target="gold.x",
        reduce={"f": Fold("m", zero=0, add=max, merge=max, present=str, returns="string")},
    ),
    "a set": Job(source="raw.rows", key=["k"], reduce={"f": CollectSet("m")}, target="gold.x"),
    "a greatest struct": Job(source="raw.rows", key=["k"], reduce={"f": Max("s")}, target="gold.x"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNCOMPARED)
def test_what_has_no_order_is_refused_by_name(spark, what):
    with pytest.raises(UsageError, match='"(m|s)".* (map|struct)<'):
        check(spark, UNCOMPARED[what])


def test_a_map_column_may_be_read(spark):
    job = Job(
        source="raw.rows", key=["k", "v"], reduce={"n": Count()}, target="gold.x",
        map=lambda rows: rows.select("k", F.col("m")["a"].alias("v"), "m"),
    )  # fmt: skip
    assert check(spark, job).schema.names == ["k", "v", "m"]


def test_the_python_function_is_there_for_its_own_test():
    assert [spelled.function(tag) for tag in ("U", "X", None)] == ["Utrecht", "x", None]
