"""Silver: each product as its newest snapshot has it."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Latest, run

TEXTS = ["department", "brand", "product_category", "product_type", "package_size"]


def typed_products(products: DataFrame) -> DataFrame:
    """One product of one snapshot; an empty text is no value."""
    return products.select(
        F.col("product_id").cast("bigint").alias("product_id"),
        F.nullif("manufacturer_id", F.lit("")).cast("bigint").alias("manufacturer_id"),
        *[F.nullif(name, F.lit("")).alias(name) for name in TEXTS],
        "dump_date",
        "dump_id",
        "line_number",
    )


job = Job(
    source="bronze.products",
    map=typed_products,
    key=["product_id"],
    reduce=Latest(by=["dump_date", "dump_id", "line_number"]),
    target="silver.products",
)

if __name__ == "__main__":
    run(job)
