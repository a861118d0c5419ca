"""The products of bronze, as silver's newest version and their history both read them."""

from pyspark.sql import DataFrame

TEXTS = ["department", "brand", "product_category", "product_type", "package_size"]


def delivered_products(products: DataFrame) -> DataFrame:
    """One product of one snapshot, as texts that the contracts type."""
    return products.select("product_id", "manufacturer_id", *TEXTS, "dump_date", "dump_id", "line_number")
