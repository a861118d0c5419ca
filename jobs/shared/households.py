"""The households of bronze with their types, as silver's newest version and their history both read them."""

from pyspark.sql import DataFrame, functions as F

TEXTS = [
    "name",
    "email",
    "address",
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
]


def typed_households(households: DataFrame) -> DataFrame:
    """One household of one snapshot; an empty text is no value."""
    return households.select(
        F.col("household_id").cast("bigint").alias("household_id"),
        *[F.nullif(name, F.lit("")).alias(name) for name in TEXTS],
        "dump_date",
        "dump_id",
        "line_number",
    )
