"""Rows of neighbouring keys lie in one file, and an update rewrites little more than what it changes."""

import datetime

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, IntegerType, StringType, StructType, TimestampType

from lakemill import Count, Job, Latest, Sum
from lakemill.errors import UsageError
from lakemill.lake.layout import (
    FILES,
    LEAST_ROWS_A_FILE,
    MOST_ROWS_A_FILE,
    clustering,
    is_shredded,
    rows_a_file,
    rows_a_file_of,
)

FIRST = datetime.date(2026, 1, 1)
STORES, DAYS = 100, 100
SCHEMA = (
    StructType().add("store", IntegerType()).add("day", DateType()).add("at", TimestampType()).add("name", StringType())
)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (0, LEAST_ROWS_A_FILE),
        (LEAST_ROWS_A_FILE * FILES, LEAST_ROWS_A_FILE),
        (1_500_000, 5_859),
        (MOST_ROWS_A_FILE * FILES, MOST_ROWS_A_FILE),
        (10**9, MOST_ROWS_A_FILE),
    ],
)
def test_files_grow_with_the_table(rows, wanted):
    assert rows_a_file(rows) == wanted


@pytest.mark.parametrize(
    ("files", "rows", "keyed", "shredded"),
    [(2, 10, True, False), (3, 10, True, True), (40, 40_000, True, False), (41, 40_000, True, True),
     (FILES, 10, False, False), (FILES + 1, 10, False, True)],
)  # fmt: skip
def test_a_table_of_too_many_files_wants_to_be_compacted(files, rows, keyed, shredded):
    assert is_shredded(files, rows, keyed) == shredded


def test_a_table_of_unknown_size_is_not_cut():
    assert rows_a_file_of(0) == MOST_ROWS_A_FILE and rows_a_file_of(1) == LEAST_ROWS_A_FILE


@pytest.mark.parametrize(
    ("key", "cluster", "wanted"),
    [
        (["store", "day"], [], ("day", "store")),
        (["at", "store", "day"], [], ("at", "day", "store")),
        (["name", "store"], [], ("name", "store")),
        (["store", "day"], ["store"], ("store", "day")),
        ([], [], ()),
    ],
)
def test_days_and_times_come_first_unless_somebody_says_otherwise(key, cluster, wanted):
    assert clustering(key, SCHEMA, cluster) == wanted


@pytest.mark.parametrize(("cluster", "message"), [(["x"], 'clustered by "x"'), ("day", "is a text")])
def test_a_cluster_is_of_the_key(cluster, message):
    with pytest.raises(UsageError, match=message):
        Job(source="raw.s", key=["store", "day"], cluster=cluster, target="gold.g")


@pytest.fixture(scope="module")
def sales():
    """A line for each store and day, of 10,000 keys."""
    days = [FIRST + datetime.timedelta(days=at) for at in range(DAYS)]
    return [(store, day, 1) for store in range(STORES) for day in days]


@pytest.mark.spark
@pytest.mark.parametrize("reduce", [{"n": Count(), "total": Sum("v")}, Latest(by=["v"])], ids=["totals", "latest"])
def test_a_change_of_some_days_rewrites_the_files_of_these_days(lake, sales, reduce):
    """Though the key names the store first, and again after updates have written files themselves."""
    job = Job(source="raw.s", key=["store", "day"], reduce=reduce, target="gold.g")
    lake.put("raw.s", sales, "store int, day date, v bigint")
    lake.run(job)
    assert len(lake.delta("gold.g").toDF().inputFiles()) == len(sales) // LEAST_ROWS_A_FILE
    for at in range(3):
        day = FIRST + datetime.timedelta(days=DAYS - 2 + at)  # the last but one, the last, a new one
        lake.put("raw.s", [(store, day, 2 + at) for store in range(STORES)], "store int, day date, v bigint")
        run = lake.run(job)
        assert (run.plan, run.rows_out) == ("update", STORES)
        assert run.rows_rewritten <= LEAST_ROWS_A_FILE, f"{run.rows_rewritten:,} rows rewritten for {run.rows_out}"
    spans = lake.delta("gold.g").toDF().groupBy(F.input_file_name()).agg(F.min("day"), F.max("day")).collect()
    overlapping = sum(one[1] < other[2] and other[1] < one[2] for one in spans for other in spans if one[0] < other[0])
    assert overlapping <= 1, spans


@pytest.mark.spark
def test_scattered_changes_do_not_melt_the_files_into_one(lake, sales):
    job = Job(source="raw.s", key=["store", "day"], reduce={"n": Count()}, target="gold.g")
    lake.put("raw.s", sales, "store int, day date, v bigint")
    lake.run(job)
    lake.put("raw.s", sales[::397], "store int, day date, v bigint")
    run = lake.run(job)
    assert run.plan == "update" and run.rows_rewritten > LEAST_ROWS_A_FILE
    files = lake.delta("gold.g").toDF().groupBy(F.input_file_name()).count().collect()
    assert max(row["count"] for row in files) <= LEAST_ROWS_A_FILE
