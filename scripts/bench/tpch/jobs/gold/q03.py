"""Q3, the shipping priority: what orders of builders are worth that were not shipped on 15 March 1995."""

from pyspark.sql import DataFrame

from lakemill import Job, Sum
from shared.money import revenue


def unshipped(customer: DataFrame, orders: DataFrame, lineitem: DataFrame) -> DataFrame:
    """One line that was ordered before, and shipped after."""
    return (
        customer.where("c_mktsegment = 'BUILDING'")
        .join(orders.where("o_orderdate < date'1995-03-15'"), customer["c_custkey"] == orders["o_custkey"])
        .join(lineitem.where("l_shipdate > date'1995-03-15'"), orders["o_orderkey"] == lineitem["l_orderkey"])
        .select("l_orderkey", "o_orderdate", "o_shippriority", revenue().alias("amount"))
    )


job = Job(
    source=["raw.customer", "raw.orders", "raw.lineitem"],
    map=unshipped,
    key=["l_orderkey", "o_orderdate", "o_shippriority"],
    reduce={"revenue": Sum("amount")},
    target="gold.q03",
)
