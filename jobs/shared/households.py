"""The households of bronze, as silver's newest version and their history both read them."""

from pyspark.sql import DataFrame

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


def delivered_households(households: DataFrame) -> DataFrame:
    """One household of one snapshot, as texts that the contracts type."""
    return households.select("household_id", *TEXTS, "dump_date", "dump_id", "line_number")
