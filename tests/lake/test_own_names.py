"""A user's own columns may have the names that lakemill has for itself: they are kept, or refused by name."""

import pytest
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from lakemill import Job, Latest, Sum
from lakemill.errors import UsageError
from lakemill.maps.check import check_job
from lakemill.maps.names import BESIDE_ROWS, OWN

NAMES = [*sorted(OWN - BESIDE_ROWS - {"_state"}), "_best_x", "_sum_x", "_distinct_x", "_entries_x", "_value_x"]


def whole(lake, table: str) -> list[tuple]:
    """The table's rows in all its columns, whatever they are called."""
    return sorted(tuple(row) for row in lake.frame(table).collect())


def test_a_users_own_state_is_kept_and_lakemills_is_not_shown(lake):
    schema = "id int, _state struct<now: string>, n int"
    lake.put("raw.devices", [(1, ("on",), 1), (2, ("off",), 2)], schema)
    copy = Job(source="raw.devices", target="gold.copy")
    again = Job(source="gold.copy", target="gold.again")
    states = Job(source="raw.devices", map=lambda rows: rows.select(F.col("_state.now").alias("now"), "n"),
                 key=["now"], reduce={"n": Sum("n")}, target="gold.states")  # fmt: skip
    shown = Job(source="gold.states", target="gold.shown")
    for job in (copy, again, states, shown):
        lake.run(job)
    assert [tuple(row) for row in lake.frame("gold.again").orderBy("id").collect()] == [
        (1, ("on",), 1),
        (2, ("off",), 2),
    ]
    assert lake.frame("gold.states").columns == ["now", "n", "_state"]
    assert lake.rows("gold.shown") == [("off", 2), ("on", 1)] and lake.frame("gold.shown").columns == ["now", "n"]
    lake.put("raw.devices", [(3, ("up",), 3)], schema)
    assert [lake.run(job).plan for job in (copy, again, states, shown)] == ["update"] * 4
    lake.delta("raw.devices").delete("id = 2")
    assert lake.run(copy).reason == lake.run(again).reason == "UPDATE"
    assert [tuple(row) for row in lake.frame("gold.again").orderBy("id").collect()] == [
        (1, ("on",), 1),
        (3, ("up",), 3),
    ]
    assert [lake.differences(job) for job in (again, states)] == [[], []]
    newest = Job(source="raw.devices", key=["id"], reduce=Latest(by=["n"]), target="gold.newest")
    with pytest.raises(UsageError, match='gives "_state", which is lakemill\'s own'):
        lake.run(newest)


def test_other_names_of_lakemills_are_kept_in_copies_and_read_by_maps(lake):
    """All values are small whole numbers, as doubles, so that sums of them are exact."""
    schema = ", ".join(["shop string", *[f"{name} double" for name in NAMES]])

    def row(shop: str, first: float) -> tuple:
        return (shop, *[first + at for at in range(len(NAMES))])

    def total(one: DataFrame, other: DataFrame) -> DataFrame:
        both = one.join(other.select("shop", F.col("_count").alias("other")), "shop")
        return both.select("shop", (sum(F.col(name) for name in NAMES) + F.col("other")).cast("bigint").alias("n"))

    copy = Job(source="raw.one", target="gold.copy")
    joined = Job(source=["raw.one", "raw.other"], map=total, key=["shop"], reduce={"n": Sum("n")}, target="gold.joined")
    for name in joined.sources:
        lake.put(name, [row("a", 1.0), row("b", 5.0)], schema)
    for job in (copy, joined):
        lake.run(job)
    for name in joined.sources:
        lake.put(name, [row("a", 7.0)], schema)
        lake.delta(name).delete("shop = 'b'")
    assert [lake.run(job).plan for job in (copy, joined)] == ["rebuild", "update"]
    assert lake.rows("gold.copy") == [row("a", 1.0), row("a", 7.0)]
    at = 1 + NAMES.index("_count")
    pairs = [(one, other) for one in (row("a", 1.0), row("a", 7.0)) for other in (row("a", 1.0), row("a", 7.0))]
    assert lake.rows("gold.joined") == [("a", int(sum(sum(one[1:]) + other[at] for one, other in pairs)))]
    assert [lake.differences(job) for job in (copy, joined)] == [[], []]


@pytest.mark.parametrize("name", ["_weight", "_WEIGHT", "_value_0", "_value_of_12", *sorted(BESIDE_ROWS)])
def test_names_that_stand_beside_the_rows_are_refused(spark, name):
    job = Job(source="raw.rows", target="gold.copy")
    with pytest.raises(UsageError, match=f'"{name}", which is lakemill\'s own'):
        check_job(spark, job, {"raw.rows": StructType([StructField(name, IntegerType())])})
