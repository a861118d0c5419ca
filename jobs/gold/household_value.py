"""Gold: how recently, how often and for how much each household bought."""

from pyspark.sql import DataFrame

from lakemill import Count, Job, Max, Mean, Min, Sum, run


def purchases(baskets: DataFrame) -> DataFrame:
    """One basket is one purchase."""
    return baskets.select("household_id", "day", "amount")


job = Job(
    source="silver.baskets",
    map=purchases,
    key=["household_id"],
    reduce={
        "first_day": Min("day"),
        "last_day": Max("day"),
        "baskets": Count(),
        "amount": Sum("amount"),
        "average": Mean("amount"),
    },
    target="gold.household_value",
)

if __name__ == "__main__":
    run(job)
