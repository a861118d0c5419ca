"""periods of equal values, against plain Python over the same rows, and the cases that a user asks about."""

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise

import pytest
from frames import assert_rows
from pyspark.sql.types import StructType

from lakemill import Job, PerKey, periods
from lakemill.errors import UsageError
from lakemill.maps.check import check_per_key

ROWS = "h int, k string, day date, dump string, line int, price decimal(6,2), brand string"
PERIODS = "h int, k string, price decimal(6,2), brand string, valid_from date, valid_to date, is_current boolean"
PRICES = periods(["h", "k"], since="day", then=["dump", "line"])


def may(day: int) -> date:
    return date(2017, 5, day)


def periods_of(rows: list[tuple]) -> list[tuple]:
    """What a dictionary of days remembers, newest word last, and where its values change."""
    said: dict[tuple, dict] = defaultdict(dict)
    for h, k, day, _, _, *values in sorted(rows, key=lambda row: row[2:5]):
        said[h, k][day] = tuple(values)
    found = []
    for key, days in said.items():
        begun = [(values, next(of)[0]) for values, of in groupby(days.items(), key=lambda item: item[1])]
        for (values, first), after in pairwise([*begun, None]):
            found.append((*key, *values, first, after and after[1], after is None))
    return found


def random_rows(seed: int) -> list[tuple]:
    """Few days and values, so that periods repeat, and dumps of one day differ; in any order, some of them twice."""
    maybe = random.Random(seed)
    rows = [
        (
            h,
            maybe.choice([None, "a"]),
            may(maybe.randint(1, 9)),
            maybe.choice(["d1", "d2"]),
            line,
            maybe.choice([None, Decimal("1.20"), Decimal("1.50")]),
            maybe.choice([None, "own"]),
        )
        for h in range(60)
        for line in range(maybe.randint(1, 12))
    ]
    rows += maybe.sample(rows, 50)
    maybe.shuffle(rows)
    return rows


@pytest.mark.parametrize("seed", [11])
def test_it_is_what_plain_python_finds(spark, seed):
    print(f"seed {seed}")
    rows = random_rows(seed)
    expected = periods_of(rows)
    assert len(rows) > len(expected) > 60, "some rows begin no period, and some keys have several"
    assert_rows(PRICES(spark.createDataFrame(rows, ROWS).repartition(4)), expected, PERIODS)


LOW, HIGH = (Decimal("1.20"), "own"), (Decimal("1.50"), "own")
CASES = {  # what is said, as (day, dump, line, values); then the periods as (values, from, to)
    "it stays": ([(1, "a", 1, LOW), (2, "b", 1, LOW), (9, "c", 1, LOW)], [(LOW, 1, None)]),
    "it changes": ([(1, "a", 1, LOW), (4, "b", 1, HIGH)], [(LOW, 1, 4), (HIGH, 4, None)]),
    "it changes back": (
        [(1, "a", 1, LOW), (4, "b", 1, HIGH), (6, "c", 1, LOW)],
        [(LOW, 1, 4), (HIGH, 4, 6), (LOW, 6, None)],
    ),
    "one value becomes NULL": ([(1, "a", 1, LOW), (2, "b", 1, (None, "own"))], [(LOW, 1, 2), ((None, "own"), 2, None)]),
    "NULL stays NULL": ([(1, "a", 1, (None, None)), (2, "b", 1, (None, None))], [((None, None), 1, None)]),
    "a snapshot in between is late": (
        [(1, "a", 1, LOW), (9, "c", 1, LOW), (4, "b", 1, HIGH)],
        [(LOW, 1, 4), (HIGH, 4, 9), (LOW, 9, None)],
    ),
    "the last dump of a day counts": ([(1, "b", 1, HIGH), (1, "a", 7, LOW)], [(HIGH, 1, None)]),
    "the last line of a dump counts": ([(1, "a", 7, HIGH), (1, "a", 2, LOW)], [(HIGH, 1, None)]),
    "a day that ends as it began": ([(1, "a", 1, LOW), (4, "b", 1, HIGH), (4, "c", 1, LOW)], [(LOW, 1, None)]),
}


def test_what_a_user_of_histories_expects(spark):
    rows = [(0, k, may(day), dump, line, *values) for k, (said, _) in CASES.items() for day, dump, line, values in said]
    expected = [
        (0, k, *values, may(since), until and may(until), until is None)
        for k, (_, periods) in CASES.items()
        for values, since, until in periods
    ]
    assert_rows(PRICES(spark.createDataFrame(rows, ROWS)), expected, PERIODS)


def test_without_values_a_key_has_one_period(spark):
    rows = [(1, may(4)), (1, may(2)), (2, None), (2, may(3))]
    found = periods(["k"], since="day")(spark.createDataFrame(rows, "k int, day date"))
    expected = [(1, may(2), None, True), (2, None, None, True)]
    assert_rows(found, expected, "k int, valid_from date, valid_to date, is_current boolean")


def test_it_keeps_keys_apart(spark):
    """As a job's key it takes its own, and is refused for one that it does not keep apart."""

    def check(*key: str) -> str:
        job = Job(source="bronze.prices", key=key, reduce=PerKey(PRICES), target="silver.prices")
        return check_per_key(spark, job, PerKey(PRICES), StructType.fromDDL(ROWS))

    assert check("h", "k") == check("h", "k")
    with pytest.raises(UsageError, match="a window function is not partitioned by brand"):
        check("h", "k", "brand")
