"""Gold: what was sold of promoted products, by week, department, household's income, display and mailer."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Max, Mean, Min, Sum, run


def promoted_lines(sales: DataFrame, products: DataFrame, households: DataFrame, promotions: DataFrame) -> DataFrame:
    """One sale line of a product that was promoted in its store and week; neither the line nor that is withdrawn."""
    promoted = promotions.where(~F.col("withdrawn")).drop("withdrawn", "dump_date", "dump_id", "line_number")
    return (
        sales.where(~F.col("withdrawn"))
        .join(promoted, ["product_id", "store_id", "week"])
        .join(products, "product_id")
        .join(households, "household_id")
        .select("week", "department", "income", "display_location", "mailer_location", "quantity", "amount")
    )


job = Job(
    source=["silver.sales", "silver.products", "silver.households", "silver.promotions"],
    map=promoted_lines,
    key=["week", "department", "income", "display_location", "mailer_location"],
    reduce={
        "lines": Count(),
        "quantity": Sum("quantity"),
        "revenue": Sum("amount"),
        "average": Mean("amount"),
        "smallest": Min("amount"),
        "largest": Max("amount"),
    },
    target="gold.promoted_sales",
)

if __name__ == "__main__":
    run(job)
