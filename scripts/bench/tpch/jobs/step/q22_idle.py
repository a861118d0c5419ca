"""For Q22: the customers of seven countries that have not ordered anything."""

from pyspark.sql import DataFrame

from lakemill import Job
from shared.countries import of_seven_countries


def idle(customer: DataFrame, orders: DataFrame) -> DataFrame:
    """One such customer."""
    met = of_seven_countries(customer).join(orders, customer["c_custkey"] == orders["o_custkey"], "left_anti")
    return met.select("c_custkey", "cntrycode", "c_acctbal")


job = Job(
    source=["raw.customer", "raw.orders"],
    map=idle,
    key=["c_custkey", "cntrycode", "c_acctbal"],
    target="step.q22_idle",
)
