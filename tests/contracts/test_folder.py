"""The contracts of a project together: each for a table that a job makes, and each fits the others."""

import pytest

from lakemill import Dump, Job
from lakemill.contracts.document import ContractError
from lakemill.contracts.folder import contract_path, load_contracts
from lakemill.errors import UsageError

JOBS = {
    "bronze.sales": Job(source=Dump("sales"), target="bronze.sales"),
    "silver.sales": Job(source=["bronze.sales"], target="silver.sales"),
    "silver.products": Job(source=["raw.products"], target="silver.products"),
}
CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: {table}
version: 1.0.0
schema:
  - name: {table}
    properties:
      - {{name: id, logicalType: integer}}
{more}
"""


def put(root, table: str, more: str = "", name: str = "") -> None:
    path = contract_path(root, name or table)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CONTRACT.format(table=table, more=more))


def refused(root) -> str:
    with pytest.raises(ContractError) as error:
        load_contracts(root, JOBS)
    return " | ".join(str(problem) for problem in error.value.problems)


REFERS = "      - {name: product_id, logicalType: integer, relationships: [{to: silver.products.%s}]}"


def test_a_project_without_contracts_has_none(tmp_path):
    assert load_contracts(tmp_path, JOBS) == {}


def test_contracts_are_found_by_their_tables(tmp_path):
    put(tmp_path, "silver.sales", REFERS % "id")
    put(tmp_path, "silver.products")
    assert sorted(load_contracts(tmp_path, JOBS)) == ["silver.products", "silver.sales"]


def test_a_contract_for_no_table(tmp_path):
    put(tmp_path, "silver.sale")
    told = refused(tmp_path)
    assert "silver.sale.yaml, line 6, schema[silver.sale].name: no job makes" in told
    assert 'Did you mean "silver.sales"?' in told


def test_a_file_of_another_name(tmp_path):
    put(tmp_path, "silver.sales", name="silver.products")
    assert '"silver.sales.yaml" was expected' in refused(tmp_path)


def test_a_file_that_is_no_yaml_by_its_name(tmp_path):
    put(tmp_path, "silver.sales")
    path = contract_path(tmp_path, "silver.sales")
    path.rename(path.with_suffix(".yml"))
    assert "ends in .yaml; rename it" in refused(tmp_path)


def test_what_editors_leave_is_no_contract(tmp_path):
    put(tmp_path, "silver.sales")
    (tmp_path / "conf" / "contracts" / ".silver.sales.yaml.swp").write_bytes(b"\xff")
    assert len(load_contracts(tmp_path, JOBS)) == 1


def test_a_reference_to_no_table(tmp_path):
    put(tmp_path, "silver.sales", (REFERS % "id").replace("products.", "product."))
    told = refused(tmp_path)
    assert (
        'line 9, schema[silver.sales].properties[product_id].relationships: it names the table "silver.product"' in told
    )
    assert 'Did you mean "silver.products"?' in told


def test_a_reference_to_no_column(tmp_path):
    put(tmp_path, "silver.sales", REFERS % "idd")
    assert load_contracts(tmp_path, JOBS)["silver.sales"].columns[1].references.keys == ("idd",)
    put(tmp_path, "silver.products")
    assert 'the contract of silver.products has no column "idd". Did you mean "id"?' in refused(tmp_path)


def test_a_reference_between_types_that_never_meet(tmp_path):
    put(tmp_path, "silver.sales", (REFERS % "id").replace("integer", "string"))
    put(tmp_path, "silver.products")
    assert "product_id is string, and silver.products.id is bigint: they never meet" in refused(tmp_path)


def test_a_table_that_a_job_reads_may_be_named(tmp_path):
    put(tmp_path, "silver.sales", (REFERS % "id").replace("silver.products.", "raw.products."))
    assert len(load_contracts(tmp_path, JOBS)) == 1
    put(tmp_path, "silver.sales", (REFERS % "id").replace("silver.products.", "raw.others."))
    with pytest.raises(ContractError):
        load_contracts(tmp_path, JOBS)
    assert len(load_contracts(tmp_path, JOBS, ["raw.others"])) == 1


TOTALS = """\
    quality:
      - name: agrees
        type: custom
        engine: lakemill
        implementation:
          measures: {n: count}
          equals: {table: %s, measures: {n: sum(%s)}}
"""


def test_totals_of_another_table(tmp_path):
    put(tmp_path, "silver.sales", TOTALS % ("silver.products", "id"))
    put(tmp_path, "silver.products")
    assert len(load_contracts(tmp_path, JOBS)) == 2
    put(tmp_path, "silver.sales", TOTALS % ("silver.products", "ids"))
    assert (
        'line 10, schema[silver.sales].quality[agrees]: the contract of silver.products has no column "ids"'
        in refused(tmp_path)
    )
    put(tmp_path, "silver.sales", TOTALS % ("silver.product", "id"))
    assert 'it names the table "silver.product"' in refused(tmp_path)


def test_what_is_wrong_in_several_files_is_told_at_once(tmp_path):
    put(tmp_path, "silver.sales", "    qality: []")
    put(tmp_path, "silver.products", "    qality: []")
    contract_path(tmp_path, "bronze.sales").write_text("a: [")
    told = refused(tmp_path)
    assert [table for table in ("bronze.sales", "silver.sales", "silver.products") if table not in told] == []


def test_a_file_that_cannot_be_read(tmp_path):
    contract_path(tmp_path, "silver.sales").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read"):
        load_contracts(tmp_path, JOBS)
