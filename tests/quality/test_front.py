"""A table behind its front door: good rows, quarantine and counts against plain Python."""

import random
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from lakemill import Count, Job, Latest, Max, Sum
from lakemill.contracts.contract import Bound, ColumnTerms, Contract, TextForm
from lakemill.contracts.rules import RowRule
from lakemill.errors import UsageError
from lakemill.quality.doors import guarded
from lakemill.runner import run_tables
from lakemill.verify import verify

SCHEMA = "history int, k string, n string, amount string, day string, at int"
KEYS = ["1", "2", "3", "x", "", None]
NUMBERS = ["0", "5", "99", "100", "1.5", " 7", "-3", "99999999999", "", None]
AMOUNTS = ["1,50", "0,00", "2.50", "1,505", "9999999,99", "-", "n/a", None]
DAYS = ["2017-01-01", "2017-02-29", "2017", "2017-01-01 ", None]


def columns(least: int, day_severity: str = "quarantine", required: bool = True) -> tuple[ColumnTerms, ...]:
    return (
        ColumnTerms("history", "integer", "int"),
        ColumnTerms("k", "integer", "bigint", required=required),
        ColumnTerms("n", "integer", "int", minimum=Bound(least), form=TextForm(missing=("",))),
        ColumnTerms("amount", "number", "decimal(8,2)", form=TextForm(decimal=",", missing=("n/a",))),
        ColumnTerms("day", "date", "string", severities=(("type", day_severity),)),
        ColumnTerms("at", "integer", "int"),
    )


RULE = RowRule("small_or_paid", "n < 100 or amount > 0")
CONTRACTS = [
    Contract("silver.t", columns(0), row_rules=(RULE,), most_quarantined=100),
    Contract("silver.t", columns(-5, "warn"), row_rules=(RULE,), most_quarantined=100),
    Contract("silver.t", columns(6, required=False), most_quarantined=100),
]


def rows_of(rows):
    return rows.select("history", "k", "n", "amount", "day", "at")


JOB = Job(source="raw.t", map=rows_of, key=["history", "k"], reduce=Latest(by=["at"]), target="silver.t")


def whole(text: str, bits: int) -> int | None:
    number = int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None
    return number if number is not None and -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else None


def money(text: str) -> Decimal | None:
    plain = text.replace(",", ".")
    if "." in text or not re.fullmatch(r"[+-]?[0-9]*\.?[0-9]*", plain) or not re.search("[0-9]", plain):
        return None
    value = Decimal(plain)
    return value if value == round(value, 2) and abs(value) < 10**6 else None


def is_day(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text) and date.fromisoformat(text))
    except ValueError:
        return False


def judge(row: tuple, contract: Contract) -> tuple[tuple, list[tuple[str, str, str | None]]]:
    """The typed row, and the rules that it fails, by plain Python."""
    history, k, n, amount, day, at = row
    terms, failed = {each.name: each for each in contract.columns}, []
    key = None if k is None else whole(k, 64)
    if k is not None and key is None:
        failed.append(("type", "k", k))
    elif key is None and terms["k"].required:
        failed.append(("required", "k", k))
    number = None if n in (None, "") else whole(n, 32)
    if n not in (None, "") and number is None:
        failed.append(("type", "n", n))
    elif number is not None and number < terms["n"].minimum.value:
        failed.append(("minimum", "n", n))
    paid = None if amount in (None, "n/a") else money(amount)
    if amount not in (None, "n/a") and paid is None:
        failed.append(("type", "amount", amount))
    if day is not None and not is_day(day):
        failed.append(("type", "day", day))
    warns = {("type", each.name) for each in contract.columns if each.severity("type") == "warn"}
    if contract.row_rules and not any((rule, name) not in warns for rule, name, _ in failed):
        small, has_paid = None if number is None else number < 100, None if paid is None else paid > 0
        if small is not True and has_paid is not True:
            failed.append((RULE.name, "", None))
    return (history, key, number, paid, day, at), failed


def expected(rows: list[tuple], contract: Contract) -> tuple[list[tuple], Counter, Counter]:
    """The target, the quarantine as rows with their failed rules, and what became of each row."""
    newest: dict[tuple, tuple] = {}
    aside, counts = Counter(), Counter()
    warns = {each.name for each in contract.columns if each.severity("type") == "warn"}
    for row in rows:
        typed, failed = judge(row, contract)
        if any((rule, column) not in {("type", name) for name in warns} for rule, column, _ in failed):
            aside[(*row, tuple(failed))] += 1
            counts["quarantined"] += 1
            continue
        counts["good"] += 1
        counts["warned"] += bool(failed)
        key = typed[:2]
        if key not in newest or newest[key][-1] < typed[-1]:
            newest[key] = typed
    return list(newest.values()), aside, counts


def in_order(rows):
    return sorted(rows, key=lambda row: [(value is not None, str(value)) for value in row])


def put_aside(lake) -> Counter:
    rows = lake.frame("silver.t_quarantine").collect()
    return Counter(
        (*row[:-1], tuple((r["rule"], r["column"], r["value"]) for r in row["failed_rules"])) for row in rows
    )


def new_rows(rng: random.Random, histories: int, at: int) -> list[tuple]:
    def some(values: list) -> str | None:
        return values[0] if rng.random() < 0.5 else rng.choice(values)

    of_each = [history for history in range(histories) for _ in range(rng.randint(0, 3))]
    return [
        (history, rng.choice(KEYS), some(NUMBERS[1:] + NUMBERS[:1]), some(AMOUNTS), some(DAYS), at * 100_000 + place)
        for place, history in enumerate(of_each)
    ]


def change(lake, rng: random.Random, step: int) -> None:
    """Rows that came earlier are corrected, made worse, or withdrawn."""
    table = f"delta.`{lake.uri('raw.t')}`"
    share, of = rng.randint(0, 4), rng.randint(0, 4)
    lake.spark.sql(f"delete from {table} where (at + {step}) % 11 = {share}")
    lake.spark.sql(f"update {table} set n = '{rng.choice(['7', '1.5', '200'])}' where (at + {step}) % 7 = {of}")


def held(lake) -> list[tuple]:
    return [tuple(row) for row in lake.frame("raw.t").collect()]


@pytest.mark.parametrize("seed", [3])
def test_quality_states_equal_a_recompute(lake, seed):
    """300 histories side by side, as a column of the key; inserts, corrections, deletions and other contracts."""
    print("seed", seed)
    rng, histories = random.Random(seed), 300
    for step, contract in enumerate([CONTRACTS[at] for at in (0, 0, 1, 1, 2, 0)]):
        lake.put_by_spark("raw.t", new_rows(rng, histories, step), SCHEMA)
        if step:
            change(lake, rng, step)
        jobs = guarded({JOB.target: JOB}, {JOB.target: contract})
        outcome = run_tables(lake.world, jobs)
        assert outcome.exit_code == 0, outcome.error
        reason = "FIRST_RUN" if not step else "DEFINITION_CHANGED" if step in (2, 4, 5) else "UPDATE"
        assert [(run.target, run.reason) for run in outcome.runs] == [
            ("silver.t_quarantine", reason), ("silver.t", reason)
        ]  # fmt: skip
        target, aside, counts = expected(held(lake), contract)
        assert in_order(lake.rows("silver.t", "history", "k", "n", "amount", "day", "at")) == in_order(target), step
        assert put_aside(lake) == aside, step
        for run in outcome.runs if reason != "UPDATE" else ():
            good, bad = counts["good"], counts["quarantined"]
            told = (run.rows_judged, run.rows_good, run.rows_quarantined, run.rows_warned)
            assert told == (good + bad, good, bad, counts["warned"])
    assert all(verify(lake.world, job).equal for job in jobs.values())


PLAIN = Contract("silver.t", CONTRACTS[0].columns)


def test_a_corrected_row_leaves_quarantine_and_one_that_goes_bad_goes_there(lake):
    jobs = guarded({JOB.target: JOB}, {JOB.target: PLAIN})
    rows = [(1, "1", "5", "1,00", None, 1), (1, "2", "six", "1,00", None, 2), (1, "2", "4", "1,00", None, 1)]
    lake.put_by_spark("raw.t", rows, SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    assert put_aside(lake) == {(1, "2", "six", "1,00", None, 2, (("type", "n", "six"),)): 1}
    assert lake.rows("silver.t", "k", "n") == [(1, 5), (2, 4)], "what waits in quarantine does not compete"
    lake.spark.sql(f"update delta.`{lake.uri('raw.t')}` set n = '6' where n = 'six'")
    lake.spark.sql(f"update delta.`{lake.uri('raw.t')}` set amount = '1.00' where k = '1'")
    aside, good = run_tables(lake.world, jobs).runs
    assert (aside.plan, good.plan) == ("update", "update")
    assert put_aside(lake) == {(1, "1", "5", "1.00", None, 1, (("type", "amount", "1.00"),)): 1}
    assert lake.rows("silver.t", "k", "n") == [(2, 6)]
    told = [(run.rows_judged, run.rows_good, run.rows_quarantined) for run in (aside, good)]
    assert told == [(2, 1, 1), (2, 1, 1)], "each counts by itself, and the counts add up"


def test_too_many_bad_rows_stop_the_run_with_their_reasons(lake):
    jobs = guarded({JOB.target: JOB}, {JOB.target: PLAIN})
    lake.put_by_spark("raw.t", [(1, str(at), "x" if at < 30 else "1", "0,10", None, at) for at in range(100)], SCHEMA)
    outcome = run_tables(lake.world, jobs)
    assert outcome.exit_code == 3
    assert "silver.t: of the 100 rows that came 30 do not meet its contract, more than 20 %" in str(outcome.error)
    assert "type: 30 rows, as n='x'" in str(outcome.error)
    assert [run.status for run in outcome.runs] == ["failed", "skipped"]
    assert not lake.log("silver.t").exists and not lake.log("silver.t_quarantine").exists
    looser = guarded({JOB.target: JOB}, {JOB.target: replace(PLAIN, most_quarantined=30)})
    assert run_tables(lake.world, looser).exit_code == 0
    assert put_aside(lake).total() == 30


def test_a_rule_of_severity_fail_stops_the_run_before_anything_is_written(lake):
    n = replace(columns(0)[2], severities=(("minimum", "fail"),))
    jobs = guarded({JOB.target: JOB}, {JOB.target: replace(PLAIN, columns=(*columns(0)[:2], n, *columns(0)[3:]))})
    lake.put_by_spark("raw.t", [(1, "1", "5", "0,10", None, 1)], SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    lake.put_by_spark("raw.t", [(1, "2", "-5", "0,10", None, 2), (1, "3", "x", "0,10", None, 3)], SCHEMA)
    outcome = run_tables(lake.world, jobs)
    assert outcome.exit_code == 3
    assert "its contract stops the run: a row from raw.t (version 1) fails minimum of n='-5'" in str(outcome.error)
    assert lake.log("silver.t").version == lake.log("silver.t_quarantine").version == 0


def test_an_appended_table_and_one_of_reducers_have_a_front_door_too(lake):
    lake.put_by_spark("raw.t", [(1, "1", "5", "0,10", None, 1), (1, "1", "y", "0,10", None, 2)], SCHEMA)
    appended = Job(source="raw.t", map=rows_of, target="silver.t")
    jobs = guarded({appended.target: appended}, {appended.target: PLAIN})
    assert run_tables(lake.world, jobs).exit_code == 0
    assert lake.rows("silver.t", "k", "n") == [(1, 5)]
    reduced = Job(source="raw.t", map=rows_of, key=["k"], reduce={"amount": Sum("n"), "rows": Count()}, target="gold.t")
    terms = (columns(0)[1], columns(0)[2], ColumnTerms("amount", "integer", "bigint"))
    jobs = guarded({reduced.target: reduced}, {reduced.target: Contract("gold.t", terms)})
    assert run_tables(lake.world, jobs).exit_code == 0
    assert lake.rows("gold.t") == [(1, 5, 1)], "the amount that the reduce makes is not the amount that the map gives"
    assert lake.rows("gold.t_quarantine", "k", "n") == [("1", "y")]


COLOUR = ColumnTerms("colour", "string", "string")
UNLIKE = ColumnTerms("history", "integer", "bigint")


@pytest.mark.parametrize(
    "contract, told",
    [
        (Contract("silver.t", (*columns(0), COLOUR)), 'column "colour", which rows_of does not give'),
        (Contract("silver.t", (UNLIKE,)), '"history" is bigint, and rows_of gives int'),
        (
            Contract("silver.t", columns(0), row_rules=(RowRule("late", "at < unix_timestamp()"),)),
            "a rule of rows of its",
        ),
        (
            Contract("silver.t", columns(0), row_rules=(RowRule("no_day", "size(day) > 1"),)),
            "its contract does not fit",
        ),
    ],
)
def test_a_contract_that_does_not_fit_the_map_is_told_by_name(lake, contract, told):
    lake.put_by_spark("raw.t", [(1, "1", "5", "0,10", None, 1)], SCHEMA)
    outcome = run_tables(lake.world, guarded({JOB.target: JOB}, {JOB.target: contract}))
    assert outcome.exit_code == 2 and told in str(outcome.error)


def test_keys_are_looked_up_by_what_they_mean_not_by_how_they_are_written(lake):
    """A recomputed key reads rows of the source whose texts are other ones: " a " is a, "" is none, "x" waits aside."""
    key = ColumnTerms("k", "string", "string", form=TextForm(trim=True, missing=("",)))
    number = ColumnTerms("n", "integer", "bigint")
    contract = Contract("gold.t", (key, number, ColumnTerms("most", "integer", "bigint")))
    job = Job(source="raw.t", key=["k", "n"], reduce={"most": Max("at")}, target="gold.t")
    jobs = guarded({job.target: job}, {job.target: contract})
    rows = [(1, k, n, None, None, at) for at, (k, n) in enumerate(product([" a ", "a", "", None], ["7", "07", "x"]))]
    lake.put_by_spark("raw.t", rows, SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    lake.spark.sql(f"delete from delta.`{lake.uri('raw.t')}` where at in (4, 10)")  # the largest of both keys
    outcome = run_tables(lake.world, jobs)
    assert [run.plan for run in outcome.runs] == ["update", "update"] and outcome.runs[1].keys_recomputed == 2
    assert lake.rows("gold.t") == [(None, 7, 9), ("a", 7, 3)]
    assert lake.frame("gold.t_quarantine").count() == 4


def test_a_rule_of_rows_may_count_on_what_its_columns_promise(lake):
    """A row that one of its columns puts aside is not divided by."""
    contract = replace(PLAIN, row_rules=(RowRule("cheap", "amount / n < 100"),))
    contract = replace(contract, columns=(*columns(1)[:2], *columns(1)[2:]))
    lake.put_by_spark("raw.t", [(1, "1", "0", "0,10", None, 1), (1, "2", "2", "0,10", None, 2)], SCHEMA)
    outcome = run_tables(lake.world, guarded({JOB.target: JOB}, {JOB.target: contract}))
    assert outcome.exit_code == 0, outcome.error
    assert lake.rows("silver.t", "k") == [(2,)]


def test_what_stops_a_run_is_told_whatever_the_value_says(lake):
    status = ColumnTerms("day", "string", "string", values=("ok",), severities=(("values", "fail"),))
    jobs = guarded({JOB.target: JOB}, {JOB.target: replace(PLAIN, columns=(*columns(0)[:4], status, columns(0)[5]))})
    lake.put_by_spark("raw.t", [(1, "1", "-5", "0,10", 'x"}] y', 1)], SCHEMA)
    outcome = run_tables(lake.world, jobs)
    assert outcome.exit_code == 3
    assert "fails values of day='x\"}] y'. Nothing was written" in str(outcome.error), outcome.error


def test_a_row_that_changes_where_the_map_does_not_look_is_no_new_bad_row(lake):
    jobs = guarded({JOB.target: replace(JOB, map=short)}, {JOB.target: replace(PLAIN, columns=columns(0)[:2])})
    lake.put_by_spark("raw.t", [(1, str(at) if at > 15 else "x", "1", None, None, at) for at in range(100)], SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    lake.spark.sql(f"update delta.`{lake.uri('raw.t')}` set n = '2' where k = 'x'")
    assert run_tables(lake.world, jobs).exit_code == 0
    lake.put_by_spark("raw.t", [(1, "y", "1", None, None, 1000 + at) for at in range(11)], SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 3


def short(rows):
    return rows.select("history", "k", "at")


def test_where_makes_keys_anew_behind_a_door(lake):
    jobs = guarded({JOB.target: JOB}, {JOB.target: PLAIN})
    lake.put_by_spark("raw.t", [(1, "1", "5", "0,10", None, 1), (1, "2", "y", "0,10", None, 2)], SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    outcome = run_tables(lake.world, jobs, ["silver.t"], where="k = 1")
    assert outcome.exit_code == 0
    assert [(run.target, run.plan) for run in outcome.runs] == [
        ("silver.t_quarantine", "nothing"), ("silver.t", "rebuild")
    ]  # fmt: skip
    assert lake.rows("silver.t", "k", "n") == [(1, 5)]


def test_names_of_quarantines_are_kept_free():
    other = Job(source="raw.t", target="silver.t_quarantine")
    with pytest.raises(UsageError, match="silver.t_quarantine: a job of yours makes it"):
        guarded({JOB.target: JOB, other.target: other}, {JOB.target: PLAIN})
    long = replace(JOB, target=f"silver.{'t' * 60}")
    with pytest.raises(UsageError, match="too long for a table's name"):
        guarded({long.target: long}, {long.target: replace(PLAIN, table=long.target)})


def test_a_rule_of_what_the_reduce_makes_is_refused(lake):
    lake.put_by_spark("raw.t", [(1, "1", "5", "0,10", None, 1)], SCHEMA)
    job = Job(source="raw.t", key=["k"], reduce={"rows": Count()}, target="gold.t")
    terms = (ColumnTerms("k", "string", "string"), ColumnTerms("rows", "integer", "bigint", minimum=Bound(1)))
    outcome = run_tables(lake.world, guarded({"gold.t": job}, {"gold.t": Contract("gold.t", terms)}))
    assert 'gold.t: its contract has the rule minimum of column "rows"' in str(outcome.error)
    rule = Contract("gold.t", (terms[0], replace(terms[1], minimum=None)), row_rules=(RowRule("some", "rows > 0"),))
    with pytest.raises(UsageError, match=r"gold\.t: by the rule some of its contract no row of its map can be judged"):
        guarded({"gold.t": job}, {"gold.t": rule})
