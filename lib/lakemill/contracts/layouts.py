"""Layouts of dates and times in texts, as Java's DateTimeFormatter writes them, and zones of times that tell none.

Only layouts by which each text means one thing are taken: no two digits for a year, no fields that are cut off.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

from lakemill.errors import did_you_mean

OF_A_DAY, OF_A_CLOCK, OF_AN_OFFSET = "yMd", "HhmsSa", "XxZOVz"
LAYOUT_PART = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", re.DOTALL)
NEEDED = {"y": "the year (yyyy)", "M": "the month (MM)", "d": "the day (dd)"}


def layout_faults(layout: str, kind: str, offset: bool) -> Iterator[str]:
    """Why no date or timestamp can be read by a layout, or not by it alone.   offset: whether texts tell theirs."""
    parts = [match[0] for match in LAYOUT_PART.finditer(layout)]
    letters = "".join(part[0] for part in parts if part[0].isalpha())
    if layout.count("'") % 2:
        yield "a quote is not closed; text within a layout stands in two quotes, as in yyyy-MM-dd'T'HH:mm"
    if layout.count("[") != layout.count("]"):
        yield "a bracket is not closed; optional parts stand in [ ]"
    optional = "".join(re.findall(r"\[[^\]]*\]?", layout))
    for letter in sorted(set(re.sub(r"'[^']*'", "", optional)) & set(OF_A_DAY + "Hh" + OF_AN_OFFSET)):
        yield f"{letter} stands in [ ]: texts without it would be read as something that they do not say"
    if "S" * 7 in layout:
        yield "Spark keeps six digits of a second's fraction; write at most SSSSSS"
    yield from _unfit_letters(parts, kind)
    for letter, name in NEEDED.items():
        if letter not in letters:
            yield f"it has not {name}"
    if kind == "timestamp":
        yield from _clock_faults(letters, offset)


def _unfit_letters(parts: list[str], kind: str) -> Iterator[str]:
    taken = OF_A_DAY + (OF_A_CLOCK + OF_AN_OFFSET if kind == "timestamp" else "")
    for part in parts:
        letter = part[0]
        if not letter.isalpha():
            continue
        if letter == "u" or part in ("yy", "y", "yyy"):
            yield f"{part} does not tell the century or the era; years are written yyyy"
        elif letter in OF_A_CLOCK + OF_AN_OFFSET and kind == "date":
            yield f"{part} is of a time, which a date would lose; declare a timestamp, or another layout"
        elif letter not in taken:
            yield f"{part} is not taken; known are {', '.join(taken)}"


def _clock_faults(letters: str, offset: bool) -> Iterator[str]:
    if not set(letters) & set("Hh"):
        yield "it has not the hour (HH); declare a date, or another layout"
    if "h" in letters and "a" not in letters:
        yield "hh without a does not tell morning from evening; write HH, or add a"
    if "H" in letters and "a" in letters:
        yield "HH has no use for a; write hh with a, or HH alone"
    tells = bool(set(letters) & set(OF_AN_OFFSET))
    if tells and not offset:
        yield "it has an offset, and timezone is not true"
    if offset and not tells:
        yield "timezone is true, and it has no offset (XXX)"


def zone_fault(zone: str) -> str:
    """Why this is no time zone; empty where it is."""
    if re.fullmatch(r"[+-](0\d|1[0-7]):[0-5]\d|[+-]18:00", zone):
        return ""
    try:
        if re.fullmatch(r"UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+", zone) and ZoneInfo(zone):
            return ""
    except (KeyError, ValueError, OSError):
        pass
    places = [name for name in available_timezones() if "/" in name]
    return f'"{zone}" is no time zone; write a place, as Europe/Berlin, or an offset, as +01:00. {_close(zone, places)}'


def _close(zone: str, places: list[str]) -> str:
    hint = did_you_mean(zone, places)
    return hint if hint.startswith("Did") else ""


def moment(text: str, kind: str) -> date | datetime | None:
    """The date or the time that a text in ISO 8601 means; None where it means none."""
    try:
        if kind == "date":
            return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
        shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?"
        return datetime.fromisoformat(text) if re.fullmatch(shape, text) else None
    except ValueError:
        return None
