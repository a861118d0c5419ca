"""For Q13: how many orders each customer gave, special requests aside; 0 for one who gave none."""

from pyspark.sql import DataFrame, functions as F

from lakemill import CountIf, Job


def given_orders(customer: DataFrame, orders: DataFrame) -> DataFrame:
    """One order, or a customer without any."""
    plain = orders.where("o_comment not like '%special%requests%'")
    met = customer.join(plain, customer["c_custkey"] == orders["o_custkey"], "left")
    return met.select("c_custkey", F.col("o_orderkey").isNotNull().alias("ordered"))


job = Job(
    source=["raw.customer", "raw.orders"],
    map=given_orders,
    key=["c_custkey"],
    reduce={"c_count": CountIf("ordered")},
    target="step.q13_orders",
)
