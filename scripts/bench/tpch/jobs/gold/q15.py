"""Q15, the top supplier: whoever shipped the most in the quarter."""

from pyspark.sql import DataFrame

from lakemill import Job

SHOWN = ["s_suppkey", "s_name", "s_address", "s_phone", "total_revenue"]


def top(supplier: DataFrame, revenue: DataFrame, most: DataFrame) -> DataFrame:
    """One supplier that no other is above."""
    return (
        supplier.join(revenue, supplier["s_suppkey"] == revenue["l_suppkey"])
        .join(most, revenue["total_revenue"] == most["most"])
        .select(*SHOWN)
    )


job = Job(
    source=["raw.supplier", "step.q15_revenue", "step.q15_most"],
    map=top,
    key=SHOWN,
    target="gold.q15",
)
