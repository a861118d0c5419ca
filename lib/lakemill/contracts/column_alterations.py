"""What differs between the columns of two contracts of a table, and whom each difference breaks."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from lakemill.contracts.alteration import (
    READERS,
    WRITERS,
    Alteration,
    broken,
    plain_alterations,
    severity_altered,
    shown,
)
from lakemill.contracts.contract import Bound, ColumnTerms, Contract, Given
from lakemill.contracts.layouts import moment
from lakemill.contracts.rules import WARN
from lakemill.contracts.spark_types import spark_type


def columns_altered(old: Contract, new: Contract) -> Iterator[Alteration]:
    """What differs between the columns, in their order."""
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    added = [name for name in after if name not in before]
    for name in before:
        if name not in after:
            close = get_close_matches(name, [other for other in added if _alike(before[name], after[other])], n=1)
            hint = f"removed; renamed to {close[0]}?" if close else "removed"
            yield Alteration(f"column {name}", hint, before[name].physical, "", (READERS,))
    for name, column in after.items():
        if name in before:
            yield from _column(before[name], column)
        else:
            held = column.required and column.severity("required") != WARN
            yield Alteration(f"column {name}", "added", "", column.physical, (WRITERS,) if held else ())


def _alike(old: ColumnTerms, new: ColumnTerms) -> bool:
    return (old.logical, old.physical) == (new.logical, new.physical)


def _column(old: ColumnTerms, new: ColumnTerms) -> Iterator[Alteration]:
    place = f"column {new.name}"
    if not _alike(old, new):
        yield _type(old, new)
    yield from plain_alterations(old, new, place, ("description", "personal"))
    yield from plain_alterations(old.form, new.form, place, tuple(each.name for each in fields(old.form)), (WRITERS,))
    for rule, before, after, tighter, looser in _demands(old, new):
        was, now = old.severity(rule) if before else "", new.severity(rule) if after else ""
        if before != after:
            breaks = broken(tighter, looser, was, now)
            yield Alteration(place, rule, shown(before), shown(after), breaks)
        if was and now and was != now:
            yield severity_altered(place, rule, was, now)


def _type(old: ColumnTerms, new: ColumnTerms) -> Alteration:
    """A type that holds all that the old one did breaks nobody: readers follow a column that is widened."""
    before, after = (f"{each.logical} as {each.physical}" for each in (old, new))
    was, now = spark_type(old.physical), spark_type(new.physical)
    place = f"column {new.name}"
    if was and now and was.widens_to(now) and old.logical == new.logical:
        return Alteration(place, "type widened" if was != now else "type", before, after)
    if was and now and now.widens_to(was) and old.logical == new.logical:
        return Alteration(place, "type narrowed", before, after, (WRITERS,))
    return Alteration(place, "type changed", before, after, (READERS, WRITERS))


Demand = tuple[str, Any, Any, bool, bool]
"""A rule of a column: its name, what it was, what it is, whether it is tighter, whether it is looser."""


def _demands(old: ColumnTerms, new: ColumnTerms) -> Iterator[Demand]:
    for flag in ("required", "unique", "references"):
        before, after = getattr(old, flag), getattr(new, flag)
        yield flag, before, after, bool(after), bool(before)
    yield _values(old, new)
    for name, sign in (("minimum", 1), ("maximum", -1)):
        order = order_of_bounds(getattr(old, name), getattr(new, name), sign)
        yield name, getattr(old, name), getattr(new, name), order > 0, order < 0
    yield _length(old, new)
    changed = old.pattern != new.pattern
    yield "pattern", old.pattern, new.pattern, changed and bool(new.pattern), changed and bool(old.pattern)


def _values(old: ColumnTerms, new: ColumnTerms) -> Demand:
    gone, came = {*old.values} - {*new.values}, {*new.values} - {*old.values}
    if not old.values or not new.values:
        gone, came = came, gone
    return "values", old.values, new.values, bool(gone), bool(came)


def _length(old: ColumnTerms, new: ColumnTerms) -> Demand:
    orders = [
        order_of_bounds(None if was is None else Bound(was), None if now is None else Bound(now), sign)
        for was, now, sign in ((old.shortest, new.shortest, 1), (old.longest, new.longest, -1))
    ]
    before, after = (_letters(each.shortest, each.longest) for each in (old, new))
    return "length", before, after, max(orders) > 0, min(orders) < 0


def _letters(shortest: int | None, longest: int | None) -> str:
    if shortest is None and longest is None:
        return ""
    return f"{shortest or 0} to {'any' if longest is None else longest} letters"


def order_of_bounds(old: Bound | None, new: Bound | None, sign: int) -> int:
    """1 where the new bound lets less through than the old one, -1 where more, 0 where as much."""
    if old is None or new is None:
        return (new is not None) - (old is not None)
    before, after = _comparable(old.value), _comparable(new.value)
    if type(before) is not type(after):  # the column's type is another one, which breaks both sides
        return 0
    order = (after > before) - (after < before)
    return order * sign or new.exclusive - old.exclusive


def _comparable(value: Given) -> Any:
    if not isinstance(value, str):
        return Decimal(value)
    time: date | None = moment(value, "timestamp")
    return value if time is None else time.isoformat()
