"""Verify by a sample: of some keys, always the same ones, in the table and in its sources alike."""

from datetime import date

import pytest
from lake_jobs import SALES

from lakemill import Job, Max, Min
from lakemill.errors import LakemillError, UsageError
from lakemill.verify import verify

SCHEMA = "shop string, amount bigint"
COPY = Job(source="raw.sales", target="gold.copy")
WHOLE = Job(source="raw.sales", key=[], reduce=SALES.reduce, target="gold.whole")


@pytest.fixture
def shop(lake):
    lake.put("raw.sales", [(f"s{n % 40}" if n else None, n) for n in range(80)], SCHEMA)
    for job in (SALES, COPY, WHOLE):
        lake.run(job)
    return lake


def test_a_sample_is_of_some_keys_and_finds_what_is_wrong_with_them(shop):
    full, half = verify(shop.world, SALES), verify(shop.world, SALES, 0.5)
    assert (full.compared, full.equal, half.equal) == (41, True, True)
    assert 10 <= half.compared <= 30
    assert verify(shop.world, SALES, 0.5) == half
    rows = verify(shop.world, COPY, 0.5)
    assert rows.equal and 25 <= rows.compared <= 55
    assert verify(shop.world, WHOLE, 0.5).compared == 1
    shop.delta("gold.sales").update(set={"revenue": "revenue + 1"})
    wrong = verify(shop.world, SALES, 0.5)
    assert (wrong.compared, wrong.unequal_rows) == (half.compared, 2 * half.compared)
    shop.delta("gold.sales").delete()
    assert (verify(shop.world, SALES, 0.5).compared, verify(shop.world, SALES, 0.5).unequal_rows) == (0, half.compared)


@pytest.mark.parametrize("sample", [0, -1, 1.01, float("nan")])
def test_a_sample_is_a_fraction(lake, sample):
    with pytest.raises(UsageError, match="fraction"):
        verify(lake.world, SALES, sample)


def test_a_sample_of_nothing_proves_nothing(shop):
    with pytest.raises(LakemillError, match="none of its 41 rows is in a sample of 1e-06"):
        verify(shop.world, SALES, 0.000001)


def test_the_first_and_last_day_of_a_whole_table(lake):
    """Spark's own write tells them in the table's log, where Delta would look for them."""
    days = [date(2017, 1, day) for day in (3, 1, 2)]
    lake.put_by_spark("raw.days", [(day,) for day in days], "day date")
    job = Job(source="raw.days", key=[], reduce={"first": Min("day"), "last": Max("day")}, target="gold.days")
    lake.run(job)
    assert lake.rows("gold.days") == [(min(days), max(days))]
    assert verify(lake.world, job).equal
    row = lake.frame("raw.days").selectExpr("min(day)", "max(day)", "count(*)").collect()[0]
    assert tuple(row) == (min(days), max(days), 3)
