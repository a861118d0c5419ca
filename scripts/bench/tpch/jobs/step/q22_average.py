"""For Q22: the balances above zero of the customers of seven countries, and how many there are."""

from pyspark.sql import DataFrame

from lakemill import Count, Job, Sum
from shared.countries import of_seven_countries


def above_zero(customer: DataFrame) -> DataFrame:
    """One such customer."""
    return of_seven_countries(customer).where("c_acctbal > 0").select("c_acctbal")


job = Job(
    source="raw.customer",
    map=above_zero,
    key=[],
    reduce={"total": Sum("c_acctbal"), "customers": Count()},
    target="step.q22_average",
)
