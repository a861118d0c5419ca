"""Q1, the pricing summary: what was shipped until 2 September 1998, by flag and status."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Mean, Sum
from shared.money import charge, discount, revenue


def shipped(lineitem: DataFrame) -> DataFrame:
    """One line that was shipped."""
    return lineitem.where(F.col("l_shipdate") <= F.lit("1998-09-02").cast("date")).select(
        "l_returnflag",
        "l_linestatus",
        F.col("l_quantity").alias("quantity"),
        F.col("l_extendedprice").alias("price"),
        discount().alias("discount"),
        revenue().alias("revenue"),
        charge().alias("charge"),
    )


job = Job(
    source="raw.lineitem",
    map=shipped,
    key=["l_returnflag", "l_linestatus"],
    reduce={
        "sum_qty": Sum("quantity"),
        "sum_base_price": Sum("price"),
        "sum_disc_price": Sum("revenue"),
        "sum_charge": Sum("charge"),
        "avg_qty": Mean("quantity"),
        "avg_price": Mean("price"),
        "avg_disc": Mean("discount"),
        "count_order": Count(),
    },
    target="gold.q01",
)
