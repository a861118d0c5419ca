"""Q5, the local supplier volume: what Asian suppliers sold in their own nation in 1994."""

from pyspark.sql import DataFrame

from lakemill import Job, Sum
from shared.money import revenue


def local_sales(
    customer: DataFrame,
    orders: DataFrame,
    lineitem: DataFrame,
    supplier: DataFrame,
    nation: DataFrame,
    region: DataFrame,
) -> DataFrame:
    """One line of which customer and supplier are of one nation."""
    ours = (lineitem["l_suppkey"] == supplier["s_suppkey"]) & (customer["c_nationkey"] == supplier["s_nationkey"])
    return (
        customer.join(
            orders.where("o_orderdate >= date'1994-01-01' and o_orderdate < date'1995-01-01'"),
            customer["c_custkey"] == orders["o_custkey"],
        )
        .join(lineitem, orders["o_orderkey"] == lineitem["l_orderkey"])
        .join(supplier, ours)
        .join(nation, supplier["s_nationkey"] == nation["n_nationkey"])
        .join(region.where("r_name = 'ASIA'"), nation["n_regionkey"] == region["r_regionkey"])
        .select("n_name", revenue().alias("amount"))
    )


job = Job(
    source=["raw.customer", "raw.orders", "raw.lineitem", "raw.supplier", "raw.nation", "raw.region"],
    map=local_sales,
    key=["n_name"],
    reduce={"revenue": Sum("amount")},
    target="gold.q05",
)
