"""Columns may have the names that lakemill uses within its own values, and names that Delta takes in no state."""

from lakemill import CollectSet, Count, Job, Latest, Max, Sum, TopK
from lakemill.lake.tables import Table

SCHEMA = "count string, value int, kept int, floor int, high double, middle int"


def clashing() -> Job:
    reduce = {
        "most": Max("value"),
        "set": CollectSet("kept"),
        "top": TopK(2, by="floor", keep=["value"]),
        "sum": Sum("high", exact=True),
        "rows": Count(),
    }
    return Job(source="raw.rows", key=["count", "middle"], reduce=reduce, target="gold.rows")


def test_names_of_lakemills_own_fields(lake):
    lake.put("raw.rows", [("a", 1, 2, 3, 0.1, 0), ("a", 5, 2, 4, 0.2, 0), ("b", None, 1, 1, 1.5, 1)], SCHEMA)
    job = clashing()
    lake.run(job)
    lake.delta("raw.rows").delete("value = 5")
    lake.put("raw.rows", [("b", 7, 9, 2, 1e300, 1)], SCHEMA)
    assert lake.run(job, "update").plan == "update"
    wanted = [("a", 0, 1, [2], [(3, 1)], 0.1, 1), ("b", 1, 7, [1, 9], [(2, 7), (1, None)], 1e300, 2)]
    assert lake.rows("gold.rows") == wanted
    assert lake.differences(job) == []
    lake.run(job, "rebuild")
    assert lake.rows("gold.rows") == wanted


def test_a_table_is_made_anew_whatever_its_key_is_called(lake):
    lake.put("raw.rows", [("a", 1, 2, 3, 0.1, 0)], SCHEMA)
    job = Job(source="raw.rows", key=["count"], reduce=Latest(by="value"), target="gold.rows")
    lake.run(job)
    assert lake.run(job, "rebuild").plan == "rebuild"
    table: Table = lake.world.lake.table("gold.rows")
    assert table.has_one_row_a(["count"])


def test_a_name_that_delta_does_not_take_in_a_state(lake):
    def priced(rows):
        return rows.withColumnsRenamed({"value": "unit price", "kept": "unit%price (net)"})

    reduce = {"sum": Sum("unit price"), "net": Sum("unit%price (net)"), "set": CollectSet("unit price")}
    job = Job(source="raw.rows", map=priced, key=["count"], reduce=reduce, target="gold.rows")
    lake.put("raw.rows", [("a", 1, 2, 3, 0.1, 0), ("a", 5, 3, 4, 0.2, 0)], SCHEMA)
    lake.run(job)
    lake.put("raw.rows", [("a", 7, None, 4, 0.2, 0)], SCHEMA)
    assert lake.run(job, "update").plan == "update"
    assert lake.rows("gold.rows") == [("a", 13, 5, [1, 5, 7])]
    assert lake.differences(job) == []
