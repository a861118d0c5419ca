"""For Q11: what the stock of each part is worth at Germany's suppliers."""

from pyspark.sql import DataFrame, functions as F

from lakemill import Job, Sum


def stocks(partsupp: DataFrame, supplier: DataFrame, nation: DataFrame) -> DataFrame:
    """One offer's stock."""
    return (
        partsupp.join(supplier, partsupp["ps_suppkey"] == supplier["s_suppkey"])
        .join(nation.where("n_name = 'GERMANY'"), supplier["s_nationkey"] == nation["n_nationkey"])
        .select("ps_partkey", (F.col("ps_supplycost") * F.col("ps_availqty")).alias("stock"))
    )


job = Job(
    source=["raw.partsupp", "raw.supplier", "raw.nation"],
    map=stocks,
    key=["ps_partkey"],
    reduce={"value": Sum("stock")},
    target="step.q11_values",
)
