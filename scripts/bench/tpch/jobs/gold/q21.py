"""Q21, the suppliers who kept orders waiting: Saudi Arabia's that alone of several were late, and how often."""

from pyspark.sql import DataFrame

from lakemill import Count, Job


def waited_for(
    supplier: DataFrame, lineitem: DataFrame, orders: DataFrame, nation: DataFrame, counts: DataFrame
) -> DataFrame:
    """One late line of an order of several suppliers, of which no other was late."""
    counts = counts.where("suppliers > 1 and late_suppliers = 1").withColumnRenamed("l_orderkey", "orderkey")
    return (
        supplier.join(lineitem.where("l_receiptdate > l_commitdate"), supplier["s_suppkey"] == lineitem["l_suppkey"])
        .join(orders.where("o_orderstatus = 'F'"), lineitem["l_orderkey"] == orders["o_orderkey"])
        .join(nation.where("n_name = 'SAUDI ARABIA'"), supplier["s_nationkey"] == nation["n_nationkey"])
        .join(counts, lineitem["l_orderkey"] == counts["orderkey"])
        .select("s_name")
    )


job = Job(
    source=["raw.supplier", "raw.lineitem", "raw.orders", "raw.nation", "step.q21_orders"],
    map=waited_for,
    key=["s_name"],
    reduce={"numwait": Count()},
    target="gold.q21",
)
