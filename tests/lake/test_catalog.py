"""Tables bound to a catalog: found where it has them, enlisted where it has not. Spark's own stands for Glue."""

import uuid

import pytest
from lake_jobs import SALES

from lakemill.conf import load_conf
from lakemill.errors import UsageError
from lakemill.lake.tables import Lake
from lakemill.world import World

ROWS = [("north", 5), ("south", 7)]


@pytest.fixture
def database(lake):
    """A database that only this test knows; the catalog is the whole process's."""
    name = f"shop_{uuid.uuid4().hex[:8]}"
    lake.spark.sql(f"CREATE DATABASE {name}")
    yield name
    lake.spark.sql(f"DROP DATABASE {name} CASCADE")


def bound(lake, **tables):
    """The lake of the test, with tables bound to the catalog."""
    names = {name.replace("_", ".", 1): f"glue:{known_as}" for name, known_as in tables.items()}
    return World(Lake(lake.world.spark, str(lake.root / "lake"), names), "", lake.root / "locks")


def elsewhere(lake, database):
    """A source that is not where the lake's tables are, and that the catalog knows."""
    place = str(lake.root / "elsewhere")
    lake.spark.createDataFrame(ROWS, "shop string, amount int").write.format("delta").option(
        "delta.enableChangeDataFeed", "true"
    ).save(place)
    lake.spark.sql(f"CREATE TABLE {database}.sales USING delta LOCATION '{place}'")
    return place


def test_a_source_is_found_and_a_target_enlisted(lake, database):
    place = elsewhere(lake, database)
    world = bound(lake, raw_sales=f"{database}.sales", gold_sales=f"{database}.totals")
    assert world.lake.table("raw.sales").uri.removeprefix("file:") == place
    assert lake.run(SALES, world=world).reason == "FIRST_RUN"
    known = lake.spark.table(f"{database}.totals")
    assert sorted((row.shop, row.revenue) for row in known.collect()) == ROWS
    assert world.lake.table("gold.sales").uri == lake.uri("gold.sales")
    # Another process finds the target where the catalog says, and has nothing to do: enlisting wrote nothing.
    again = bound(lake, raw_sales=f"{database}.sales", gold_sales=f"{database}.totals")
    assert lake.run(SALES, world=again).reason == "NOTHING_NEW"
    assert lake.log("gold.sales").version == 0


def test_what_was_not_enlisted_is_the_next_time(lake, database):
    """A run that died between its commit and the catalog is made good by one that has nothing to do."""
    elsewhere(lake, database)
    lake.run(SALES, world=bound(lake, raw_sales=f"{database}.sales"))
    assert not lake.spark.catalog.tableExists(f"{database}.totals")
    world = bound(lake, raw_sales=f"{database}.sales", gold_sales=f"{database}.totals")
    assert lake.run(SALES, world=world).reason == "NOTHING_NEW"
    assert lake.spark.catalog.tableExists(f"{database}.totals")


def test_a_database_that_is_not_there_is_named(lake):
    lake.put("raw.sales", ROWS, "shop string, amount int")
    with pytest.raises(UsageError, match="the catalog has no database nowhere. Create it"):
        lake.run(SALES, world=bound(lake, gold_sales="nowhere.totals"))


def test_a_table_that_is_no_delta_table_is_refused(lake, database):
    lake.spark.sql(f"CREATE TABLE {database}.sales (shop string, amount int) USING parquet")
    with pytest.raises(UsageError, match="it is no Delta table"):
        bound(lake, raw_sales=f"{database}.sales").lake.table("raw.sales")


def test_conf_keeps_the_binding(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.yaml").write_text("tables: {raw.sales: 'glue:shop.sales'}\n")
    assert load_conf(tmp_path).tables == {"raw.sales": "glue:shop.sales"}
