"""Q9, the product type profit: what green parts earned, by the supplier's nation and the year."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Sum
from shared.money import revenue


def profits(
    part: DataFrame,
    supplier: DataFrame,
    lineitem: DataFrame,
    partsupp: DataFrame,
    orders: DataFrame,
    nation: DataFrame,
) -> DataFrame:
    """What one line earned: its revenue less its cost."""
    offer = (lineitem["l_partkey"] == partsupp["ps_partkey"]) & (lineitem["l_suppkey"] == partsupp["ps_suppkey"])
    cost = F.col("ps_supplycost") * F.col("l_quantity")
    return (
        part.where("p_name like '%green%'")
        .join(lineitem, part["p_partkey"] == lineitem["l_partkey"])
        .join(supplier, lineitem["l_suppkey"] == supplier["s_suppkey"])
        .join(partsupp, offer)
        .join(orders, lineitem["l_orderkey"] == orders["o_orderkey"])
        .join(nation, supplier["s_nationkey"] == nation["n_nationkey"])
        .select(
            F.col("n_name").alias("nation"),
            F.year("o_orderdate").alias("o_year"),
            (revenue() - cost).cast("decimal(28,4)").alias("amount"),
        )
    )


job = Job(
    source=["raw.part", "raw.supplier", "raw.lineitem", "raw.partsupp", "raw.orders", "raw.nation"],
    map=profits,
    key=["nation", "o_year"],
    reduce={"sum_profit": Sum("amount")},
    target="gold.q09",
)
