"""What `lakemill explain` says of each reducer: its class, what is kept of a key, and what a removal does."""

from pyspark.sql import functions as F

from lakemill import (
    ApproxCountDistinct,
    Count,
    CountDistinct,
    Fold,
    Job,
    Latest,
    Max,
    Median,
    PerKey,
    Sum,
    Variance,
)
from lakemill.refresh.explain import explain

TAGS = {
    "zero": 0,
    "add": lambda s, row: s + 1,
    "merge": lambda a, b: a + b,
    "present": lambda s: s,
    "returns": "bigint",
}
SAYS = [
    (Count(), "group; keeps nothing besides the column a key; a removal is subtracted"),
    (Sum("n"), "group; keeps 8 bytes a key; a removal is subtracted"),
    (Variance("n"), "group; keeps 56 bytes a key; a removal is subtracted"),
    (Sum("v", exact=True), "group; keeps 32 bytes and 16 bytes and more for each distinct value a key; a removal is"),
    (Max("n"), "counted, then buffered; keeps at most 256 values and 16 KiB a key; a removal is subtracted while"),
    (
        CountDistinct("t"),
        "counted; keeps at most 256 values and 16 KiB a key; a removal is subtracted while all values",
    ),
    (Median("n"), "counted; keeps at most 256 values and 16 KiB a key"),
    (ApproxCountDistinct("t"), "monoid; keeps 4 bytes for each register that has a value a key; a removal recomputes"),
    (Fold("t", **TAGS), "opaque; keeps nothing besides the column a key; a removal recomputes its key"),
    (Fold("t", **TAGS, remove=lambda s, row: s - 1), "group; keeps its state as JSON a key; a removal is subtracted"),
]


def test_each_class_is_told(lake):
    lake.put("raw.rows", [("a", 1, "x", 0.5)], "k string, n int, t string, v double")
    reduce = {str(at): reducer for at, (reducer, _) in enumerate(SAYS)}
    found = explain(lake.world, Job(source="raw.rows", key=["k"], reduce=reduce, target="gold.rows")).reducers
    for (reducer, says), told in zip(SAYS, found.values(), strict=True):
        assert told.startswith(f"{reducer}: {says}")


def test_whole_rows_and_functions_are_told(lake):
    lake.put("raw.rows", [("a", 1, "x")], "k string, n int, t string")
    latest = explain(lake.world, Job(source="raw.rows", key=["k"], reduce=Latest(by=["n"]), target="gold.latest"))
    assert latest.reducers["(row)"].startswith(
        "Latest(n): monoid; keeps nothing besides the column a key; a removal rec"
    )
    per_key = explain(
        lake.world, Job(source="raw.rows", key=["k"], reduce=PerKey(lambda rows: rows), target="gold.per")
    )
    assert "opaque" in per_key.reducers["(rows)"]
    assert "touched keys" in per_key.removal


def test_what_a_change_of_each_source_meets_is_told(lake):
    lake.put("raw.rows", [(1, 1)], "k int, n int")
    lake.put("raw.names", [(1, "x")], "k int, name string")
    sources, by = ["raw.rows", "raw.names", "raw.rows"], {"n": Count()}

    def told(how):
        def joined(rows, names, more):
            return rows.join(names, "k", how).join(more.select(F.col("n").alias("m")), F.col("n") == F.col("m"))

        job = Job(source=sources, map=joined, key=["name"], reduce=by, target="gold.joined")
        return {name: said.split("; ")[-1] for name, said in explain(lake.world, job).sources.items()}

    assert told("inner") == {
        "raw.rows (1)": "a change of it meets raw.names by k and raw.rows by n",
        "raw.names": "a change of it meets raw.rows by k and raw.rows by n",
        "raw.rows (3)": "a change of it meets raw.rows by n and raw.names by k",
    }
    assert told("full")["raw.names"] == "a change of it rebuilds, OUTER_JOIN"
