"""Q12, the shipping modes: late lines that came by mail or ship in 1994, of urgent and of other orders."""

from pyspark.sql import DataFrame, functions as F

from lakemill import CountIf, Job


def late_lines(orders: DataFrame, lineitem: DataFrame) -> DataFrame:
    """One line that was shipped in time and came too late."""
    lines = lineitem.where(
        "l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate and l_shipdate < l_commitdate "
        "and l_receiptdate >= date'1994-01-01' and l_receiptdate < date'1995-01-01'"
    )
    high = F.col("o_orderpriority").isin("1-URGENT", "2-HIGH")
    met = orders.join(lines, orders["o_orderkey"] == lines["l_orderkey"])
    return met.select("l_shipmode", high.alias("high"), (~high).alias("low"))


job = Job(
    source=["raw.orders", "raw.lineitem"],
    map=late_lines,
    key=["l_shipmode"],
    reduce={"high_line_count": CountIf("high"), "low_line_count": CountIf("low")},
    target="gold.q12",
)
