"""Gold: what each department of each store sold each day."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Max, Mean, Sum, run


def sale_amounts(sales: DataFrame, products: DataFrame) -> DataFrame:
    """One sale line that was not withdrawn, with its product's department."""
    return (
        sales.where(~F.col("withdrawn")).join(products, "product_id").select("store_id", "day", "department", "amount")
    )


job = Job(
    source=["silver.sales", "silver.products"],
    map=sale_amounts,
    key=["store_id", "day", "department"],
    reduce={"lines": Count(), "revenue": Sum("amount"), "average": Mean("amount"), "largest": Max("amount")},
    target="gold.department_sales",
)

if __name__ == "__main__":
    run(job)
