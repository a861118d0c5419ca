"""Q16, the parts and suppliers: how many suppliers without complaints offer parts of these kinds and sizes."""

from pyspark.sql import DataFrame

from lakemill import CountDistinct, Job


def offered(partsupp: DataFrame, part: DataFrame, supplier: DataFrame) -> DataFrame:
    """One offer whose supplier has no complaints."""
    parts = part.where(
        "p_brand <> 'Brand#45' and p_type not like 'MEDIUM POLISHED%' and p_size in (49, 14, 23, 45, 19, 3, 36, 9)"
    )
    blamed = supplier.where("s_comment like '%Customer%Complaints%'")
    return (
        partsupp.join(parts, partsupp["ps_partkey"] == parts["p_partkey"])
        .join(blamed, partsupp["ps_suppkey"] == blamed["s_suppkey"], "left_anti")
        .select("p_brand", "p_type", "p_size", "ps_suppkey")
    )


job = Job(
    source=["raw.partsupp", "raw.part", "raw.supplier"],
    map=offered,
    key=["p_brand", "p_type", "p_size"],
    reduce={"supplier_cnt": CountDistinct("ps_suppkey")},
    target="gold.q16",
)
