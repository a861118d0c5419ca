"""What is written is read as it was, and is a contract of the standard: of contracts made by chance."""

import random
from pathlib import Path

import pytest
import yaml
from contracts.random_contracts import random_contract
from contracts.standard import against_the_standard, validator

from lakemill.contracts.document import ContractError, document_of
from lakemill.contracts.reader import contract_of
from lakemill.contracts.writer import contract_text

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "conf" / "contracts").glob("*.yaml"))
BLOCKS, IN_A_BLOCK = 20, 30


def read(text: str):
    document = document_of(text.encode(), "conf/contracts/x.yaml")
    contract = contract_of(document)
    document.check()
    return contract


@pytest.mark.parametrize("block", range(BLOCKS))
def test_what_is_written_is_read_as_it_was(block):
    for seed in range(block * IN_A_BLOCK, (block + 1) * IN_A_BLOCK):
        contract = random_contract(seed)
        text = contract_text(contract)
        try:
            assert read(text) == contract, f"seed {seed}\n{text}"
        except ContractError as error:
            pytest.fail(f"seed {seed}: {error}\n{text}")
        assert contract_text(read(text)) == text, f"seed {seed}"


@pytest.mark.parametrize("block", range(BLOCKS))
def test_what_is_written_is_of_the_standard(block):
    for seed in range(block * 10, block * 10 + 10):
        text = contract_text(random_contract(seed))
        assert against_the_standard(text) == [], f"seed {seed}\n{text}"


def test_the_standards_schema_refuses_what_is_not_of_it():
    """Else the tests above would show nothing."""
    values = yaml.safe_load(contract_text(random_contract(1)))
    assert validator().is_valid(values)
    for broken in ({**values, "tables": []}, {**values, "kind": "Contract"}, {**values, "slaProperties": [{}]}):
        assert not validator().is_valid(broken)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_files_are_of_the_standard(path):
    assert against_the_standard(path.read_text()) == []
    assert against_the_standard(contract_text(read(path.read_text()))) == []


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_mutated_file_is_read_or_refused_in_words(block):
    """Letters, lines and values are taken out, doubled and exchanged; no other error than ours may come of it."""
    texts = [path.read_text() for path in FILES]
    refused = 0
    for seed in range(block * IN_A_BLOCK, (block + 1) * IN_A_BLOCK):
        chance = random.Random(seed)
        text = mutated(chance, chance.choice([*texts, contract_text(random_contract(seed))]))
        try:
            read(text)
        except ContractError as error:
            refused += 1
            assert all(1 <= problem.line <= text.count("\n") + 2 for problem in error.problems), f"seed {seed}"
            assert str(error).startswith("conf/contracts/x.yaml, line "), f"seed {seed}: {error}"
    assert refused > IN_A_BLOCK / 4


JUNK = ["\x00", "\t", "'", '"', ":", "&a ", "*a", "{", "]", "- ", "!!set ", "é", "9" * 50, "\n\n", "#"]
VALUES = ["no", "[]", "{}", "~", "010", "2017-01-01", "1.5", "x", "''"]


def mutated(chance: random.Random, text: str) -> str:
    for _ in range(chance.randint(1, 3)):
        lines = text.splitlines(keepends=True)
        at, other, letter = chance.randrange(len(lines)), chance.randrange(len(lines)), chance.randrange(len(text))
        before, after = lines[:at], lines[at + 1 :]
        key = lines[at].partition(":")[0]
        texts = [
            text[:letter] + chance.choice(JUNK) + text[letter:],
            text[:letter] + text[letter + 1 :],
            "".join(before + after),
            "".join([*before, lines[other], *lines[at:]]),
            "".join([*before, f"{key}: {chance.choice(VALUES)}\n", *after]),
        ]
        text = chance.choice(texts)
    return text
