"""Q17, the small-quantity-order revenue: what lines of less than a fifth of the part's mean brought, by 7 years."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job
from shared.ratio import Ratio


def small_lines(lineitem: DataFrame, quantities: DataFrame) -> DataFrame:
    """One line that is so small: the mean is not divided, so that the comparison is exact."""
    return (
        lineitem.join(quantities, lineitem["l_partkey"] == quantities["p_partkey"])
        .where(5 * F.col("l_quantity") * F.col("lines") < F.col("quantity"))
        .select("l_extendedprice")
    )


job = Job(
    source=["raw.lineitem", "step.q17_quantities"],
    map=small_lines,
    key=[],
    reduce={"avg_yearly": Ratio("l_extendedprice", 7)},
    target="gold.q17",
)
