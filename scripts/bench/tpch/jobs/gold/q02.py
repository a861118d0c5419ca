"""Q2, the minimum cost supplier: the offers that are as low as the part's lowest."""

from pyspark.sql import DataFrame

from lakemill import Job

SHOWN = ["s_acctbal", "s_name", "n_name", "p_partkey", "p_mfgr", "s_address", "s_phone", "s_comment"]


def cheapest(offers: DataFrame, least: DataFrame) -> DataFrame:
    """One offer that no other of its part is below."""
    least = least.withColumnRenamed("p_partkey", "partkey")
    met = (offers["p_partkey"] == least["partkey"]) & (offers["ps_supplycost"] == least["least"])
    return offers.join(least, met).select(*SHOWN)


job = Job(source=["step.q02_offers", "step.q02_least"], map=cheapest, key=SHOWN, target="gold.q02")
