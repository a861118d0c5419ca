"""The shop's own contracts: one for each table of bronze and silver, with the columns that it has."""

from pathlib import Path

import pytest
import shop

from lakemill import Latest
from lakemill.contracts.folder import load_contracts
from lakemill.graph import load_jobs
from lakemill.quality.doors import guarded
from lakemill.sources.header import bronze_schema

ROOT = Path(__file__).resolve().parents[2]
JOBS = load_jobs(ROOT / "jobs")
CONTRACTS = load_contracts(ROOT, JOBS)
HEADERS = {
    "sales": shop.SALES, "products": shop.PRODUCTS, "households": shop.HOUSEHOLDS, "promotions": shop.PROMOTIONS
}  # fmt: skip
LATEST = [name for name, job in JOBS.items() if isinstance(job.reduce, Latest)]


def test_each_table_of_bronze_and_silver_has_a_contract():
    assert {*CONTRACTS} == {name for name in JOBS if name.startswith(("bronze.", "silver."))}


@pytest.mark.parametrize("feed", HEADERS)
def test_bronze_is_what_is_delivered(feed):
    contract = CONTRACTS[f"bronze.{feed}"]
    assert [column.name for column in contract.columns] == HEADERS[feed]
    assert {column.physical for column in contract.columns} == {"string"}
    assert contract.malformed == "quarantine"


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_key_is_the_jobs(name):
    job = JOBS[name]
    if isinstance(job.reduce, Latest):
        assert CONTRACTS[name].key == job.key
    assert {*(job.key or ())} <= {column.name for column in CONTRACTS[name].columns}


@pytest.mark.parametrize("name", LATEST)
def test_silver_has_the_columns_that_its_map_gives_and_the_types_of_its_contract(spark, name):
    (source,) = JOBS[name].sources
    feed = source.partition(".")[2]
    raw = spark.createDataFrame([], bronze_schema([*HEADERS[feed], "dump_date", "dump_id", "file_name", "line_number"]))
    mapped = guarded(JOBS, CONTRACTS)[name].mapped(raw).schema
    given = {field.name: field.dataType.simpleString() for field in mapped.fields}
    assert {column.name: column.physical for column in CONTRACTS[name].columns} == given
    assert [column.name for column in CONTRACTS[name].columns] == mapped.names


@pytest.mark.parametrize("feed", ["households"])
def test_what_tells_of_persons_is_marked(feed):
    for name in (f"bronze.{feed}", f"silver.{feed}", f"silver.{feed}_history"):
        classes = {column.name: column.personal for column in CONTRACTS[name].columns}
        assert {classes[column] for column in ("household_id", "name", "email", "address")} == {"identifying"}
        assert {classes[column] for column in ("age", "income")} == {"personal"}


@pytest.mark.parametrize("name", CONTRACTS)
def test_predicates_are_sparks(spark, name):
    """What stands in row rules is parsed and typed by Spark, over columns of the contract's types."""
    contract = CONTRACTS[name]
    schema = ", ".join(f"`{column.name}` {column.physical}" for column in contract.columns)
    frame = spark.createDataFrame([], schema)
    for rule in contract.row_rules:
        assert frame.selectExpr(rule.predicate).schema.fields[0].dataType.simpleString() == "boolean"
