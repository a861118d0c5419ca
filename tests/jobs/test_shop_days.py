"""The shop's lakehouse day by day: every table equals the oracle's, whatever the team delivers."""

from datetime import date, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable
from shop import Shop
from shop_oracle import Oracle, ordered as in_order

from lakemill.conf import load_conf
from lakemill.graph import ordered
from lakemill.observe.runs import LEDGER
from lakemill.quality.checks import Offending, is_check
from lakemill.quality.doors import ASIDE, guarded_jobs
from lakemill.runner import run_tables
from lakemill.verify import verify

JOBS = guarded_jobs(load_conf(Path(__file__).resolve().parents[2]))
# The 27th's sales come on the 29th, the 28th's again on the 30th. The promotions of the week of the 25th come on the
# 27th and are corrected on the 29th, when products and households change, too.
DELIVERIES = [
    (date(2017, 12, 1), date(2017, 12, 24)),
    (date(2017, 12, 25), date(2017, 12, 28)),
    (date(2017, 12, 29), date(2017, 12, 30)),
]
OF_EVERY_KIND = ("bronze.sales", "silver.sales", "silver.products_history", "gold.promoted_sales")
"""Appended from dumps, newest, by a function, and reduced over a join of four."""


@pytest.fixture(scope="module")
def shop():
    return Shop(households=12)


def test_every_table_is_right_after_every_delivery(lake, shop):
    landing, oracle = lake.root / "landing", None
    for at, (first, last) in enumerate(DELIVERIES):
        shop.deliver(landing, first, last)
        outcome = run_tables(lake.world, JOBS)
        assert outcome.exit_code == 0, outcome.error
        before, oracle = oracle, Oracle(landing)
        for run in outcome.runs:
            if run.target.endswith(ASIDE):
                assert DeltaTable(lake.uri(run.target)).count() == 0, (run.target, last)
            elif isinstance(JOBS[run.target].map, Offending):
                number = DeltaTable(lake.uri(run.target)).count()
                assert number == oracle.offenders(run.target), (run.target, last)
            elif not is_check(JOBS[run.target]):
                assert _rows(lake, run.target, oracle) == oracle.rows(run.target), (run.target, last)
        plans = {run.target: (run.plan, run.reason) for run in outcome.runs}
        if at:
            assert plans["silver.sales"] == plans["silver.baskets"] == plans["gold.daily_sales"] == ("update", "UPDATE")
            assert plans["gold.household_value"] == plans["gold.department_sales"] == ("update", "UPDATE")
            assert plans["gold.promoted_sales"] == ("update", "UPDATE")
            for name in ("products", "households"):
                plan = [("nothing", "NOTHING_NEW"), ("update", "UPDATE")][at - 1]
                assert plans[f"bronze.{name}"] == plans[f"silver.{name}"] == plans[f"silver.{name}_history"] == plan
    _old_facts_moved(before, oracle)
    _nothing_new_writes_nothing(lake)
    for name in OF_EVERY_KIND:
        assert verify(lake.world, JOBS[name]).equal
    _the_ledger_adds_up(lake)


def _old_facts_moved(before: Oracle, now: Oracle) -> None:
    """What the last delivery must do to promoted sales of the weeks before, or the tables were too easy to get right.

    A product changed its department, a household its income, and a promotion that had sales was withdrawn.
    """
    moved = set(before.rows("gold.promoted_sales")) - set(now.rows("gold.promoted_sales"))
    old = [dict(zip(now.columns("gold.promoted_sales"), row, strict=True)) for row in moved]
    assert all(row["week"] < date(2017, 12, 25) for row in old) and len({row["week"] for row in old}) == 2
    for table, key, value in (("products", "product_id", "department"), ("households", "household_id", "income")):
        changed = now.db.execute(
            f"""select distinct h.{value} from "silver.{table}_history" h join "silver.{table}" n using ({key})
                join "silver.sales" using ({key}) where not is_current and h.{value} is distinct from n.{value}"""
        ).fetchall()
        assert {row[value] for row in old} & {row[0] for row in changed}, value
    assert now.db.execute(
        """select count(*) from "silver.sales" join "silver.promotions" p using (product_id, store_id, week)
           where p.withdrawn"""
    ).fetchone() > (0,)


def _nothing_new_writes_nothing(lake) -> None:
    tables = [*JOBS, LEDGER]
    versions = [lake.log(name).version for name in tables]
    outcome = run_tables(lake.world, JOBS)
    assert {run.plan for run in outcome.runs} == {"nothing"}
    assert [lake.log(name).version for name in tables] == versions


def _rows(lake, name: str, oracle: Oracle) -> list[tuple]:
    """Every row, sorted, as a reader that is not Spark finds it."""
    columns = oracle.columns(name)
    rows = DeltaTable(lake.uri(name)).to_pyarrow_table(columns=columns).to_pylist()
    return in_order([tuple(_naive(row[column]) for column in columns) for row in rows])


def _naive(value):
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _the_ledger_adds_up(lake) -> None:
    runs = lake.frame(LEDGER).collect()
    assert len({run.run_id for run in runs}) == len(DELIVERIES) == lake.log(LEDGER).version + 1
    assert {run.target for run in runs} == set(JOBS)
    for run in runs:
        assert run.status == "done" and run.seconds > 0 and run.spark_jobs > 0 and run.rows_in > 0
        assert run.version is not None and run.stages["write"] > 0
        assert run.rows_quarantined in (None, 0) and run.rows_judged == run.rows_good
        assert (run.rows_judged is None) == (run.target.startswith(("bronze.", "checks.", "gold.")))


def test_the_tables_are_in_order():
    order = ordered(JOBS)
    assert order.index("bronze.sales") < order.index("silver.sales") < order.index("silver.baskets")
    assert order.index("silver.products") < order.index("gold.department_sales")
    assert order.index("silver.promotions") < order.index("gold.promoted_sales")


def test_a_withdrawal_outlives_an_older_dump_that_comes_late(lake):
    """silver keeps the withdrawn line, so that the older version of it cannot come back."""
    lines = "basket_id string, line string, household_id string, store_id string, product_id string, quantity string, "
    money = "amount string, retail_discount string, coupon_discount string, coupon_match_discount string, "
    schema = (
        lines
        + money
        + (
            "sold_at string, withdrawn string, remark string, dump_date date, dump_id string, file_name string, "
            "line_number bigint"
        )
    )

    def line(day: int, amount: str, withdrawn: str) -> tuple:
        told = (
            "1",
            "1",
            "7",
            "3",
            "9",
            "1",
            amount,
            "0.00",
            "0.00",
            "0.00",
            "2017-01-01T10:00:00-05:00",
            withdrawn,
            "",
        )
        return (*told, date(2017, 1, day), f"d{day}", "f", 2)

    silver, gold = JOBS["silver.sales"], JOBS["gold.daily_sales"]
    for delivered, revenue in (((1, "5.00", "false"), 5), ((3, "5.00", "true"), None), ((2, "4.00", "false"), None)):
        lake.put("bronze.sales", [line(*delivered)], schema)
        lake.run(silver)
        lake.run(gold)
        assert [row[0] for row in lake.rows("gold.daily_sales", "revenue")] == ([revenue] if revenue else [])
    assert lake.rows("silver.sales", "withdrawn", "dump_id") == [(True, "d3")]
    lake.put("bronze.sales", [line(4, "6.00", "false")], schema)
    lake.run(silver)
    lake.run(gold)
    assert [row[0] for row in lake.rows("gold.daily_sales", "revenue")] == [6]
    assert lake.differences(silver) == [] == lake.differences(gold)
