"""One Spark session for a test process, and a lake in a temporary folder that reads as a story.

What a test puts into a source, and what it reads of a target, goes through delta-rs where that knows the table: it
takes milliseconds where a job of Spark takes a second, and it is a reader that shares nothing with what is tested.
"""

import json
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from foreign import can_read, can_write, read, write
from lake_jobs import SALES
from pyspark.sql import DataFrame, SparkSession

from lakemill import Job
from lakemill.lake.delta_log import DeltaLog
from lakemill.lake.progress import Progress, read_progress
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.runs import Run
from lakemill.proof.difference import Difference
from lakemill.runner import run_table
from lakemill.verify import verify
from lakemill.world import World

SPARK = {
    "spark.master": "local[2]",
    "spark.driver.memory": "3g",
    # Tests plan much and compute little: of a process that lives for minutes the JVM's second compiler took 4 in 10
    # seconds of work; that compiler alone reserves 48 MB for its code, which fill up.
    "spark.driver.extraJavaOptions": (
        "-Duser.timezone=UTC -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
    ),
    # Else each sort, hash table and broadcast of a few rows allocates and clears 64 MB.
    "spark.buffer.pageSize": "1m",
    "spark.sql.ui.retainedExecutions": "20",
    "spark.ui.retainedJobs": "20",
    "spark.ui.retainedStages": "20",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "3",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.codegen.cache.maxEntries": "5000",
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",  # a test removes files right away
}


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return start_session(SPARK)


class TestLake:
    """A lake of its own: put rows, run a job, read the target."""

    __test__ = False

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark, self.root = spark, root
        self.world = self._world(spark)

    def new_world(self) -> World:
        """Another session on the same lake, as another process would have."""
        return self._world(start_session(SPARK))

    def _world(self, spark: SparkSession) -> World:
        return World(Lake(spark, str(self.root / "lake"), {}), str(self.root / "landing"), self.root / "locks")

    def uri(self, table: str) -> str:
        return self.world.lake.table(table).uri

    def put(self, table: str, rows: Sequence[tuple], schema: str) -> None:
        """Append rows to a source table of the user's, with a change feed."""
        if can_write(self.uri(table)):
            write(self.uri(table), rows, schema)
        else:
            self.put_by_spark(table, rows, schema)

    def put_by_spark(self, table: str, rows: Sequence[tuple], schema: str) -> None:
        """The same by Spark, whose commits tell a table's size, too."""
        frame = self.spark.createDataFrame(list(rows), schema)
        feed = {"delta.enableChangeDataFeed": "true"}
        frame.coalesce(1).write.format("delta").mode("append").options(**feed).save(self.uri(table))

    def delta(self, table: str) -> DeltaTable:
        return DeltaTable.forPath(self.spark, self.uri(table))

    def frame(self, table: str) -> DataFrame:
        return self.spark.read.format("delta").load(self.uri(table))

    def rows(self, table: str, *columns: str) -> list[tuple]:
        """The rows, sorted, without the state."""
        if can_read(self.uri(table)):
            rows = read(self.uri(table), columns)
        else:
            frame = self.frame(table)
            names = columns or [name for name in frame.columns if name != "_state"]
            rows = [tuple(row) for row in frame.select(*names).collect()]
        return sorted(rows, key=lambda r: [(v is not None, v) for v in r])

    def columns(self, table: str) -> list[str]:
        """Those that its readers see."""
        return [name for name in self.log(table).schema.names if name != "_state"]

    def run(self, job: Job, policy: str = "auto", world: World | None = None) -> Run:
        world = world or self.world
        world.renew()
        run = Run(uuid.uuid4().hex[:12], job.target)
        run_table(world, job, policy, run)
        return run

    def log(self, table: str) -> DeltaLog:
        return self.world.lake.table(table).log()

    def clean_log(self, table: str, before: int) -> None:
        """As Delta's own clean-up leaves a log: without the commits before a checkpoint."""
        for version in range(before):
            Path(self.uri(table), "_delta_log", f"{version:020d}.json").unlink()
        self.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()

    def progress(self, table: str) -> Progress:
        found = read_progress(self.log(table), table)
        assert isinstance(found, Progress)
        return found

    def differences(self, job: Job) -> list[Difference]:
        return verify(self.world, job).differences

    def metadata(self, table: str) -> dict[str, Any]:
        log = self.log(table)
        return json.loads(log.commit(log.version).info["userMetadata"])["lakemill"]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> TestLake:
    return TestLake(spark, tmp_path)


@pytest.fixture(scope="session")
def made_shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of the fixture `shop`, made once."""
    lake = TestLake(spark, tmp_path_factory.mktemp("shop"))
    lake.put_by_spark("raw.sales", [("a", 1), ("a", 2), ("b", 5)], "shop string, amount bigint")
    lake.run(SALES)
    return lake.root / "lake"


@pytest.fixture
def shop(lake: TestLake, made_shop: Path) -> TestLake:
    """A lake of three sales and the table of them by shop, as its first run left it."""
    shutil.copytree(made_shop, lake.root / "lake")
    return lake


LONGEST_FIRST = ("test_shop_days", "test_joins", "test_histories", "test_laws", "test_perkey")
"""Two processes share the tests, and whichever is done takes over from the other: nothing long may come last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a session needs Spark: nobody has to remember the mark. Those come first."""
    for item in items:
        if {"spark", "lake"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("spark")
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[bool, int]:
    name = item.path.stem
    long = LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)
    return item.get_closest_marker("spark") is None, long
