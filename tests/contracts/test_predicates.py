"""Predicates are looked at before Spark parses them: what may stand there, and what is refused by its name."""

import pytest

from lakemill.contracts.predicates import predicate_faults

COLUMNS = ["amount", "code", "day", "sold_at", "Odd Name", "tags", "count", "week"]
GOOD = [
    "amount > 0",
    "amount >= 0 and code <> ''",
    "code in ('a', 'it''s', \"b\")",
    "not (amount between 1 and 2.5e3) or day is null",
    "day between date '2017-01-01' and date_add(day, 6)",
    "sold_at < timestamp '2018-01-01 00:00:00' + interval 3 days",
    "case when code = 'x' then amount > 0 else true end",
    "`Odd Name` = 1 and AMOUNT > 0",
    "exists(tags, tag -> tag like 'a%') and forall(tags, t -> length(t) < 5)",
    "aggregate(tags, 0, (total, tag) -> total + length(tag)) < 9",
    "cast(amount as decimal(12,2)) = amount::decimal(12,2)",
    "code rlike '^[A-Z]+$' and count = 1L",
    "tags[0] = 'a' or tags.first = 'b'",
    "amount <=> null or -amount < +1 or amount % 2 = 0",
    "extract(year from day) = 2017 and week <= day",
    "coalesce(code, 'now()') = 'select'",
    "code = '-- no comment'",
]
BAD = {
    "amont > 0": 'no column "amont" in the contract. Did you mean "amount"?',
    "`odd` = 1": 'no column "odd"',
    "amount > 0 and x = y": 'no column "x"',
    "amount in (select 1 from t)": "reads its own rows alone",
    "exists (SELECT 1) and amount > 0": "reads its own rows alone",
    "day < current_date": "another value another time",
    "day < current_date()": "another value another time",
    "sold_at < NOW()": "another value another time",
    "rand() < 0.5 and amount > 0": "another value another time",
    "uuid() <> code": "another value another time",
    "java_method('java.lang.System', 'exit', amount)": "another value another time",
    "sum(amount) > 0": "is of many rows",
    "count(code) > 0": "is of many rows",
    "row_number() over (order by day) = 1": "is of many rows",
    "explode(tags) = 'a'": "is of many rows",
    "amount > 0; drop table x": "no expression goes on with",
    "amount > 0 -- and": "no expression goes on with",
    "amount > 0 /* x */": "no expression goes on with",
    "code = 'open": "no expression goes on with",
    "code = `open": "no expression goes on with",
    "amount > $1": "no expression goes on with",
    "amount > 0)": "a bracket",
    "(amount > 0": "a bracket",
    ")amount(": "a bracket",
    "1 = 1": "reads no column",
    "'a' = 'a'": "reads no column",
    "amount > " + "0" * 4000: "at most 4000",
}


@pytest.mark.parametrize("predicate", GOOD)
def test_what_may_stand_there(predicate):
    assert list(predicate_faults(predicate, COLUMNS)) == []


@pytest.mark.parametrize("predicate", BAD)
def test_what_is_refused(predicate):
    assert any(BAD[predicate] in fault for fault in predicate_faults(predicate, COLUMNS))


def test_a_stranger_is_told_once():
    assert len(list(predicate_faults("x > 0 or x < 0 or X = 1", ["amount"]))) == 2
