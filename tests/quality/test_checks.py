"""Rules of tables: their offenders after any change, against plain Python; what they hold back, and when no longer."""

import random
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from lakemill import Count, Job, Latest
from lakemill.contracts.contract import ColumnTerms, Contract
from lakemill.contracts.rules import Measure, Reference, RowCount, TableRule, Totals, Unique
from lakemill.errors import UsageError
from lakemill.graph import ordered, select
from lakemill.quality.checks import is_check
from lakemill.quality.doors import guarded
from lakemill.runner import run_tables
from lakemill.verify import verify

SCHEMA = "history int, k int, parent int, amount decimal(10,2), at int"
PARENTS = "history int, id int"
COLUMNS = (
    *(ColumnTerms(name, "integer", "int") for name in ("history", "k", "parent")),
    ColumnTerms("amount", "number", "decimal(10,2)"),
    ColumnTerms("at", "integer", "int"),
)
MEASURES = (
    Measure("lines", "count"), Measure("total", "sum", "amount"), Measure("most", "max", "k"),
    Measure("kinds", "distinct", "k"),
)  # fmt: skip
RULES = (
    TableRule("one_a_key", Unique(("history", "k"))),
    TableRule("parent_is_there", Reference(("history", "parent"), "raw.p", ("history", "id"))),
    TableRule("sane", Totals(MEASURES[:2], by=("history",), valid="lines < 7 and total >= 0")),
    TableRule("as_counted", Totals(MEASURES, by=("history",), table="raw.copy", others=MEASURES)),
    TableRule("some", RowCount(1, 900)),
)
JOB = Job(source="raw.t", target="silver.t")


def rows_of(rng: random.Random, histories: int, step: int) -> list[tuple]:
    of_each = [history for history in range(histories) for _ in range(rng.randint(0, 3))]
    return [
        (history, rng.choice([1, 2, 3, 4, None]), rng.choice([1, 2, 3, None]),
         rng.choice([Decimal("1.50"), Decimal("0.00"), Decimal("-2.25"), None]), step * 100_000 + place)
        for place, history in enumerate(of_each)
    ]  # fmt: skip


def altered(lake, rng: random.Random, step: int) -> None:
    """Rows of all three tables are changed and withdrawn; the copy follows the table in part only."""
    table, parents, copy = (f"delta.`{lake.uri(name)}`" for name in ("raw.t", "raw.p", "raw.copy"))
    share = rng.randint(0, 4)
    lake.spark.sql(f"delete from {table} where (at + {step}) % 11 = {share}")
    lake.spark.sql(f"update {table} set k = {rng.randint(1, 4)}, amount = 3 where (at + {step}) % 7 = {share}")
    lake.spark.sql(f"delete from {copy} where (at + {step}) % 11 = {share} and history % 2 = 0")
    lake.spark.sql(f"update {parents} set id = {rng.randint(1, 3)} where (history + {step}) % 5 = {share}")


def measured(rows: list[tuple]) -> dict[int, tuple]:
    """By history: lines, total, most, kinds."""
    groups = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return {
        history: (
            len(group),
            sum(amounts) if (amounts := [row[3] for row in group if row[3] is not None]) else None,
            max((row[1] for row in group if row[1] is not None), default=None),
            len({row[1] for row in group if row[1] is not None}),
        )
        for history, group in groups.items()
    }


def expected(rows: list[tuple], parents: list[tuple], copy: list[tuple]) -> dict[str, list[tuple]]:
    """The offenders of each rule."""
    keys = Counter(row[:2] for row in rows if row[1] is not None)
    referring = Counter((row[0], row[2]) for row in rows if row[2] is not None)
    own, other = measured(rows), measured(copy)
    nothing = (0, None, None, 0)
    return {
        "one_a_key": [(*key, times) for key, times in keys.items() if times > 1],
        "parent_is_there": [(*key, times, 0) for key, times in referring.items() if key not in set(parents)],
        "sane": [
            (history, lines, total)
            for history, (lines, total, _, _) in own.items()
            if not (lines < 7 and total is not None and total >= 0)
        ],
        "as_counted": [
            (history, *[value for pair in zip(own.get(history, nothing), other.get(history, nothing), strict=True)
                        for value in pair])
            for history in own.keys() | other.keys()
            if own.get(history, nothing) != other.get(history, nothing)
        ],
        "some": [(len(rows),)] if len(rows) > 900 else [],
    }  # fmt: skip


def in_order(rows) -> list[tuple]:
    return sorted(map(tuple, rows), key=lambda row: [(value is not None, str(value)) for value in row])


@pytest.mark.parametrize("seed", [11])
def test_offenders_equal_a_recompute_after_any_change(lake, seed):
    """300 histories side by side, as a column of every group."""
    print("seed", seed)
    rng, histories = random.Random(seed), 300
    jobs = guarded({JOB.target: JOB}, {JOB.target: Contract("silver.t", COLUMNS, own_table_rules=RULES)})
    lake.put_by_spark("raw.p", [(history, rng.randint(1, 3)) for history in range(histories)], PARENTS)
    for step in range(3):
        rows = rows_of(rng, histories, step)
        for table in ("raw.t", "raw.copy"):
            lake.put_by_spark(table, rows, SCHEMA)
        if step:
            altered(lake, rng, step)
        outcome = run_tables(lake.world, jobs)
        assert outcome.exit_code == 0, outcome.error
        plans = {run.target: run.reason for run in outcome.runs if is_check(jobs[run.target])}
        assert len(plans) == 10 and set(plans.values()) <= {"UPDATE" if step else "FIRST_RUN", "NOTHING_NEW"}, plans
        held = [[tuple(row) for row in lake.frame(name).collect()] for name in ("raw.t", "raw.p", "raw.copy")]
        for rule, offenders in expected(*held).items():
            assert in_order(lake.frame(f"checks.silver_t_{rule}").collect()) == in_order(offenders), (step, rule)
        remarks = {run.target: run.remark for run in outcome.runs}
        number = len(expected(*held)["one_a_key"])
        assert remarks["checks.silver_t_one_a_key"] == (
            f"of silver.t {number} groups of its rows break the rule one_a_key of its contract."
        )
    assert all(verify(lake.world, jobs[name]).equal for name in plans)


def contract_of(*rules: TableRule) -> dict[str, Contract]:
    return {"silver.t": Contract("silver.t", COLUMNS, own_table_rules=rules)}


READER = Job(source="silver.t", key=["history"], reduce={"rows": Count()}, target="gold.t")


def test_a_duplicate_holds_back_what_reads_the_table_until_it_goes(lake):
    """A second row of a key comes 45 days later; nothing is read whole for it."""
    rule = TableRule("one_a_key", Unique(("history", "k")), severity="fail")
    jobs = guarded({JOB.target: JOB, READER.target: READER}, contract_of(rule))
    lake.put_by_spark("raw.t", [(1, k, None, None, 0) for k in range(5)], SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    assert lake.rows("gold.t") == [(1, 5)]
    lake.put_by_spark("raw.t", [(1, 3, None, None, 45), (1, 9, None, None, 45)], SCHEMA)
    for _ in range(2):  # what holds it back is not only the run that saw it
        outcome = run_tables(lake.world, jobs)
        assert outcome.exit_code == 3
        assert "silver.t 1 group of its rows breaks the rule one_a_key" in str(outcome.error)
        ends = {run.target: (run.status, run.error) for run in outcome.runs}
        assert ends["gold.t"] == (
            "skipped", "checks.silver_t_one_a_key, which it comes after, has rows: gold.t is left as it is"
        )  # fmt: skip
        assert {status for name, (status, _) in ends.items() if name != "gold.t"} == {"done"}
        assert lake.rows("gold.t") == [(1, 5)] and lake.rows("checks.silver_t_one_a_key") == [(1, 3, 2)]
    alone = run_tables(lake.world, jobs, ["gold.t"])
    assert alone.exit_code == 3 and [run.target for run in alone.runs] == [
        "checks.silver_t_one_a_key_groups", "checks.silver_t_one_a_key", "gold.t"
    ]  # fmt: skip
    lake.spark.sql(f"delete from delta.`{lake.uri('raw.t')}` where at = 45 and k = 3")
    outcome = run_tables(lake.world, jobs)
    assert outcome.exit_code == 0, outcome.error
    assert lake.rows("gold.t") == [(1, 6)] and lake.rows("checks.silver_t_one_a_key") == []


def test_a_table_without_rows_has_too_few(lake):
    jobs = guarded({JOB.target: JOB}, contract_of(TableRule("some", RowCount(2, None), severity="fail")))
    lake.put_by_spark("raw.t", [(1, k, None, None, k) for k in range(2)], SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    lake.spark.sql(f"delete from delta.`{lake.uri('raw.t')}` where k = 0")
    assert run_tables(lake.world, jobs).exit_code == 3
    assert lake.rows("checks.silver_t_some") == [(1,)]
    lake.spark.sql(f"delete from delta.`{lake.uri('raw.t')}`")
    outcome = run_tables(lake.world, jobs)
    assert outcome.exit_code == 3 and "1 group of its rows breaks the rule some" in str(outcome.error)


def test_a_table_has_to_agree_with_what_is_made_from_it(lake):
    """The other side is measured in its own way: the rows of the table are what the other counted."""
    others = (Measure("lines", "sum", "rows"),)
    rule = TableRule("counted", Totals(MEASURES[:1], by=("history",), table="raw.counts", others=others))
    jobs = guarded({JOB.target: JOB}, contract_of(rule))
    lake.put_by_spark("raw.t", [(history, 1, None, None, 0) for history in (1, 1, 2, 3)], SCHEMA)
    lake.put_by_spark("raw.counts", [(1, 2), (2, 3), (4, 1)], "history int, rows bigint")
    assert run_tables(lake.world, jobs).exit_code == 0
    assert lake.rows("checks.silver_t_counted") == [(2, 1, 3), (3, 1, None), (4, 0, 1)]


def test_a_table_may_refer_to_itself(lake):
    rule = TableRule("parent_is_there", Reference(("parent",), "silver.t", ("k",)))
    jobs = guarded({JOB.target: JOB}, contract_of(rule))
    lake.put_by_spark("raw.t", [(1, 1, None, None, 0), (1, 2, 1, None, 0), (1, 3, 7, None, 0)], SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    assert lake.rows("checks.silver_t_parent_is_there") == [(7, 1, 0)]
    lake.put_by_spark("raw.t", [(1, 7, 8, None, 0)], SCHEMA)
    assert run_tables(lake.world, jobs).exit_code == 0
    assert lake.rows("checks.silver_t_parent_is_there") == [(8, 1, 0)]


def test_a_check_waits_for_a_table_that_is_not_made_yet(lake):
    """It comes with its table, and the table that this refers to is not among those asked for."""
    products = Job(source="raw.p", target="silver.p")
    rule = TableRule("parent_is_there", Reference(("parent",), "silver.p", ("id",)))
    jobs = guarded({JOB.target: JOB, products.target: products}, contract_of(rule))
    lake.put_by_spark("raw.t", [(1, 1, 5, None, 0)], SCHEMA)
    lake.put_by_spark("raw.p", [(1, 4)], PARENTS)
    outcome = run_tables(lake.world, jobs, ["+silver.t"])
    assert outcome.exit_code == 0
    assert [(run.status, run.error) for run in outcome.runs] == [
        ("done", None), ("done", None),
        ("skipped", "silver.p, which it reads, is not made yet"),
        ("skipped", "checks.silver_t_parent_is_there_groups, which it reads, was skipped"),
    ]  # fmt: skip
    assert run_tables(lake.world, jobs).exit_code == 0
    assert lake.rows("checks.silver_t_parent_is_there") == [(5, 1, 0)]


def test_what_a_key_sees_to_is_not_checked_again():
    keyed = Job(source="raw.t", key=["history", "k"], reduce=Latest(by=["at"]), target="silver.t")
    unique = [
        TableRule(f"unique_{len(names)}", Unique(names)) for names in (("k",), ("history", "k"), ("history", "at", "k"))
    ]
    assert [name for name in guarded({"silver.t": keyed}, contract_of(*unique)) if name.startswith("checks.")] == [
        "checks.silver_t_unique_1_groups", "checks.silver_t_unique_1"
    ]  # fmt: skip


def test_checks_come_with_their_table_and_their_names_are_kept_free():
    jobs = guarded({JOB.target: JOB}, contract_of(RULES[0]))
    assert select(jobs, ["silver.t"]) == [
        "silver.t_quarantine", "silver.t", "checks.silver_t_one_a_key_groups", "checks.silver_t_one_a_key"
    ]  # fmt: skip
    other = Job(source="raw.t", target="checks.silver_t_one_a_key")
    with pytest.raises(UsageError, match=r"checks\.silver_t_one_a_key: a job of yours makes it"):
        guarded({JOB.target: JOB, other.target: other}, contract_of(RULES[0]))


def test_a_rule_that_holds_back_what_it_needs_is_told_as_a_circle():
    """silver.t refers to a table that is made from it, and would hold it back."""
    rule = TableRule("counted", Reference(("history",), "gold.t", ("history",)), severity="fail")
    with pytest.raises(UsageError, match="Tables read each other in a circle"):
        ordered(guarded({JOB.target: JOB, READER.target: READER}, contract_of(rule)))
