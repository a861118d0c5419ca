"""Silver: each household as its newest snapshot has it."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Latest, run

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


job = Job(
    source="bronze.households",
    map=typed_households,
    key=["household_id"],
    reduce=Latest(by=["dump_date", "dump_id", "line_number"]),
    target="silver.households",
)

if __name__ == "__main__":
    run(job)
