"""For Q15: what each supplier shipped in the first quarter of 1996."""

from pyspark.sql import DataFrame

from lakemill import Job, Sum
from shared.money import revenue


def quarter(lineitem: DataFrame) -> DataFrame:
    """One line of the quarter."""
    lines = lineitem.where("l_shipdate >= date'1996-01-01' and l_shipdate < date'1996-04-01'")
    return lines.select("l_suppkey", revenue().alias("amount"))


job = Job(
    source="raw.lineitem",
    map=quarter,
    key=["l_suppkey"],
    reduce={"total_revenue": Sum("amount")},
    target="step.q15_revenue",
)
