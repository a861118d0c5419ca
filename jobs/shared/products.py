"""The products of bronze with their types, as silver's newest version and their history both read them."""

from pyspark.sql import DataFrame, functions as F

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
