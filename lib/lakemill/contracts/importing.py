"""Importing a contract of somebody else's: what lakemill has a meaning for is taken, the rest is left out by name.

First what other words say is said in lakemill's own, then the reader judges it: what the reader does not take is left
out, with its reason, until nothing is wrong.
"""

from collections.abc import Iterator
from typing import Any

from lakemill.contracts.contract import Contract
from lakemill.contracts.document import CUSTOM, ContractError, Document, Problem, Where, document_of
from lakemill.contracts.infer import Draft
from lakemill.contracts.reader import contract_of
from lakemill.contracts.translation import Translation
from lakemill.errors import UsageError
from lakemill.job import TABLE_NAME

ITEMS = ("quality", "relationships", "enum", "slaProperties", CUSTOM)
"""Lists whose items say a thing together: what is wrong within an item is wrong with it."""
DECIDING = ("name", "logicalType", "physicalType")
"""Without these of its keys nothing can be said of a column."""


def imported(content: bytes, file: str, table: str = "") -> Draft:
    """The contract of a file of the standard, and what was changed or left out of it, by name.

    table: which of the file's tables, as it is called here; empty where the file has one with a name of our own.
    Raises UsageError where it is no contract of the standard's version 3, or has not that table.
    """
    document = document_of(content, file)
    values = document.value
    if not isinstance(values, dict) or not str(values.get("apiVersion", "")).startswith("v3."):
        raise UsageError(f"{file}: a data contract with apiVersion v3 was expected (Open Data Contract Standard).")
    notes = [f"left out {problem.place or 'a value'}: {problem.what}" for problem in _unreadable(document)]
    item, name = _chosen(file, values, table)
    translation = Translation(name)
    values = translation.contract(values, item)
    contract, left = _read(file, values)
    return Draft(contract, (*notes, *translation.notes, *left))


def _unreadable(document: Document) -> Iterator[Problem]:
    """What the file's YAML cannot say; dates without quotes are taken for texts."""
    for problem in document.placed():
        if "as a date" not in problem.what:
            yield problem


def _chosen(file: str, values: dict[str, Any], table: str) -> tuple[dict[str, Any], str]:
    """The table of a file that was asked for, and how it is called here."""
    items = [
        item for item in values.get("schema") or [] if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]
    names = [item["name"] for item in items]
    if not items:
        raise UsageError(f"{file}: it has no table under `schema`.")
    wanted = [item for item in items if item["name"] in (table, table.rpartition(".")[2])] or items
    if len(wanted) > 1:
        raise UsageError(
            f"{file}: it has the tables {', '.join(names)}. Name one of them after a layer, as silver.{names[0]}."
        )
    name = table or wanted[0]["name"]
    if not TABLE_NAME.fullmatch(name):
        raise UsageError(f'{file}: "{name}" is no name of a table here. Say what to call it, as silver.{name.lower()}.')
    return wanted[0], name


def _read(file: str, values: dict[str, Any]) -> tuple[Contract, list[str]]:
    """The contract, and what had to be left out of the values for it."""
    notes = list[str]()
    while True:
        document = Document(file, values)
        contract = contract_of(document)
        if not document.problems:
            return contract, notes
        problem = document.placed()[0]
        where = _left_out(document.numbered(problem.where), problem.extra)
        if len(where) < 1 or where in (("schema",), ("schema", 0), ("schema", 0, "properties")):
            raise ContractError(document.placed())
        why = "lakemill has no meaning for it." if problem.extra else problem.what
        notes.append(f"left out {document.place(where)}: {why}")
        _remove(values, where)


def _left_out(where: Where, extra: bool) -> Where:
    """What goes with something that is wrong at a place."""
    if extra:
        # A custom property is a name and a value.
        return where[:-1] if where[-1:] == ("value",) and where[-3:-2] == (CUSTOM,) else where
    for at in range(len(where) - 1, 0, -1):
        if isinstance(where[at], int) and where[at - 1] in ITEMS:
            return where[: at + 1]
    in_column = where[2:3] == ("properties",) and len(where) > 3
    return where[:4] if in_column and where[4:5] in tuple((key,) for key in DECIDING) else where


def _remove(values: Any, where: Where) -> None:
    """Take a place, or the nearest one around it that is there, out of the values."""
    around, step, value = values, where[0], values
    for each in where:
        inside = isinstance(value, dict) and each in value
        if not inside and not (isinstance(value, list) and isinstance(each, int) and each < len(value)):
            break
        around, step, value = value, each, value[each]
    del around[step]
