"""Somebody else's contract: what is taken is of ours, and what is not is named."""

import re
from pathlib import Path

import pytest
import yaml
from contracts.random_contracts import random_contract
from contracts.standard import against_the_standard

from lakemill.contracts.contract import Bound, Consumer
from lakemill.contracts.document import document_of
from lakemill.contracts.importing import imported
from lakemill.contracts.infer import Draft
from lakemill.contracts.reader import contract_of
from lakemill.contracts.rules import Reference, RowCount, TableRule, Unique
from lakemill.contracts.writer import contract_text
from lakemill.errors import UsageError

FOREIGN = Path(__file__).parent / "foreign.odcs.yaml"


def taken() -> Draft:
    return imported(FOREIGN.read_bytes(), "foreign.odcs.yaml", "silver.payments")


def without_dates(text: str) -> str:
    return re.sub(r"dateIn: ([0-9-]+)", r'dateIn: "\1"', text)


def test_the_foreign_contract_is_of_the_standard():
    """But for what version 3.2 takes no more: a word of 3.0, and columns without a logical type."""
    text = re.sub("(name: (seen_at|shape)\n)", "\\1        logicalType: string\n", FOREIGN.read_text())
    text = without_dates(text).replace("contractCreatedTs: 2026-02-15T02:59:43+00:00", "")
    assert against_the_standard(text.replace("rule: duplicateCount", "metric: duplicateValues")) == []


def test_what_is_taken():
    contract = taken().contract
    columns = {column.name: column for column in contract.columns}
    types = {name: (column.logical, column.physical) for name, column in columns.items()}
    assert types == {
        "payment_id": ("integer", "bigint"),
        "paid_on": ("date", "date"),
        "amount": ("number", "decimal(12,2)"),
        "share": ("number", "decimal(38,9)"),
        "rate": ("number", "double"),
        "small": ("integer", "smallint"),
        "code": ("string", "string"),
        "state": ("string", "string"),
        "iban": ("string", "string"),
        "payer": ("string", "string"),
        "payee": ("string", "string"),
        "seen_at": ("timestamp", "timestamp"),
    }
    assert (contract.table, contract.version, contract.owner) == ("silver.payments", "1.1.0", "D. Nakamura")
    assert (contract.description, contract.key) == ("What was paid to whom", ("payment_id",))
    assert columns["paid_on"].required and columns["paid_on"].minimum == Bound("2020-01-01")
    assert columns["paid_on"].severities == (("required", "quarantine"),)
    assert columns["small"].maximum == Bound(99)
    assert columns["code"].longest == 18 and columns["code"].unique and columns["code"].severity("unique") == "warn"
    assert columns["state"].values == ("open", "closed") and columns["state"].severity("values") == "warn"
    assert columns["iban"].personal == "personal" and columns["iban"].pattern == "" == columns["payer"].pattern
    assert columns["payer"].references is None
    assert columns["payee"].references == Reference(("payee",), "silver.people", ("person_id",))
    assert contract.own_table_rules == (
        TableRule("enough_rows", RowCount(1_000_001), "fail"),
        TableRule("duplicate_values", Unique(("payment_id", "paid_on"))),
    )
    assert contract.consumers == (
        Consumer("everyone", "use", 4 * 24 * 60, ("paid_on",)),
        Consumer("everyone", "closes the books", 360, ("amount",)),
    )


LEFT_OUT = [
    "the other tables: receivers",
    "domain:",
    "dataProduct:",
    "tenant:",
    "servers:",
    "price:",
    "roles:",
    "support:",
    "tags:",
    "contractCreatedTs:",
    "description.limitations",
    "description.usage",
    "retention",
    "refRulesetName",
    "physicalName",
    "businessName",
    "dataGranularityDescription",
    "authoritativeDefinitions",
    "partitioned",
    "criticalDataElement",
    "examples",
    "multipleOf",
    "encryptedName",
    "classification",
    "code, quality, text",
    "code, quality, sql",
    "begin with ^",
    "within a quantifier",
    "leads nowhere",
    "[address]",
    "[shape]",
    "soda",
    "dimension",
    "its status is current",
    "the owner is D. Nakamura",
    "share: its type was number; now number as decimal(38,9)",
]


@pytest.mark.parametrize("word", LEFT_OUT)
def test_what_is_left_out_or_changed_is_named(word):
    assert any(word in note for note in taken().notes), taken().notes


def test_what_is_taken_is_a_contract_of_ours_and_of_the_standard():
    text = contract_text(taken().contract)
    document = document_of(text.encode(), "x")
    assert contract_of(document) == taken().contract
    document.check()
    assert against_the_standard(text) == []


def test_nothing_of_the_foreign_contract_is_lost_without_a_word():
    """Each key and each text of it is taken, or stands in a note."""
    text = FOREIGN.read_text()
    values = yaml.safe_load(without_dates(text))
    told = " ".join(taken().notes) + contract_text(taken().contract)
    for key in values:
        assert key in told or key in ("apiVersion", "kind", "id", "name"), key
    for item in values["schema"][0]["properties"]:
        assert item["name"] in told


@pytest.mark.parametrize("block", range(10))
def test_our_own_contracts_are_imported_as_they_are(block):
    for seed in range(block * 30, block * 30 + 30):
        contract = random_contract(seed)
        draft = imported(contract_text(contract).encode(), "own.yaml")
        assert draft.contract == contract, f"seed {seed}: {draft.notes}"
        assert draft.notes == (), f"seed {seed}"


@pytest.mark.parametrize(
    ("content", "table", "says"),
    [
        ("apiVersion: v2.2.2", "", "apiVersion v3 was expected"),
        ("dataContractSpecification: 1.1.0", "", "apiVersion v3 was expected"),
        ("[]", "", "apiVersion v3 was expected"),
        ("a: [", "", "this is not YAML"),
        ("apiVersion: v3.0.0", "", "it has no table"),
        ("apiVersion: v3.0.0\nschema: [{name: a}, {name: b}]", "", "it has the tables a, b. Name one of them"),
        ("apiVersion: v3.0.0\nschema: [{name: Orders}]", "", "as silver.orders"),
        ("apiVersion: v3.0.0\nschema: [{name: a}]", "a", '"a" is no name of a table here'),
        ("apiVersion: v3.0.0\nschema: [{name: a}]", "silver.a", '"properties" is missing'),
        ("apiVersion: v3.0.0\nschema: [{name: a, properties: [{name: x, logicalType: map}]}]", "silver.a", "no column"),
    ],
)
def test_what_cannot_be_imported(content, table, says):
    with pytest.raises(UsageError, match="^foreign.yaml") as refused:
        imported(content.encode(), "foreign.yaml", table)
    assert says in str(refused.value)
