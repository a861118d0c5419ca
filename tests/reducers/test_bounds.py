"""What is kept of a key is bounded, and past the bound a key is as right as within it."""

from decimal import Decimal

import pytest
from algebra import middle, top, values

from lakemill import CollectSet, CountDistinct, Job, Median, Min, Mode, Sum, TopK
from lakemill.reducers.bag import BOUND, BYTES

SCHEMA = "k string, n int, t string"
REDUCE = {
    "least": Min("n"),
    "numbers": CountDistinct("n"),
    "texts": CountDistinct("t"),
    "middle": Median("n"),
    "top": TopK(2, by="n", keep=["t"]),
}
JOB = Job(source="raw.rows", key=["k"], reduce=REDUCE, target="gold.rows")
LONG = BYTES // 3
"""The length of a text of which two fit, and three with their counts do not."""


def expected(rows: list[tuple]) -> list[tuple]:
    named = [dict(zip(("k", "n", "t"), row, strict=True)) for row in rows]
    found = []
    for key in sorted({row["k"] for row in named}):
        of = [row for row in named if row["k"] == key]
        n = [Decimal(one) for one in values(of, "n")]
        found.append((key, min(n), len(set(n)), len(set(values(of, "t"))), middle(n), top(of, 2, "n", "t")))
    return found


@pytest.fixture
def table(lake):
    """Keys of few values, of more than are kept, of too long ones for all, and with one too long by itself."""
    rows = [("few", n, "x") for n in range(5)]
    rows += [("many", n, None) for n in range(BOUND + 44)]
    rows += [("long", n, chr(97 + n) * LONG) for n in range(5)]
    rows += [("giant", n, "g" * (BYTES + 1) if n < 2 else "z") for n in (0, 1, 2, 3, 4, 9)]
    lake.put("raw.rows", rows, SCHEMA)
    lake.run(JOB)
    return lake


def test_past_the_bound_a_removal_recomputes_and_below_it_subtracts_again(table):
    def removed(where: str) -> int | None:
        """How many of the four keys a removal recomputes."""
        table.delta("raw.rows").delete(where)
        run = table.run(JOB)
        assert (run.plan, run.keys_touched) == ("update", 4)
        assert table.rows("gold.rows") == expected([tuple(row) for row in table.frame("raw.rows").collect()])
        states_fit(table)
        return run.keys_recomputed

    assert removed("n = 0") == 4, "a rebuild keeps the extreme alone"
    assert removed("n = 1") == 3, "few values are all kept; many numbers and long texts are not"
    table.put("raw.rows", [("few", 9, "y"), ("many", -1, "y"), ("long", 9, None)], SCHEMA)
    assert removed("n = 2") == 2
    assert removed("n in (3, 9) or k = 'many' and n > 200") == 1, "two long texts are kept again"
    assert removed("n in (4, 100)") == 0, "the numbers that were left, too"
    assert table.differences(JOB) == []


def states_fit(lake) -> None:
    """No more than the bounds, but for the rows that TopK shows."""
    kept = lake.frame("gold.rows").select("_state.*").collect()
    for state in kept:
        for name, bag in state.asDict(recursive=True).items():
            if isinstance(bag, dict):
                assert len(bag["kept"]) <= BOUND, name
                said = [str(entry["value"]).encode() for entry in bag["kept"]]
                assert sum(len(text) + 8 for text in said) <= BYTES or len(said) < 2, name


@pytest.mark.parametrize("nothing", [[], [None, None]], ids=["whole", "with NULLs"])
def test_a_change_of_other_columns_leaves_what_is_past_the_bound_as_it_is(lake, nothing):
    reduce = {"numbers": CountDistinct("n"), "middle": Median("n"), "mode": Mode("n"), "set": CollectSet("n")}
    job = Job(source="raw.rows", key=["k"], reduce={**reduce, "x": Sum("x")}, target="gold.rows")
    many, nulls = BOUND + 44, len(nothing)
    lake.put("raw.rows", [(k, n, 1) for k in "ab" for n in [*range(many), *nothing]], "k string, n int, x int")
    lake.run(job)
    lake.delta("raw.rows").update("k = 'a' and n = 7", {"x": "5"})
    assert lake.run(job).plan == "update"
    right = [many, Decimal(many - 1) / 2, 0, list(range(many))]
    assert lake.rows("gold.rows") == [("a", *right, many + nulls + 4), ("b", *right, many + nulls)]
    lake.delta("raw.rows").delete("k = 'a'")
    assert lake.run(job).plan == "update"
    assert lake.rows("gold.rows") == [("b", *right, many + nulls)]
