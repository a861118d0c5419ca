"""A target that no Delta table can be is refused by name before anything is computed."""

import pytest
from pyspark.sql import DataFrame, functions as F

from lakemill import Count, CountDistinct, Job, Latest, Max, PerKey, Sum, TopK
from lakemill.errors import UsageError
from lakemill.refresh import prepare


def odd(rows: DataFrame) -> DataFrame:
    n, shop = F.col("n"), F.col("shop")
    return rows.select(
        "shop", "n", n.alias("price (EUR)"), shop.alias("store;name"), shop.alias("_change_type"), n.alias("a`b"),
        n.alias("_commit_version"), F.struct(n.alias("unit price")).alias("s"),
        F.collate(shop, "UTF8_LCASE").alias("any"),
        F.expr("make_dt_interval(0, n)").alias("span"), F.expr("make_interval(0, n)").alias("months"),
        F.expr("make_ym_interval(0, n)").alias("years"),
    )  # fmt: skip


JOBS: list[tuple[str, dict]] = [
    ('gives "total revenue", and Delta takes no blank', {"key": ["shop"], "reduce": {"total revenue": Sum("n")}}),
    ('"top[].price (EUR)", and Delta takes no blank', {"key": ["shop"], "reduce": {"top": TopK(2, by="price (EUR)")}}),
    ('gives "s.unit price"', {"key": ["s"], "reduce": {"c": Count()}}),
    ('gives "store;name", and Delta takes no ;', {"key": ["store;name"]}),
    ('"_change_type", which is a column of Delta\'s change feed', {"key": ["_change_type"], "reduce": {"c": Count()}}),
    ('"_Commit_Timestamp", which is a column of', {"key": ["shop"], "reduce": {"_Commit_Timestamp": Max("n")}}),
    ("a`b", {"key": ["shop"], "reduce": {"a`b": Max("n")}}),
    ('gives "longest" as interval', {"key": ["shop"], "reduce": {"longest": Max("span")}}),
    ('gives "years" as interval year', {"key": ["years"]}),
    ("months", {"key": ["months"]}),
    ("months", {"key": ["shop"], "reduce": {"d": CountDistinct("months")}}),
    ('gives "_state.', {"key": ["shop"], "reduce": {"d": CountDistinct("span")}}),
    ('gives "any" as a text with collate', {"key": ["any"], "reduce": {"c": Count()}}),
    ('gives "most" as a text with collate', {"key": ["shop"], "reduce": {"most": Max("any")}}),
    ('"months" is interval, which has no order', {"key": ["shop"], "reduce": Latest(by=["n"])}),
    ('gives "months" as interval, and such rows cannot be compared; give a number', {}),
    ('gives "count all"', {"key": ["shop"],
                           "reduce": PerKey(lambda rows: rows.groupBy("shop").agg(F.count("n").alias("count all")))}),
]  # fmt: skip


def test_what_delta_cannot_hold_is_refused_before_anything_runs(lake):
    lake.put("raw.sales", [("a", 1), ("b", 2)], "shop string, n int")
    for at, (why, how) in enumerate(JOBS):
        with pytest.raises(UsageError) as refused:
            prepare(lake.world, Job(source="raw.sales", map=odd, target=f"gold.t{at}", **how), "auto")
        assert why in str(refused.value) and "\n" not in str(refused.value), (how, str(refused.value))


def test_what_the_target_does_not_hold_may_have_any_name(lake):
    """A map may give more than the target holds, and a source with column mapping may have more."""
    lake.put("raw.sales", [("a", 1), ("b", 2)], "shop string, n int")
    table = f"delta.`{lake.uri('raw.sales')}`"
    lake.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    lake.spark.sql(f"ALTER TABLE {table} RENAME COLUMN n TO `unit price (EUR)`")
    job = Job(source="raw.sales", key=["shop"], target="gold.sales",
              reduce={"a.b": Sum("unit price (EUR)"), "c/d": Max("unit price (EUR)")})  # fmt: skip
    lake.run(job)
    lake.spark.sql(f"UPDATE {table} SET `unit price (EUR)` = 5 WHERE shop = 'a'")
    assert lake.run(job).plan == "update" and lake.differences(job) == []
    assert lake.rows("gold.sales", "shop", "`a.b`", "`c/d`") == [("a", 5, 5), ("b", 2, 2)]
