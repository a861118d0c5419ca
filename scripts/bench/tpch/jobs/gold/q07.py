"""Q7, the volume shipping: what France and Germany shipped to each other, by year."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Sum
from shared.money import revenue


def shipped_between(
    supplier: DataFrame,
    lineitem: DataFrame,
    orders: DataFrame,
    customer: DataFrame,
    supplier_nation: DataFrame,
    customer_nation: DataFrame,
) -> DataFrame:
    """One line that went from one of the two nations to the other."""
    seller = supplier_nation.select(F.col("n_nationkey").alias("seller"), F.col("n_name").alias("supp_nation"))
    buyer = customer_nation.select(F.col("n_nationkey").alias("buyer"), F.col("n_name").alias("cust_nation"))
    return (
        supplier.join(
            lineitem.where("l_shipdate between date'1995-01-01' and date'1996-12-31'"),
            supplier["s_suppkey"] == lineitem["l_suppkey"],
        )
        .join(orders, lineitem["l_orderkey"] == orders["o_orderkey"])
        .join(customer, orders["o_custkey"] == customer["c_custkey"])
        .join(seller.where("supp_nation in ('FRANCE', 'GERMANY')"), supplier["s_nationkey"] == seller["seller"])
        .join(buyer.where("cust_nation in ('FRANCE', 'GERMANY')"), customer["c_nationkey"] == buyer["buyer"])
        .where("supp_nation <> cust_nation")
        .select("supp_nation", "cust_nation", F.year("l_shipdate").alias("l_year"), revenue().alias("volume"))
    )


job = Job(
    source=["raw.supplier", "raw.lineitem", "raw.orders", "raw.customer", "raw.nation", "raw.nation"],
    map=shipped_between,
    key=["supp_nation", "cust_nation", "l_year"],
    reduce={"revenue": Sum("volume")},
    target="gold.q07",
)
