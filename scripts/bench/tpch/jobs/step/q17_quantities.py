"""For Q17: how much was ordered of each part of a brand in medium boxes, and by how many lines."""

from pyspark.sql import DataFrame

from lakemill import Count, Job, Sum


def ordered(lineitem: DataFrame, part: DataFrame) -> DataFrame:
    """One line of such a part."""
    parts = part.where("p_brand = 'Brand#23' and p_container = 'MED BOX'")
    return lineitem.join(parts, lineitem["l_partkey"] == parts["p_partkey"]).select("p_partkey", "l_quantity")


job = Job(
    source=["raw.lineitem", "raw.part"],
    map=ordered,
    key=["p_partkey"],
    reduce={"quantity": Sum("l_quantity"), "lines": Count()},
    target="step.q17_quantities",
)
