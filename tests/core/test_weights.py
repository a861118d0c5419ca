"""Rows with weights: what cancels, and what does not."""

from lakemill.core.weights import WEIGHT, less, net


def test_rows_cancel_by_their_exact_values(spark):
    rows = spark.sql(
        "select * from values (0.0d, 'a', 1), (-0.0d, 'a', -1), (0.0d, 'a', 1), (cast('nan' as double), 'b', 1), "
        "(cast('nan' as double), 'b', -1), (null, null, -2), (null, null, 1), (1.5d, 'c', 3) as t(v, t, _weight)"
    )
    found = sorted((str(row.v), row.t, row[WEIGHT]) for row in net(rows).collect())
    assert found == [("-0.0", "a", -1), ("0.0", "a", 1), ("0.0", "a", 1), *[("1.5", "c", 1)] * 3, ("None", None, -1)]


def test_less_is_what_there_was(spark):
    now = spark.sql("select * from values (1, 0.0d), (1, -0.0d), (2, 5.0d) as t(k, v)")
    change = spark.sql("select * from values (1, -0.0d, 1), (3, 3.0d, -1), (3, 3.0d, -1) as t(k, v, _weight)")
    assert sorted(str(tuple(row)) for row in less(now, change).collect()) == [
        "(1, 0.0)", "(2, 5.0)", "(3, 3.0)", "(3, 3.0)",
    ]  # fmt: skip
