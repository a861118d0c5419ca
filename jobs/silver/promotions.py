"""Silver: how each product is promoted in each store and week, as its newest dump has it; withdrawn ones are marked."""

from pyspark.sql import DataFrame

from lakemill import Job, Latest, run


def delivered_promotions(promotions: DataFrame) -> DataFrame:
    """One promotion of one dump, as texts that the contract types; the week is its Monday.

    "0" is on no display, or in no mailer.
    """
    return promotions.select(
        "product_id",
        "store_id",
        "week",
        "display_location",
        "mailer_location",
        "withdrawn",
        "dump_date",
        "dump_id",
        "line_number",
    )


job = Job(
    source="bronze.promotions",
    map=delivered_promotions,
    key=["product_id", "store_id", "week"],
    reduce=Latest(by=["dump_date", "dump_id", "line_number"]),
    target="silver.promotions",
)

if __name__ == "__main__":
    run(job)
