"""Silver: how each product is promoted in each store and week, as its newest dump has it; withdrawn ones are marked."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Latest, run


def typed_promotions(promotions: DataFrame) -> DataFrame:
    """One promotion of one dump; the week is its Monday. "0" is on no display, or in no mailer."""
    return promotions.select(
        F.col("product_id").cast("bigint").alias("product_id"),
        F.col("store_id").cast("bigint").alias("store_id"),
        F.to_date("week").alias("week"),
        "display_location",
        "mailer_location",
        F.col("withdrawn").cast("boolean").alias("withdrawn"),
        "dump_date",
        "dump_id",
        "line_number",
    )


job = Job(
    source="bronze.promotions",
    map=typed_promotions,
    key=["product_id", "store_id", "week"],
    reduce=Latest(by=["dump_date", "dump_id", "line_number"]),
    target="silver.promotions",
)

if __name__ == "__main__":
    run(job)
