"""For Q21: how many suppliers each order has, and how many of them were late."""

from pyspark.sql import DataFrame, functions as F

from lakemill import CountDistinct, Job


def suppliers(lineitem: DataFrame) -> DataFrame:
    """One line with its supplier, and with it again if it came late."""
    late = F.col("l_receiptdate") > F.col("l_commitdate")
    return lineitem.select("l_orderkey", "l_suppkey", F.when(late, F.col("l_suppkey")).alias("late_suppkey"))


job = Job(
    source="raw.lineitem",
    map=suppliers,
    key=["l_orderkey"],
    reduce={"suppliers": CountDistinct("l_suppkey"), "late_suppliers": CountDistinct("late_suppkey")},
    target="step.q21_orders",
)
