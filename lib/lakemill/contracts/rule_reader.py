"""Reading the rules that a contract gives for rows and for the whole table."""

import re
from collections.abc import Sequence
from typing import Any

from lakemill.contracts.entry import Entry
from lakemill.contracts.rules import (
    MEASURES,
    QUARANTINE,
    SEVERITIES,
    TABLE_SEVERITIES,
    WARN,
    Measure,
    Reference,
    RowCount,
    RowRule,
    TableRule,
    Totals,
    Unique,
)
from lakemill.errors import did_you_mean

ENGINE = "lakemill"
RULE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
AT_LEAST, MORE = "mustBeGreaterOrEqualTo", "mustBeGreaterThan"
AT_MOST, LESS = "mustBeLessOrEqualTo", "mustBeLessThan"
EXACT, BETWEEN = "mustBe", "mustBeBetween"
WAY = re.compile(r"(?P<table>[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\.(?P<column>[A-Za-z_][A-Za-z0-9_]*)")


def read_quality(table: Entry) -> tuple[tuple[RowRule, ...], tuple[TableRule, ...]]:
    """The rules under `quality`: of rows, and of the table."""
    rows, tables = list[RowRule](), list[TableRule]()
    for entry in table.entries("quality"):
        kind = entry.text("type", ("library", "custom"), "custom" if entry.has("implementation") else "library")
        name, description = _name(entry), entry.text("description")
        if kind == "custom" and isinstance(entry.any("implementation"), str):
            entry.need("engine")
            entry.text("engine", (ENGINE,))
            severity = entry.text("severity", SEVERITIES, QUARANTINE)
            rows.append(RowRule(name, entry.text("implementation"), severity, description))
        else:
            demand = _totals(entry) if kind == "custom" else _metric(entry)
            severity = entry.text("severity", TABLE_SEVERITIES, WARN)
            tables.append(TableRule(name, demand, severity, description))
        entry.close()
    return tuple(rows), tuple(tables)


def read_relations(table: Entry, name: str) -> tuple[TableRule, ...]:
    """The rules under `relationships`: several columns that refer to another table's."""
    rules = []
    for entry in table.entries("relationships"):
        entry.need("id", "from", "to")
        entry.text("type", ("foreignKey",))
        custom = entry.custom()
        columns = [way.removeprefix(f"{name}.") for way in _ways(entry, "from")]
        target, keys = read_target(entry, _ways(entry, "to"), "to")
        if len(columns) != len(keys):
            entry.note("to", f"there are {len(columns)} columns in from and {len(keys)} in to; as many were expected.")
        severity = custom.text("severity", TABLE_SEVERITIES, WARN)
        demand = Reference(tuple(columns), target, keys)
        rules.append(TableRule(_name(entry, "id"), demand, severity, custom.text("description")))
        custom.close()
        entry.close()
    return tuple(rules)


def read_target(entry: Entry, ways: Sequence[str], key: str) -> tuple[str, tuple[str, ...]]:
    """The table that some ways layer.name.column lead to, and its columns."""
    matches = [WAY.fullmatch(way) for way in ways]
    for way, match in zip(ways, matches, strict=True):
        if way and not match:
            entry.note(key, f'"{way}" leads nowhere: a table\'s column was expected, as silver.products.product_id.')
    tables = sorted({match["table"] for match in matches if match})
    if len(tables) > 1:
        entry.note(key, f"it leads to several tables: {', '.join(tables)}; one was expected.")
    return (tables or [""])[0], tuple(match["column"] for match in matches if match)


def _ways(entry: Entry, key: str) -> tuple[str, ...]:
    return (entry.text(key),) if isinstance(entry.values.get(key), str) else entry.texts(key)


def _name(entry: Entry, key: str = "name") -> str:
    entry.need(key)
    name = entry.text(key)
    if name and not RULE_NAME.fullmatch(name):
        entry.note(key, f'"{name}" is no name of a rule: small letters, digits and _, at most 40, were expected.')
    return name


def _metric(entry: Entry) -> Unique | RowCount:
    entry.need("metric")
    if entry.text("metric", ("duplicateValues", "rowCount")) == "rowCount":
        return _row_count(entry)
    if entry.whole(EXACT) != 0:
        entry.note(EXACT, "mustBe: 0 was expected, for no duplicate is allowed.")
    entry.need("arguments")
    arguments = entry.entry("arguments")
    arguments.need("properties")
    columns = arguments.texts("properties")
    arguments.close()
    return Unique(columns)


def _row_count(entry: Entry) -> RowCount:
    keys = (EXACT, AT_LEAST, MORE, AT_MOST, LESS, BETWEEN)
    given = [key for key in keys if entry.has(key)]
    entry.taken += keys
    if len(given) != 1:
        entry.document.note(entry.where, f"one of {', '.join(keys)} was expected.")
        return RowCount()
    key = given[0]
    if key == BETWEEN:
        counts = [item for _, item in entry.items(key)]
        if len(counts) != 2 or not all(type(count) is int and count >= 0 for count in counts) or counts[0] > counts[1]:
            entry.note(key, "two whole numbers were expected, the smaller one first.")
            return RowCount()
        return RowCount(counts[0], counts[1])
    count = entry.whole(key) or 0
    if key == LESS and not count:
        entry.note(key, "no table has less than 0 rows.")
    ranges = {EXACT: (count, count), AT_LEAST: (count, None), MORE: (count + 1, None), AT_MOST: (0, count)}
    return RowCount(*ranges.get(key, (0, count - 1)))


def _totals(entry: Entry) -> Totals:
    entry.need("engine", "implementation")
    entry.text("engine", (ENGINE,))
    if not isinstance(entry.values.get("implementation"), dict):
        entry.note("implementation", "a predicate or a map with `measures` was expected.")
        return Totals(())
    given = entry.entry("implementation")
    given.need("measures")
    if given.has("valid") == given.has("equals"):
        entry.note("implementation", "either `valid`, a predicate, or `equals`, another table, was expected.")
    other = given.entry("equals")
    if given.has("equals"):
        other.need("table", "measures")
    totals = Totals(
        measures=_measures(given),
        by=given.texts("by"),
        valid=given.text("valid"),
        table=other.text("table"),
        others=_measures(other),
    )
    other.close()
    given.close()
    return totals


def _measures(entry: Entry) -> tuple[Measure, ...]:
    given, measures = entry.entry("measures"), []
    if entry.has("measures") and not given.values:
        entry.note("measures", "it is empty; a name and what is measured was expected, as in amount: sum(amount).")
    for name in given.values:
        text = given.text(name)
        match = re.fullmatch(r"(\w+)(?:\((\w+)\))?", text)
        if not re.fullmatch(r"[A-Za-z_]\w{0,62}", name):
            given.note(name, f'"{name}" is no name of a measure: letters, digits and _ were expected.')
        elif match and match[1] in MEASURES and MEASURES[match[1]] == bool(match[2]):
            measures.append(Measure(name, match[1], match[2] or ""))
        elif text:
            given.note(name, f'"{text}" is not measured: {_known_measures()} were expected. {_near(match)}'.strip())
    return tuple(measures)


def _known_measures() -> str:
    return ", ".join(f"{what}(column)" if of_column else what for what, of_column in MEASURES.items())


def _near(match: Any) -> str:
    hint = did_you_mean(match[1], MEASURES) if match and match[1] not in MEASURES else ""
    return hint if hint.startswith("Did") else ""
