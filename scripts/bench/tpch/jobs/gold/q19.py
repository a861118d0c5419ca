"""Q19, the discounted revenue: what three kinds of parts brought that were handed over in person."""

from pyspark.sql import DataFrame

from lakemill import Job, Sum
from shared.money import revenue

SMALL = """p_brand = 'Brand#12' and p_container in ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG')
    and l_quantity between 1 and 11 and p_size between 1 and 5"""
MEDIUM = """p_brand = 'Brand#23' and p_container in ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK')
    and l_quantity between 10 and 20 and p_size between 1 and 10"""
LARGE = """p_brand = 'Brand#34' and p_container in ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG')
    and l_quantity between 20 and 30 and p_size between 1 and 15"""


def handed_over(lineitem: DataFrame, part: DataFrame) -> DataFrame:
    """One line of such a part."""
    lines = lineitem.where("l_shipmode in ('AIR', 'AIR REG') and l_shipinstruct = 'DELIVER IN PERSON'")
    met = lines.join(part, lines["l_partkey"] == part["p_partkey"])
    return met.where(f"({SMALL}) or ({MEDIUM}) or ({LARGE})").select(revenue().alias("amount"))


job = Job(
    source=["raw.lineitem", "raw.part"],
    map=handed_over,
    key=[],
    reduce={"revenue": Sum("amount")},
    target="gold.q19",
)
