"""Gold: what each store sold each day."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Count, CountIf, Job, Max, Mean, Min, Sum, run


def sold_lines(sales: DataFrame) -> DataFrame:
    """One sale line that was not withdrawn."""
    return sales.where(~F.col("withdrawn")).select(
        "store_id", "day", "quantity", "amount", (F.col("retail_discount") != 0).alias("discounted")
    )


job = Job(
    source="silver.sales",
    map=sold_lines,
    key=["store_id", "day"],
    reduce={
        "lines": Count(),
        "discounted": CountIf("discounted"),
        "quantity": Sum("quantity"),
        "revenue": Sum("amount"),
        "average": Mean("amount"),
        "smallest": Min("amount"),
        "largest": Max("amount"),
    },
    target="gold.daily_sales",
)

if __name__ == "__main__":
    run(job)
