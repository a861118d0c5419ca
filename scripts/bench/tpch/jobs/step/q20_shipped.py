"""For Q20: how much of each offer was shipped in 1994."""

from pyspark.sql import DataFrame

from lakemill import Job, Sum


def shipped(lineitem: DataFrame) -> DataFrame:
    """One line of that year."""
    lines = lineitem.where("l_shipdate >= date'1994-01-01' and l_shipdate < date'1995-01-01'")
    return lines.select("l_partkey", "l_suppkey", "l_quantity")


job = Job(
    source="raw.lineitem",
    map=shipped,
    key=["l_partkey", "l_suppkey"],
    reduce={"quantity": Sum("l_quantity")},
    target="step.q20_shipped",
)
