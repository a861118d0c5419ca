"""Q20, the potential part promotion: Canada's suppliers that have too much of a forest part."""

from pyspark.sql import DataFrame

from lakemill import Job


def canadian(supplier: DataFrame, nation: DataFrame, surplus: DataFrame) -> DataFrame:
    """One such supplier."""
    return (
        supplier.join(nation.where("n_name = 'CANADA'"), supplier["s_nationkey"] == nation["n_nationkey"])
        .join(surplus, supplier["s_suppkey"] == surplus["ps_suppkey"])
        .select("s_name", "s_address")
    )


job = Job(
    source=["raw.supplier", "raw.nation", "step.q20_surplus"],
    map=canadian,
    key=["s_name", "s_address"],
    target="gold.q20",
)
