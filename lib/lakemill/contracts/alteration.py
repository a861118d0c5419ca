"""Alteration: one difference between two contracts of a table, and whom it breaks.

Readers are those who use the table: they rely on its columns and on what its rows never hold. Writers are those who
deliver to it: they rely on what they give being taken. A rule that is tightened breaks writers, one that is loosened
breaks readers; a rule that only warns holds nothing back and breaks nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lakemill.contracts.contract import REFUSE, Bound
from lakemill.contracts.rules import FAIL, QUARANTINE, WARN, Reference, RowCount

READERS, WRITERS = "readers", "writers"
STRICTNESS: Mapping[str, int] = {"": 0, WARN: 0, QUARANTINE: 1, FAIL: 2, REFUSE: 2}


@dataclass(frozen=True)
class Alteration:
    """One difference.   place: of what.   old, new: as people read them; empty where there is none.

    breaks: readers, writers, both or neither.
    """

    place: str
    what: str
    old: str = ""
    new: str = ""
    breaks: tuple[str, ...] = ()


def plain_alterations(
    old: Any, new: Any, place: str, names: tuple[str, ...], breaks: tuple[str, ...] = ()
) -> Iterator[Alteration]:
    """Values that are told and compared as they are."""
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Alteration(place, name, shown(before), shown(after), breaks)


def broken(tighter: bool, looser: bool, was: str, now: str) -> tuple[str, ...]:
    """Whom a rule breaks that was altered: only what holds rows back is relied on, or is felt."""
    readers = looser and STRICTNESS[was] > 0
    writers = tighter and STRICTNESS[now] > 0
    return ((READERS,) if readers else ()) + ((WRITERS,) if writers else ())


def severity_altered(place: str, rule: str, was: str, now: str) -> Alteration:
    """A rule's severity that is another one; only from and to a warning do rows come through."""
    breaks: tuple[str, ...] = ()
    if STRICTNESS[now] > STRICTNESS[was]:
        breaks = (WRITERS,)
    elif not STRICTNESS[now]:
        breaks = (READERS,)
    return Alteration(place, f"severity of {rule}", was, now, breaks)


def shown(value: Any) -> str:
    """A part of a contract as people read it."""
    if value is None or value is False or value == "":
        return ""
    if value is True:
        return "yes"
    if isinstance(value, Bound):
        return f"{value.value}{' (exclusive)' if value.exclusive else ''}"
    if isinstance(value, Reference):
        return f"{', '.join(value.columns)} in {value.table} ({', '.join(value.keys)})"
    if isinstance(value, RowCount):
        return f"{value.least} to {'any' if value.most is None else value.most} rows"
    if isinstance(value, tuple):
        return ", ".join("" if item is None else str(item) for item in value)
    if hasattr(value, "__dataclass_fields__"):
        parts = {each.name: shown(getattr(value, each.name)) for each in fields(value)}
        return ", ".join(f"{name} {text}" for name, text in parts.items() if text)
    return str(value)
