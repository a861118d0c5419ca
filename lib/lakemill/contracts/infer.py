"""Inferring a contract: a first draft, from a table's columns and some of its rows, for a person to go over.

What only some rows tell is a guess: such rules warn, until somebody makes them stricter. A text that could be read in
two ways stays a text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lakemill.contracts.contract import ColumnTerms, Contract
from lakemill.contracts.readings import Reading, readings_of
from lakemill.contracts.rules import WARN
from lakemill.contracts.spark_types import FITTING, TEXT, spark_type

FEW_VALUES, OFTEN = 12, 20
"""A column of texts has a list of values where they are few and come often, each so many times on average."""
ENOUGH_ROWS = 100


@dataclass(frozen=True)
class Draft:
    """A contract, and what a person should know of it, in sentences."""

    contract: Contract
    notes: tuple[str, ...] = ()


def inferred(table: str, types: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Draft:
    """A draft from a table's columns (name -> Spark's type) and some of its rows."""
    columns, notes = list[ColumnTerms](), [_seen(rows)]
    for name, kind in types.items():
        known = spark_type(kind)
        if known is None:
            notes.append(f"{name} is left out: a contract has no {kind}.")
            continue
        values = [row.get(name) for row in rows]
        column, told = _text(name, values) if known.name == TEXT else (_typed(name, str(known)), [])
        columns.append(_required(column, values))
        notes += told
        notes += _uniqueness(name, values)
    return Draft(Contract(table, tuple(columns)), tuple(notes))


def _seen(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "Inferred from the columns alone: there are no rows."
    return f"Inferred from {len(rows):,} rows. Rules that rows suggest only warn: look at each, and make it stricter."


def _typed(name: str, kind: str) -> ColumnTerms:
    plain = kind.partition("(")[0]
    logical = next(logical for logical, fitting in FITTING.items() if plain in fitting and logical != "string")
    if kind.startswith("decimal"):
        logical = "integer" if kind.endswith(",0)") else "number"
    return ColumnTerms(name, logical, kind)


def _text(name: str, values: Sequence[Any]) -> tuple[ColumnTerms, list[str]]:
    """A column of texts as what all of them can be read as."""
    texts = [value for value in values if value is not None]
    readings = readings_of(texts)
    if len(readings) > 1:
        ways = " and as ".join(reading.words for reading in readings)
        return _plain(name, texts), [f"{name} stays a text: all of it can be read as {ways}. Say which."]
    if not readings:
        return _plain(name, texts), []
    reading: Reading = readings[0]
    column = ColumnTerms(name, reading.logical, TEXT, form=reading.form, severities=(("type", WARN),))
    return column, [f"{name} can be read as {reading.words}."]


def _plain(name: str, texts: Sequence[str]) -> ColumnTerms:
    column = ColumnTerms(name, "string", TEXT)
    filled = [text for text in texts if text]
    if len(filled) < len(texts):
        column = replace(column, form=replace(column.form, missing=("",)))
    values = sorted(set(filled))
    if 1 < len(values) <= FEW_VALUES and len(filled) >= max(ENOUGH_ROWS, OFTEN * len(values)):
        return replace(column, values=tuple(values), severities=(("values", WARN),))
    return column


def _required(column: ColumnTerms, values: Sequence[Any]) -> ColumnTerms:
    if not values or any(value is None or value in column.form.missing for value in values):
        return column
    return replace(
        column, required=True, severities=tuple(sorted({*column.severities, ("required", WARN)}, key=_order))
    )


def _order(severity: tuple[str, str]) -> int:
    return ("type", "required", "values").index(severity[0])


def _uniqueness(name: str, values: Sequence[Any]) -> Iterator[str]:
    if len(values) >= ENOUGH_ROWS and None not in values and len(set(values)) == len(values):
        yield f"{name} has another value in each of these rows: if it is a key, add primaryKey: true, or unique: true."
