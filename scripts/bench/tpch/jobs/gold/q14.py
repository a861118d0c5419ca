"""Q14, the promotion effect: the promoted parts' share of the revenue of September 1995, in percent."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job
from shared.money import revenue
from shared.ratio import Ratio


def september(lineitem: DataFrame, part: DataFrame) -> DataFrame:
    """One line, with a hundred times its revenue if its part is promoted."""
    lines = lineitem.where("l_shipdate >= date'1995-09-01' and l_shipdate < date'1995-10-01'")
    met = lines.join(part, lines["l_partkey"] == part["p_partkey"]).select("p_type", revenue().alias("whole"))
    return met.withColumn(
        "promoted", F.when(F.col("p_type").startswith("PROMO"), F.col("whole") * 100).otherwise(F.lit(0))
    )


job = Job(
    source=["raw.lineitem", "raw.part"],
    map=september,
    key=[],
    reduce={"promo_revenue": Ratio("promoted", "whole")},
    target="gold.q14",
)
