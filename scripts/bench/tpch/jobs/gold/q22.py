"""Q22, the global sales opportunity: customers without orders whose balance is above the mean, by country."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Sum


def promising(idle: DataFrame, average: DataFrame) -> DataFrame:
    """One such customer: the mean is not divided, so that the comparison is exact."""
    above = F.col("c_acctbal") * F.col("customers") > F.col("total")
    return idle.crossJoin(average).where(above).select("cntrycode", "c_acctbal")


job = Job(
    source=["step.q22_idle", "step.q22_average"],
    map=promising,
    key=["cntrycode"],
    reduce={"numcust": Count(), "totacctbal": Sum("c_acctbal")},
    target="gold.q22",
)
