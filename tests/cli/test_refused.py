"""A value that a map or a reducer refuses: job, column, value and version are named in one paragraph."""

from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from lakemill import Fold, Job, Max, PerKey, Sum, pure
from lakemill.runner import run_tables

ROWS = [
    ("a", "3", 4, Decimal("9" * 38), 1, [1, 2, 3]),
    ("a", "two", 0, Decimal("9" * 38), 2**31 - 1, [1]),
]
SCHEMA = "k string, t string, n int, x decimal(38,0), i int, a array<int>"


@pure("bigint")
def number(text):
    return int(text)


def refuse(state, row):
    raise KeyError(row.t)


def by_pandas(rows):
    return rows.groupBy("k").applyInPandas(lambda frame: frame[["absent"]], "k string")


def own(function):
    return Fold("t", zero=0, add=function, merge=lambda s, t: s + t, present=lambda s: s, returns="bigint")


def number_of_t():
    return F.col("t").cast("bigint")


JOBS = {
    "cast": lambda rows: rows.select("k", number_of_t().alias("amount")),
    "part": lambda rows: rows.withColumn("amount", (number_of_t() + 1) * 2).select("k", "amount"),
    "zero": lambda rows: rows.select("k", (F.lit(1) / F.col("n")).alias("ratio")),
    "over": lambda rows: rows.select("k", (F.col("i") + 1).alias("next")),
    "third": lambda rows: rows.select("k", F.col("a")[2].alias("third")),
    "day": lambda rows: rows.where(F.to_date("t", "d") > F.lit("1970-01-01")),
    "own_words": lambda rows: rows.select(
        F.when(F.col("n") == 0, F.raise_error(F.lit("a line without items"))).otherwise(F.col("k")).alias("line")
    ),
    "parsed": lambda rows: rows.select(
        "k", F.from_json(F.when(F.col("t") == "3", F.col("t")), "a int", {"mode": "FAILFAST"}).alias("parsed")
    ),
    "masked": lambda rows: rows.select("k", F.to_number("t", F.lit("9")).alias("masked")),
    "digits": lambda rows: rows.select("k", F.transform("a", lambda v: v / F.col("n")).alias("parts")),
    "python": lambda rows: rows.select("k", number("t").alias("amount")),
}
SAYS = {
    "cast": ['column "amount"', "CAST(t AS BIGINT) of t='two'", "[CAST_INVALID_INPUT]", "try_cast"],
    "part": ['column "amount"', "CAST(t AS BIGINT) of t='two'"],
    "zero": ['column "ratio"', "of n='0'", "[DIVIDE_BY_ZERO]"],
    "over": ['column "next"', "of i='2147483647'", "OVERFLOW"],
    "third": ['column "third"', "of a='[1]'", "[INVALID_ARRAY_INDEX]"],
    "day": ["a row cannot be computed", "t='two'"],
    "own_words": ['column "line"', "n='0'", "a line without items"],
    "parsed": ['column "parsed"', "of t='3'", "[MALFORMED_RECORD_IN_PARSING"],
    "masked": ['column "masked"', "of t='two'", "[INVALID_FORMAT"],
    "digits": ['column "parts"', "n='0'"],
    "python": ["ValueError: invalid literal for int()", "(given 'two')", "test_refused.py, line", "return int(text)"],
    "joined": ["CAST(t AS INT) of t='two'"],
    "sum": ['column "total"', "999"],
    "fold": ["KeyError: ", "test_refused.py, line", "raise KeyError(row.t)"],
    "per_key": ["absent"],
}


def jobs() -> dict[str, Job]:
    maps = {name: Job(source="raw.rows", map=function, target=f"gold.{name}") for name, function in JOBS.items()}
    maps["joined"] = Job(
        source=["raw.rows", "raw.names"],
        map=lambda rows, names: rows.join(names, rows.t.cast("int") == names.id).select("k", "name"),
        target="gold.joined",
    )
    keyed = {"source": "raw.rows", "key": ["k"]}
    maps["sum"] = Job(**keyed, reduce={"last": Max("t"), "total": Sum("x"), "n": Max("n")}, target="gold.sum")
    maps["fold"] = Job(**keyed, reduce={"folded": own(refuse)}, target="gold.fold")
    maps["per_key"] = Job(**keyed, reduce=PerKey(by_pandas), target="gold.per_key")
    return {job.target: job for job in maps.values()}


@pytest.fixture(scope="module")
def told(spark, tmp_path_factory):
    """What each table's run says, of one `lakemill run` of them all; and what it prints besides."""
    from conftest import TestLake

    lake = TestLake(spark, tmp_path_factory.mktemp("refused"))
    lake.put("raw.rows", ROWS[:1], SCHEMA)
    lake.put("raw.rows", ROWS[1:], SCHEMA)
    lake.put("raw.names", [(3, "c")], "id int, name string")
    outcome = run_tables(lake.world, jobs())
    assert outcome.exit_code in (1, 2)
    assert not outcome.unrecorded
    return {run.target.split(".")[1]: run.error or run.plan for run in outcome.runs}


@pytest.mark.spark
@pytest.mark.parametrize("name", SAYS)
def test_it_names_job_column_value_and_version(told, name):
    text = told[name]
    assert text.startswith(f"gold.{name}: ")
    for part in SAYS[name]:
        assert part in text, text
    assert "\n" not in text and "Traceback" not in text and "ansi.enabled" not in text, text
    if name not in ("fold", "per_key"):  # these two are tried on rows before anything is made of them
        assert "raw.rows (version 1)" in text and "Nothing was written" in text, text


def test_a_failure_prints_nothing_of_java(lake, capfd):
    lake.put("raw.rows", ROWS, SCHEMA)
    run_tables(lake.world, jobs(), ["gold.cast", "gold.python"])
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""
