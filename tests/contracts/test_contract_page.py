"""The page of contracts is held to the reader: its example is one, and each key that is taken stands there."""

import re

import pytest
from contracts.standard import against_the_standard
from contracts.test_reader import RIGHT
from pages import PAGES

from lakemill.contracts.contract import PERSONAL, ROW_RULES
from lakemill.contracts.danger import danger
from lakemill.contracts.document import document_of
from lakemill.contracts.entry import Entry
from lakemill.contracts.reader import DELIMITERS, STANDARDS, UNITS, contract_of
from lakemill.contracts.rules import MEASURES, SEVERITIES
from lakemill.contracts.spark_types import FITTING

PAGE = PAGES["docs/contracts.md"]
(EXAMPLE,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.S | re.M)
PROSE = re.sub(r"^```.*?^```", "", PAGE, flags=re.S | re.M)
TOLD = set(re.findall(r"[\w.-]+", " ".join(re.findall(r"`([^`]+)`", PROSE))))


def taken_keys() -> set[str]:
    """Every key that the reader asks for in a file, whether it is there or not."""
    keys: set[str] = set()
    close = Entry.close

    def noted(entry: Entry) -> None:
        keys.update(entry.taken)
        close(entry)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Entry, "close", noted)
        contract_of(document_of(RIGHT.encode(), "x"))
    return keys


def test_every_key_is_told():
    keys = taken_keys()
    assert {"apiVersion", "primaryKeyPosition", "missingValues", "mustBeBetween", "mostQuarantinedPercent"} <= keys
    names_of_the_example = {"amount", "lines"}
    assert keys - TOLD - names_of_the_example == set()


def test_every_word_is_told():
    words = {*PERSONAL, *ROW_RULES, *SEVERITIES, *MEASURES, *UNITS, *FITTING, STANDARDS[0], STANDARDS[-1]}
    assert words - TOLD == set()
    assert {"tinyint", "smallint", "int", "bigint", "float", "double", "timestamp_ntz"} <= TOLD
    assert len(DELIMITERS) == 4


def test_the_example_is_a_contract():
    document = document_of(EXAMPLE.encode(), "docs/contracts.md")
    contract = contract_of(document)
    document.check()
    assert contract.table == "silver.sales" and contract.consumers and contract.row_rules
    assert against_the_standard(EXAMPLE) == []


def test_what_is_shown_as_refused_is():
    table = PAGE.split("## Patterns")[1].split("\n## ")[0]
    shown = [pattern.replace("\\|", "|") for pattern in re.findall(r"^\| `(\^[^`]+)` \|", table, re.M)]
    assert len(shown) == 6
    for pattern in shown[:5]:
        assert danger(pattern, None), pattern
    assert danger(shown[4], 500) == "" != danger(shown[4], 501)
    assert danger(shown[3], 1000) == "" and danger("^.*-.*-.*$", 100) == "" != danger("^.*-.*-.*$", 101)
