"""Readings of texts: what all texts of a column can be read as, with the form in which they say it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lakemill.contracts.contract import TextForm

NO_VALUES = ("", "NULL", "null", "N/A", "n/a", "NA", "-")
"""Texts that people write for no value; meant so where all others can be read as something."""
BOOLEANS = (("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("yes", "no"), ("Y", "N"), ("y", "n"), ("t", "f"))
WHOLE_NUMBER = r"0|-?[1-9][0-9]{0,17}"
"""A text with zeros before it is a number of something, as a postcode is, and no quantity."""
NUMBERS: Mapping[tuple[str, str], str] = {
    (".", ""): r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,18})?",
    (",", ""): r"-?(0|[1-9][0-9]{0,20})(,[0-9]{1,18})?",
    (".", ","): r"-?(0|[1-9][0-9]{0,2}(,[0-9]{3})*)(\.[0-9]{1,18})?",
    (",", "."): r"-?(0|[1-9][0-9]{0,2}(\.[0-9]{3})*)(,[0-9]{1,18})?",
}
DATES: Mapping[str, str] = {
    "yyyy-MM-dd": "%Y-%m-%d", "dd.MM.yyyy": "%d.%m.%Y", "dd/MM/yyyy": "%d/%m/%Y", "MM/dd/yyyy": "%m/%d/%Y",
    "yyyy/MM/dd": "%Y/%m/%d",
}  # fmt: skip
TIMES: Mapping[str, str] = {
    "yyyy-MM-dd'T'HH:mm:ss": "%Y-%m-%dT%H:%M:%S", "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]": "%Y-%m-%dT%H:%M:%S.%f",
}  # fmt: skip
ISO = "yyyy-MM-dd"


@dataclass(frozen=True)
class Reading:
    """A way to read texts.   words: it, for people."""

    logical: str
    words: str
    form: TextForm


def readings_of(texts: Sequence[str]) -> list[Reading]:
    """All ways to read all of these texts; none where they are texts and no more, or nothing but no value."""
    given = {*texts}
    missing = tuple(text for text in NO_VALUES if text in given)
    rest = given - {*missing}
    readings = list(_ways(rest)) if rest else []
    return [replace(reading, form=replace(reading.form, missing=missing)) for reading in readings]


def _ways(texts: Collection[str]) -> Iterator[Reading]:
    """Of the simplest kind that fits; several of one kind where the texts do not tell which."""
    usual = TextForm()
    for true, false in BOOLEANS:
        if {*texts} <= {true, false}:
            yield Reading("boolean", f"{true} or {false}", replace(usual, true=(true,), false=(false,)))
            return
    if _all(WHOLE_NUMBER, texts):
        yield Reading("integer", "whole numbers", usual)
        return
    for decimal, group in _separators(texts):
        words = f'numbers with "{decimal}"' + (f' and thousands with "{group}"' if group else "")
        yield Reading("number", words, replace(usual, decimal=decimal, group=group))
    yield from _moments(texts)


def _separators(texts: Collection[str]) -> list[tuple[str, str]]:
    """What may stand before decimals and between thousands; only what some text has."""
    fitting = [pair for pair, pattern in NUMBERS.items() if _all(pattern, texts)]
    letters = set("".join(texts))
    used = [(decimal, group) for decimal, group in fitting if group in letters or (not group and decimal in letters)]
    return used or fitting[:1]


def _moments(texts: Collection[str]) -> Iterator[Reading]:
    usual = TextForm()
    for layout, shape in DATES.items():
        if all(_is_moment(text, shape, len(layout)) for text in texts):
            yield Reading("date", f"dates as {layout}", replace(usual, layout="" if layout == ISO else layout))
    for layout, shape in TIMES.items():
        if all(_is_moment(text, shape, 0) for text in texts):
            yield Reading("timestamp", f"times as {layout} without an offset", replace(usual, layout=layout))
        elif all(_is_moment(text, f"{shape}%z", 0) for text in texts):
            form = replace(usual, layout=f"{layout}XXX", offset=True)
            yield Reading("timestamp", f"times as {layout} with an offset", form)


def _is_moment(text: str, shape: str, length: int) -> bool:
    if length and len(text) != length:
        return False
    try:
        datetime.strptime(text, shape)
    except ValueError:
        return False
    return bool(re.search(r"\d$|Z$", text))


def _all(pattern: str, texts: Collection[str]) -> bool:
    return all(re.fullmatch(pattern, text, re.ASCII) for text in texts)
