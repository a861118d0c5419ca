"""Behind a front door joins, and functions of a key's rows, are kept by update, too: against plain Python."""

import random
from collections import defaultdict
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from lakemill import Count, Job, Max, PerKey, Sum
from lakemill.contracts.contract import Bound, ColumnTerms, Contract
from lakemill.contracts.rules import RowRule
from lakemill.quality.doors import guarded
from lakemill.runner import run_tables
from lakemill.verify import verify

FACTS, PLACES = "history int, at int, place string, amount string", "history int, place string, region string"
TERMS = (
    ColumnTerms("history", "integer", "int"),
    ColumnTerms("region", "string", "string", required=True, values=("north", "south")),
    ColumnTerms("value", "number", "decimal(10,2)", minimum=Bound(0)),
)
RULE = RowRule("north_is_dear", "region <> 'north' or value >= 1")


def met(facts, places):
    rows = facts.join(places, ["history", "place"])
    return rows.select("history", "region", facts.amount.alias("value"), "at")


REDUCED = {"rows": Count(), "total": Sum("value"), "most": Max("value"), "last": Max("at")}
JOINED = Job(source=["raw.facts", "raw.places"], map=met, key=["history", "region"], reduce=REDUCED, target="gold.sums")


def judged(region: str | None, amount: str | None) -> Decimal | str | None:
    """The value of a joined row, or why it is put aside."""
    if amount is not None and amount not in ("0.50", "2.00", "7.25", "-1.00"):
        return "type"
    value = None if amount is None else Decimal(amount)
    if region not in ("north", "south"):
        return "required" if region is None else "values"
    if value is not None and value < 0:
        return "minimum"
    if region == "north" and (value is None or value < 1):
        return "north_is_dear"
    return value


def joined(lake) -> list[tuple]:
    places = [tuple(row) for row in lake.frame("raw.places").collect()]
    return [
        (history, region, amount, at)
        for history, at, place, amount in map(tuple, lake.frame("raw.facts").collect())
        for own, named, region in places
        if (own, named) == (history, place)
    ]


def expected(rows: list[tuple]) -> tuple[list[tuple], int]:
    """The target, and how many rows wait in quarantine."""
    groups, aside = defaultdict(list), 0
    for history, region, amount, at in rows:
        value = judged(region, amount)
        if isinstance(value, str):
            aside += 1
        else:
            groups[history, region].append((value, at))
    return [
        (
            *key, len(group), sum(values) if values else None, max(values, default=None), max(at for _, at in group)
        )
        for key, group in groups.items()
        if (values := [value for value, _ in group if value is not None]) or True
    ], aside  # fmt: skip


def in_order(rows):
    return sorted(map(tuple, rows), key=lambda row: [(value is not None, str(value)) for value in row])


@pytest.mark.parametrize("seed", [5])
def test_a_join_behind_a_door_is_kept_by_update_whichever_side_changes(lake, seed):
    print("seed", seed)
    rng, histories = random.Random(seed), 200
    terms = (*TERMS, *(ColumnTerms(name, "integer", "bigint") for name in ("rows", "last")))
    jobs = guarded({JOINED.target: JOINED}, {
        JOINED.target: Contract("gold.sums", terms, row_rules=(RULE,), most_quarantined=100)
    })  # fmt: skip
    regions, amounts = ["north", "south", "east", None], ["0.50", "2.00", "7.25", "-1.00", "1.234", "x", None]
    lake.put_by_spark("raw.places", [(h, p, rng.choice(regions)) for h in range(histories) for p in ("a", "b")], PLACES)
    facts, places = (f"delta.`{lake.uri(name)}`" for name in ("raw.facts", "raw.places"))
    for step in range(4):
        if step != 2:  # then the other side changes alone
            rows = [
                (h, step * 1000 + at, rng.choice("abc"), rng.choice(amounts))
                for h in range(histories) for at in range(rng.randint(0, 2))
            ]  # fmt: skip
            lake.put_by_spark("raw.facts", rows, FACTS)
        if step >= 2:
            lake.spark.sql(
                f"update {places} set region = '{rng.choice(['north', 'west'])}' where history % 3 = {step % 3}"
            )
        if step == 3:
            lake.spark.sql(f"delete from {facts} where (history + at) % 4 = 1")
            lake.spark.sql(f"update {facts} set amount = '2.00' where amount = 'x' and history % 2 = 0")
        outcome = run_tables(lake.world, jobs)
        assert outcome.exit_code == 0, outcome.error
        assert {run.plan for run in outcome.runs} == {"update" if step else "rebuild"}, [
            run.reason for run in outcome.runs
        ]
        target, aside = expected(joined(lake))
        columns = ("history", "region", "rows", "total", "most", "last")
        assert in_order(lake.rows("gold.sums", *columns)) == in_order(target), step
        assert lake.frame("gold.sums_quarantine").count() == aside, step
    assert all(verify(lake.world, job).equal for job in jobs.values())


def largest(rows):
    return rows.groupBy("history").agg(F.count(F.lit(1)).cast("int").alias("rows"), F.max("value").alias("value"))


def test_a_function_of_a_keys_rows_sees_good_rows_alone(lake):
    job = Job(source="raw.facts", map=with_value, key=["history"], reduce=PerKey(largest), target="gold.largest")
    terms = (TERMS[0], TERMS[2], ColumnTerms("rows", "integer", "int"))
    jobs = guarded({job.target: job}, {job.target: Contract("gold.largest", terms, most_quarantined=100)})
    lake.put_by_spark("raw.facts", [(1, 1, "a", "2.00"), (1, 2, "a", "x"), (2, 3, "a", "-1.00")], FACTS)
    outcome = run_tables(lake.world, jobs)
    assert outcome.exit_code == 0, outcome.error
    assert lake.rows("gold.largest", "history", "rows", "value") == [(1, 1, Decimal("2.00"))]
    lake.spark.sql(f"update delta.`{lake.uri('raw.facts')}` set amount = '7.25' where at >= 2")
    outcome = run_tables(lake.world, jobs)
    assert [run.plan for run in outcome.runs] == ["update", "update"]
    assert lake.rows("gold.largest", "history", "rows", "value") == [(1, 2, Decimal("7.25")), (2, 1, Decimal("7.25"))]
    assert lake.frame("gold.largest_quarantine").count() == 0
    assert all(verify(lake.world, job).equal for job in jobs.values())


def with_value(facts):
    return facts.select("history", facts.amount.alias("value"))
