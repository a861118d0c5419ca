"""For Q20: the suppliers with more of a forest part in stock than half of what they shipped of it."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job


def surplus(partsupp: DataFrame, part: DataFrame, shipped: DataFrame) -> DataFrame:
    """One offer of which there is so much."""
    parts = part.where("p_name like 'forest%'")
    offer = (partsupp["ps_partkey"] == shipped["l_partkey"]) & (partsupp["ps_suppkey"] == shipped["l_suppkey"])
    return (
        partsupp.join(parts, partsupp["ps_partkey"] == parts["p_partkey"])
        .join(shipped, offer)
        .where(2 * F.col("ps_availqty") > F.col("quantity"))
        .select("ps_suppkey")
    )


job = Job(
    source=["raw.partsupp", "raw.part", "step.q20_shipped"],
    map=surplus,
    key=["ps_suppkey"],
    target="step.q20_surplus",
)
