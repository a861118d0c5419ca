"""Q11, the important stock: the parts that are worth more than a fraction of all, which depends on the scale."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job


def important(values: DataFrame, total: DataFrame, parameters: DataFrame) -> DataFrame:
    """One part that is worth more."""
    least = F.col("total").cast("decimal(24,2)") * F.col("q11_fraction")
    return values.crossJoin(total).crossJoin(parameters).where(F.col("value") > least).select("ps_partkey", "value")


job = Job(
    source=["step.q11_values", "step.q11_total", "raw.parameters"],
    map=important,
    key=["ps_partkey", "value"],
    target="gold.q11",
)
