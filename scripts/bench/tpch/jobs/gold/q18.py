"""Q18, the large volume customer: the orders of more than 300 pieces."""

from pyspark.sql import DataFrame

from lakemill import Job

SHOWN = ["c_name", "c_custkey", "o_orderkey", "o_orderdate", "o_totalprice", "quantity"]


def large(customer: DataFrame, orders: DataFrame, quantities: DataFrame) -> DataFrame:
    """One such order."""
    return (
        quantities.where("quantity > 300")
        .join(orders, quantities["l_orderkey"] == orders["o_orderkey"])
        .join(customer, orders["o_custkey"] == customer["c_custkey"])
        .select(*SHOWN)
    )


job = Job(
    source=["raw.customer", "raw.orders", "step.q18_quantities"],
    map=large,
    key=SHOWN,
    target="gold.q18",
)
