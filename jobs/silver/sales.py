"""Silver: the newest version of each sale line, typed; withdrawn lines are kept and marked.

A filter before Latest would bring a withdrawn line's older version back, and one after it would forget the withdrawal
when an older dump arrives late; so the filter is in the gold maps.
"""

from pyspark.sql import Column, DataFrame, functions as F

from lakemill import Job, Latest, run


def typed_lines(sales: DataFrame) -> DataFrame:
    """One delivered line with its types; the day is the store's own, as the text of the time has it.

    Its week is the Monday on or before that day: a column, so that promotions meet it on a plain one.
    """
    day = F.to_date(F.substring("sold_at", 1, 10))

    def number(name: str) -> Column:
        return F.col(name).cast("bigint").alias(name)

    def money(name: str) -> Column:
        return F.col(name).cast("decimal(12,2)").alias(name)

    return sales.select(
        number("basket_id"),
        F.col("line").cast("int").alias("line"),
        number("household_id"),
        number("store_id"),
        number("product_id"),
        number("quantity"),
        money("amount"),
        money("retail_discount"),
        money("coupon_discount"),
        money("coupon_match_discount"),
        F.to_timestamp("sold_at").alias("sold_at"),
        day.alias("day"),
        F.trunc(day, "week").alias("week"),
        F.col("withdrawn").cast("boolean").alias("withdrawn"),
        F.nullif("remark", F.lit("")).alias("remark"),
        "dump_date",
        "dump_id",
        "line_number",
    )


job = Job(
    source="bronze.sales",
    map=typed_lines,
    key=["basket_id", "line"],
    reduce=Latest(by=["dump_date", "dump_id", "line_number"]),
    target="silver.sales",
)

if __name__ == "__main__":
    run(job)
