"""Q4, the order priority checking: orders of the third quarter of 1993 of which a line came late."""

from pyspark.sql import DataFrame

from lakemill import Count, Job


def late(orders: DataFrame, lineitem: DataFrame) -> DataFrame:
    """One order that has a line that came after the day it was promised for."""
    quarter = orders.where("o_orderdate >= date'1993-07-01' and o_orderdate < date'1993-10-01'")
    lines = lineitem.where("l_commitdate < l_receiptdate")
    return quarter.join(lines, orders["o_orderkey"] == lineitem["l_orderkey"], "left_semi").select("o_orderpriority")


job = Job(
    source=["raw.orders", "raw.lineitem"],
    map=late,
    key=["o_orderpriority"],
    reduce={"order_count": Count()},
    target="gold.q04",
)
