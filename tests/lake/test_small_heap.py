"""A small change that touches much, in a process with 1 GiB of memory: right, whatever has to come to the driver."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

TOUCHES_MUCH = """
import json, sys
from pathlib import Path
from pyspark.sql import functions as F
from lakemill import Count, CountDistinct, Job, Max
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.runs import Run
from lakemill.runner import run_table
from lakemill.world import World

root = Path(sys.argv[1])
spark = start_session({"spark.master": "local[2]", "spark.driver.memory": "1g", "spark.ui.enabled": "false",
                       "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "4"})
world = World(Lake(spark, str(root / "lake"), {}), str(root / "landing"), root / "locks")


def put(name, rows):
    feed = {"delta.enableChangeDataFeed": "true"}
    rows.write.format("delta").mode("append").options(**feed).save(world.lake.table(name).uri)


def run(job, policy):
    world.renew()
    done = Run("r", job.target)
    run_table(world, job, policy, done)
    return done


def rows(name):
    return spark.read.format("delta").load(world.lake.table(name).uri)


def value(row):
    return F.sha2(F.concat_ws("-", "k", row), 256).alias("v")


def large_states():
    job = Job(source="raw.seen", key=["k"], reduce={"values": CountDistinct("v"), "last": Max("v")}, target="gold.seen")
    keys = spark.range(3000).select(F.concat(F.lit("key "), "id").alias("k"))
    put("raw.seen", keys.withColumn("i", F.explode(F.sequence(F.lit(1), F.lit(200)))).select("k", value("i")))
    run(job, "auto")
    put("raw.seen", keys.select("k", value(F.lit("new"))))
    done = run(job, "update")
    found = rows("gold.seen").groupBy("values").count().collect()
    states = rows("gold.seen").select(F.sum(F.length(F.to_json("_state")))).first()[0]
    return [done.keys_touched, [list(row) for row in found], states > 3000 * 10_000]


def many_keys():
    def priced(sales, products):
        return sales.join(products, "product").select("id", "price")

    job = Job(source=["raw.sales", "raw.products"], map=priced, key=["id"],
              reduce={"lines": Count(), "price": Max("price")}, target="gold.priced")
    put("raw.sales", spark.range(1_000_000).select("id", (F.col("id") % 1).alias("product")))
    put("raw.products", spark.sql("select 0L product, 5 price"))
    run(job, "auto")
    spark.sql(f"update delta.`{world.lake.table('raw.products').uri}` set price = 7")
    done = run(job, "update")
    found = rows("gold.priced").groupBy("lines", "price").count().collect()
    return [done.keys_touched, [list(row) for row in found]]


print("FOUND" + json.dumps({name: globals()[name]() for name in sys.argv[2:]}))
"""


@pytest.mark.parametrize(
    ("case", "expected"),
    [("large_states", [3000, [[201, 3000]], True]), ("many_keys", [1_000_000, [[1, 7, 1_000_000]]])],
)
def test_in_a_gibibyte(tmp_path, case, expected):
    lib = str(Path(__file__).resolve().parents[2] / "lib")
    environment = {**os.environ, "PYTHONPATH": lib}
    done = subprocess.run(
        [sys.executable, "-c", TOUCHES_MUCH, str(tmp_path), case], capture_output=True, text=True, env=environment
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert found, done.stderr[-3000:]
    assert json.loads(found[0].removeprefix("FOUND"))[case] == expected
