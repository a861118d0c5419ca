"""Silver: each basket with its number of lines and its amount; what gold counts as one purchase."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Sum, run


def bought_lines(sales: DataFrame) -> DataFrame:
    """One sale line that was not withdrawn."""
    return sales.where(~F.col("withdrawn")).select("basket_id", "household_id", "store_id", "day", "amount")


job = Job(
    source="silver.sales",
    map=bought_lines,
    key=["basket_id", "household_id", "store_id", "day"],
    reduce={"lines": Count(), "amount": Sum("amount")},
    target="silver.baskets",
)

if __name__ == "__main__":
    run(job)
