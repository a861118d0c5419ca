"""Q8, the national market share: Brazil's share of what America bought of one type of part, by year."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job
from shared.money import revenue
from shared.ratio import Ratio


def american_sales(
    part: DataFrame,
    supplier: DataFrame,
    lineitem: DataFrame,
    orders: DataFrame,
    customer: DataFrame,
    customer_nation: DataFrame,
    supplier_nation: DataFrame,
    region: DataFrame,
) -> DataFrame:
    """One line that an American bought, with its volume if a Brazilian sold it."""
    seller = supplier_nation.select(F.col("n_nationkey").alias("seller"), F.col("n_name").alias("nation"))
    return (
        part.where("p_type = 'ECONOMY ANODIZED STEEL'")
        .join(lineitem, part["p_partkey"] == lineitem["l_partkey"])
        .join(supplier, lineitem["l_suppkey"] == supplier["s_suppkey"])
        .join(
            orders.where("o_orderdate between date'1995-01-01' and date'1996-12-31'"),
            lineitem["l_orderkey"] == orders["o_orderkey"],
        )
        .join(customer, orders["o_custkey"] == customer["c_custkey"])
        .join(customer_nation, customer["c_nationkey"] == customer_nation["n_nationkey"])
        .join(region.where("r_name = 'AMERICA'"), customer_nation["n_regionkey"] == region["r_regionkey"])
        .join(seller, supplier["s_nationkey"] == seller["seller"])
        .select(F.year("o_orderdate").alias("o_year"), revenue().alias("volume"), "nation")
        .withColumn("brazilian", F.when(F.col("nation") == "BRAZIL", F.col("volume")).otherwise(F.lit(0)))
    )


job = Job(
    source=[
        "raw.part",
        "raw.supplier",
        "raw.lineitem",
        "raw.orders",
        "raw.customer",
        "raw.nation",
        "raw.nation",
        "raw.region",
    ],
    map=american_sales,
    key=["o_year"],
    reduce={"mkt_share": Ratio("brazilian", "volume")},
    target="gold.q08",
)
