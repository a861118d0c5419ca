"""For Q2: what European suppliers ask for brass parts of size 15."""

from pyspark.sql import DataFrame

from lakemill import Job

SHOWN = ["s_acctbal", "s_name", "n_name", "p_partkey", "p_mfgr", "s_address", "s_phone", "s_comment"]


def offers(part: DataFrame, partsupp: DataFrame, supplier: DataFrame, nation: DataFrame, region: DataFrame):
    """One offer."""
    return (
        part.where("p_size = 15 and p_type like '%BRASS'")
        .join(partsupp, part["p_partkey"] == partsupp["ps_partkey"])
        .join(supplier, partsupp["ps_suppkey"] == supplier["s_suppkey"])
        .join(nation, supplier["s_nationkey"] == nation["n_nationkey"])
        .join(region.where("r_name = 'EUROPE'"), nation["n_regionkey"] == region["r_regionkey"])
        .select(*SHOWN, "ps_supplycost")
    )


job = Job(
    source=["raw.part", "raw.partsupp", "raw.supplier", "raw.nation", "raw.region"],
    map=offers,
    key=[*SHOWN, "ps_supplycost"],
    target="step.q02_offers",
)
