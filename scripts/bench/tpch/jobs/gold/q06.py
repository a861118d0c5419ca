"""Q6, the forecasting revenue change: what small discounts of 1994 took."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Sum
from shared.money import discount


def discounted(lineitem: DataFrame) -> DataFrame:
    """One line of few pieces with a discount of about 6 %."""
    return lineitem.where(
        "l_shipdate >= date'1994-01-01' and l_shipdate < date'1995-01-01' "
        "and l_discount between 0.05 and 0.07 and l_quantity < 24"
    ).select((F.col("l_extendedprice") * discount()).alias("amount"))


job = Job(source="raw.lineitem", map=discounted, key=[], reduce={"revenue": Sum("amount")}, target="gold.q06")
