"""Silver: the newest version of each sale line, typed by its contract; withdrawn lines are kept and marked.

A filter before Latest would bring a withdrawn line's older version back, and one after it would forget the withdrawal
when an older dump arrives late; so the filter is in the gold maps.
"""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Latest, run


def delivered_lines(sales: DataFrame) -> DataFrame:
    """One delivered line, as texts that the contract types; the day is the store's own, as the text of the time has it.

    Its week is the Monday on or before that day: a column, so that promotions meet it on a plain one.
    """
    day = F.substring("sold_at", 1, 10)
    return sales.select(
        "basket_id",
        "line",
        "household_id",
        "store_id",
        "product_id",
        "quantity",
        "amount",
        "retail_discount",
        "coupon_discount",
        "coupon_match_discount",
        "sold_at",
        day.alias("day"),
        F.trunc(day.try_cast("date"), "week").alias("week"),
        "withdrawn",
        "remark",
        "dump_date",
        "dump_id",
        "line_number",
    )


job = Job(
    source="bronze.sales",
    map=delivered_lines,
    key=["basket_id", "line"],
    reduce=Latest(by=["dump_date", "dump_id", "line_number"]),
    target="silver.sales",
)

if __name__ == "__main__":
    run(job)
