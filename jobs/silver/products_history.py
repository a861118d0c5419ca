"""Silver: each product's history, one row a period in which all snapshots said the same of it (SCD2).

A period holds from valid_from to the day before valid_to. A product that a snapshot leaves out stays as it was last
said; the last of several dumps of a day counts for that day, as in silver.products.
"""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, PerKey, periods, run

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
    reduce=PerKey(periods(["product_id"], since="dump_date", then=["dump_id", "line_number"])),
    target="silver.products_history",
)

if __name__ == "__main__":
    run(job)
