"""Reading a contract from its file: what stands there as a value, or every problem with its line."""

from collections.abc import Iterator
from typing import Any

from lakemill.contracts.column_reader import read_column
from lakemill.contracts.consistency import contradictions
from lakemill.contracts.contract import (
    ADD,
    MOST_QUARANTINED,
    REFUSE,
    WIDEN,
    ColumnTerms,
    Consumer,
    Contract,
)
from lakemill.contracts.document import Document
from lakemill.contracts.entry import Entry
from lakemill.contracts.rule_reader import read_quality, read_relations
from lakemill.contracts.rules import QUARANTINE, SEVERITIES, WARN
from lakemill.job import TABLE_NAME

STANDARDS = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")
"""Versions of the Open Data Contract Standard; 3.2 brought `enum`."""
UNITS = {"min": 1, "h": 60, "d": 24 * 60}
"""Of how fresh a table has to be, in minutes."""
LATENCY = "latency"
DELIMITERS = (",", ";", "|", "\t")


def contract_of(document: Document) -> Contract:
    """A document's contract. Where the document has problems afterwards, the contract is not to be used."""
    top = Entry(document, (), document.value)
    top.need("apiVersion", "kind", "id", "version", "schema")
    top.text("apiVersion", STANDARDS)
    top.text("kind", ("DataContract",))
    top.text("status", ("active",))
    name = top.text("id")
    table = _table(top)
    contract = _contract(top, table) if table else Contract(name, ())
    if not table:  # nobody has looked at them, for want of a table
        top.taken += ["version", "description", "team", "slaProperties", "customProperties"]
    if table and name and name != contract.table:
        top.note("id", f'it is "{name}", and the table is "{contract.table}"; they are to be the same.')
    top.close()
    if not document.problems:
        for where, what in contradictions(contract):
            document.note(where, f"{what}.")
    return contract


def _table(top: Entry) -> Entry | None:
    """The one table of a contract."""
    items = top.items("schema")
    if len(items) != 1:
        if isinstance(top.values.get("schema"), list):
            top.note("schema", f"it has {len(items)} tables; a file is the contract of one.")
        return None
    return Entry(top.document, *items[0])


def _contract(top: Entry, table: Entry) -> Contract:
    table.need("name", "properties")
    name = table.text("name")
    if name and not TABLE_NAME.fullmatch(name):
        table.note("name", f'"{name}" is no table name; one reads layer.name in small letters.')
    table.text("physicalType", ("table",))
    table.text("logicalType", ("object",))
    columns, places = _columns(table)
    row_rules, table_rules = read_quality(table)
    table_rules += read_relations(table, name)
    custom = top.custom()
    changes = ("none",) if custom.values.get("schemaChanges") == "none" else None
    contract = Contract(
        table=name,
        columns=columns,
        version=top.text("version"),
        description=_purpose(top),
        owner=_owner(top),
        key=tuple(name for _, name in sorted(places)),
        row_rules=row_rules,
        own_table_rules=table_rules,
        consumers=tuple(_consumers(top, name)),
        changes=_changes(custom, changes),
        malformed=custom.text("malformed", (QUARANTINE, REFUSE), QUARANTINE),
        drift=custom.text("drift", SEVERITIES, WARN),
        most_quarantined=_percent(custom),
        encoding=custom.text("encoding"),
        delimiter=custom.text("delimiter", DELIMITERS),
    )
    custom.close()
    table.close()
    return contract


def _columns(table: Entry) -> tuple[tuple[ColumnTerms, ...], list[tuple[int, str]]]:
    """The columns, and those of the key with their positions in it."""
    columns, places = list[ColumnTerms](), list[tuple[int, str]]()
    entries = table.entries("properties")
    if not entries and isinstance(table.values.get("properties"), list):
        table.note("properties", "it has no column; a contract is of one or more.")
    for entry in entries:
        is_key, place = entry.flag("primaryKey"), entry.whole("primaryKeyPosition", 1)
        column = read_column(entry)
        if column.name and column.name.lower() in [other.name.lower() for other in columns]:
            entry.note("name", f'"{column.name}" is given twice; leave one of them out.')
        if is_key:
            place = place or len(places) + 1
            if place in [known for known, _ in places]:
                entry.note("primaryKeyPosition", f"another column has the position {place} in the key.")
            places.append((place, column.name))
        elif place:
            entry.note("primaryKeyPosition", "the column is not of the key; add primaryKey: true, or leave it out.")
        columns.append(column)
    return tuple(columns), places


def _purpose(top: Entry) -> str:
    description = top.entry("description")
    purpose = description.text("purpose")
    description.close()
    return purpose


def _owner(top: Entry) -> str:
    team = top.entry("team")
    owner = team.text("name")
    if top.has("team"):
        team.need("name")
    team.close()
    return owner


def _changes(custom: Entry, none: tuple[str, ...] | None) -> tuple[str, ...]:
    if none:
        custom.taken.append("schemaChanges")
        return ()
    given = custom.texts("schemaChanges", (ADD, WIDEN), (ADD, WIDEN))
    return tuple(change for change in (ADD, WIDEN) if change in given)


def _percent(custom: Entry) -> Any:
    percent = custom.number("mostQuarantinedPercent")
    if percent is not None and not 0 <= percent <= 100:
        custom.note("mostQuarantinedPercent", f"it is {percent}; 0 to 100 percent of a run's rows was expected.")
    return MOST_QUARANTINED if percent is None else percent


def _consumers(top: Entry, table: str) -> Iterator[Consumer]:
    for need in top.entries("slaProperties"):
        need.need("property", "value", "unit", "description")
        need.text("property", (LATENCY,))
        unit, value = need.text("unit", UNITS), need.whole("value", 1)
        columns = [_column(name.strip(), table) for name in need.text("element").split(",") if name.strip()]
        custom = need.custom()
        custom.need("consumer")
        minutes = UNITS.get(unit, 1) * (value or 1)
        who, action = custom.text("consumer"), need.text("description")
        yield Consumer(who, action, minutes, tuple(columns), custom.text("contact"))
        custom.close()
        need.close()


def _column(name: str, table: str) -> str:
    """A column by the standard's way to it, table.column, or by its name."""
    return name.removeprefix(f"{table}.")
