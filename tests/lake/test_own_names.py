"""A user's own columns may have the names that lakemill has for itself: they are kept, or refused by name."""

import pytest
from pyspark.sql import functions as F

from lakemill import Count, Job, Latest, Max, Sum
from lakemill.errors import UsageError
from lakemill.maps.names import BESIDE_ROWS, OWN
from lakemill.refresh import prepare

NAMES = [*sorted(OWN - BESIDE_ROWS - {"_state"}), "_best_x", "_sum_x", "_distinct_x", "_entries_x", "_value_x"]


def test_a_users_own_state_is_kept_and_lakemills_is_not_shown(lake):
    lake.put("raw.devices", [(1, ("on",), 1), (2, ("off",), 2)], "id int, _state struct<now: string>, n int")
    copy = Job(source="raw.devices", target="gold.copy")
    again = Job(source="gold.copy", target="gold.again")
    states = Job(source="raw.devices", map=lambda rows: rows.select(F.col("_state.now").alias("now")), key=["now"],
                 reduce={"most": Max("now")}, target="gold.states")  # fmt: skip
    numbers = Job(source="raw.devices", key=["id"], reduce={"n": Sum("n")}, target="gold.numbers")
    shown = Job(source="gold.numbers", target="gold.shown")
    jobs = (copy, again, states, numbers, shown)

    def right(plan: str, now: dict[int, str]) -> None:
        for job in jobs:
            assert lake.run(job).plan == plan, job.target
        rows = sorted((number, (state,), number) for number, state in now.items())
        for table in ("gold.copy", "gold.again"):
            assert sorted(tuple(row) for row in lake.frame(table).collect()) == rows
        assert lake.rows("gold.states") == sorted((state, state) for state in set(now.values()))
        assert lake.frame("gold.numbers").columns == ["id", "n", "_state"]
        assert lake.frame("gold.shown").columns == ["id", "n"]
        assert all(lake.differences(job) == [] for job in jobs)

    right("rebuild", {1: "on", 2: "off"})
    lake.put("raw.devices", [(3, ("on",), 3)], "id int, _state struct<now: string>, n int")
    right("update", {1: "on", 2: "off", 3: "on"})
    lake.delta("raw.devices").delete("id = 2")
    for job in (copy, again):
        assert lake.run(job).reason == "SOURCE_REMOVED_ROWS"
    assert sorted(row[0] for row in lake.frame("gold.again").collect()) == [1, 3]
    newest = Job(source="raw.devices", key=["id"], reduce=Latest(by=["n"]), target="gold.newest")
    with pytest.raises(UsageError, match='gives "_state", which is lakemill\'s own'):
        lake.run(newest)


def test_other_names_of_lakemills_are_kept_in_copies_and_read_by_maps(lake):
    schema = ", ".join(["shop string", *[f"{name} double" for name in NAMES]])

    def row(shop: str, number: float) -> tuple:
        return (shop, *[number + at for at in range(len(NAMES))])

    def read(one, other):
        return one.join(other.select("shop", F.col("_count").alias("other")), "shop").select(
            "shop", *[F.col(name).cast("bigint").alias(f"n{at}") for at, name in enumerate(NAMES)], "other"
        )

    sources = ["raw.one", "raw.other"]
    copy = Job(source="raw.one", target="gold.copy")
    joined = Job(source=sources, map=read, key=["shop"], target="gold.joined", reduce={
        "c": Count(), **{f"n{at}": Sum(f"n{at}") for at in range(len(NAMES))}})  # fmt: skip
    for name in sources:
        lake.put(name, [row("a", 1.0), row("b", 5.0)], schema)
    for job in (copy, joined):
        lake.run(job)
    for name in sources:
        lake.put(name, [row("a", 7.0)], schema)
        lake.delta(name).update("shop = 'b'", {"_count": F.lit(2.0)})
    for job, plan in ((copy, "rebuild"), (joined, "update")):
        assert lake.run(job).plan == plan
        assert lake.differences(job) == []
    at = NAMES.index("_count")
    rows = [row("a", 1.0), row("a", 7.0), row("b", 5.0)]
    rows[2] = (*rows[2][: at + 1], 2.0, *rows[2][at + 2 :])
    assert lake.rows("gold.copy") == sorted(rows)
    sums = [int(sum(2 * r[1 + place] for r in rows[:2])) for place in range(len(NAMES))]
    assert lake.rows("gold.joined")[0] == ("a", 4, *sums)


@pytest.mark.parametrize("name", ["_weight", "_WEIGHT", "_value_0", "_value_of_12"])
def test_a_source_with_a_name_that_stands_beside_its_columns_is_refused(lake, name):
    lake.put("raw.rows", [(1,)], f"`{name}` int")
    with pytest.raises(UsageError, match=f'raw.rows has a column "{name}", which is lakemill\'s own'):
        prepare(lake.world, Job(source="raw.rows", target="gold.copy"), "auto")


def test_a_copy_with_a_name_that_stands_beside_its_rows_is_refused(lake):
    for at, name in enumerate(sorted(BESIDE_ROWS - {"_weight"})):
        lake.put(f"raw.rows{at}", [(1,)], f"{name} int")
        with pytest.raises(UsageError, match=f'gives "{name}", which is lakemill\'s own column'):
            prepare(lake.world, Job(source=f"raw.rows{at}", target="gold.copy"), "auto")
