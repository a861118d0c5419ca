"""Q10, the returned items: what customers sent back of the orders of the last quarter of 1993."""

from pyspark.sql import DataFrame

from lakemill import Job, Sum
from shared.money import revenue

SHOWN = ["c_custkey", "c_name", "c_acctbal", "c_phone", "n_name", "c_address", "c_comment"]


def returned(customer: DataFrame, orders: DataFrame, lineitem: DataFrame, nation: DataFrame) -> DataFrame:
    """One line that came back."""
    return (
        customer.join(
            orders.where("o_orderdate >= date'1993-10-01' and o_orderdate < date'1994-01-01'"),
            customer["c_custkey"] == orders["o_custkey"],
        )
        .join(lineitem.where("l_returnflag = 'R'"), orders["o_orderkey"] == lineitem["l_orderkey"])
        .join(nation, customer["c_nationkey"] == nation["n_nationkey"])
        .select(*SHOWN, revenue().alias("amount"))
    )


job = Job(
    source=["raw.customer", "raw.orders", "raw.lineitem", "raw.nation"],
    map=returned,
    key=SHOWN,
    reduce={"revenue": Sum("amount")},
    target="gold.q10",
)
