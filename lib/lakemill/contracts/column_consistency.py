"""Contradictions within what a contract says of one column."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from lakemill.contracts.contract import ROW_RULES, Bound, ColumnTerms, Given, TextForm
from lakemill.contracts.danger import danger
from lakemill.contracts.document import CUSTOM, Where
from lakemill.contracts.layouts import layout_faults, moment, zone_fault
from lakemill.contracts.rules import WARN
from lakemill.contracts.spark_types import FITTING, TEXT, meant_type, spark_type

TYPE_OPTIONS = "logicalTypeOptions"


def column_contradictions(column: ColumnTerms) -> Iterator[tuple[Where, str]]:
    """What in a column's terms cannot be, with its place below the column."""
    faults = [*_type_faults(column)]
    yield from faults
    yield from _form_faults(column)
    if not faults:
        yield from _bound_faults(column)
        yield from _value_faults(column)
    yield from _length_faults(column)
    yield from _severity_faults(column)


def _type_faults(column: ColumnTerms) -> Iterator[tuple[Where, str]]:
    kept = spark_type(column.physical)
    fitting = FITTING[column.logical]
    if kept is None:
        meant, _ = meant_type(column.physical)
        known = spark_type(meant)
        hint = f"write {meant}" if known else "known are " + ", ".join(_shown_type(name) for name in fitting)
        yield ("physicalType",), f'"{column.physical}" is no type of Spark\'s that is taken here; {hint}'
    elif kept.name not in fitting:
        types = " or ".join(_shown_type(name) for name in fitting)
        yield ("physicalType",), f"a {column.logical} is kept as {types}, not as {column.physical}"
    elif column.logical == "integer" and kept.scale:
        yield ("physicalType",), f"a whole number has no decimals, and {column.physical} has {kept.scale}"


def _shown_type(name: str) -> str:
    return "decimal(p,s)" if name == "decimal" else name


def _form_faults(column: ColumnTerms) -> Iterator[tuple[Where, str]]:
    form = column.form
    if column.logical in ("date", "timestamp") and form.layout:
        for fault in layout_faults(form.layout, column.logical, form.offset):
            yield (TYPE_OPTIONS, "format"), fault
    if form.zone:
        fault = zone_fault(form.zone)
        if fault:
            yield (TYPE_OPTIONS, "defaultTimezone"), fault
        elif form.offset:
            yield (
                (TYPE_OPTIONS, "defaultTimezone"),
                "timezone is true: each text tells its offset, and none needs another",
            )
        elif column.physical == "timestamp_ntz":
            yield (TYPE_OPTIONS, "defaultTimezone"), "a timestamp_ntz is the time on the wall; it has no zone"
    if column.physical == "timestamp_ntz" and form.offset:
        yield (TYPE_OPTIONS, "timezone"), "a timestamp_ntz would lose the offset; keep it as a timestamp"
    if form.group and form.group == form.decimal and column.logical == "number":
        yield (CUSTOM, "groupSeparator"), f'"{form.group}" cannot stand before decimals and between thousands'
    yield from _text_faults(form, column.logical)


def _text_faults(form: TextForm, logical: str) -> Iterator[tuple[Where, str]]:
    if logical == "boolean":
        for key, values in (("trueValues", form.true), ("falseValues", form.false)):
            if not values:
                yield (CUSTOM, key), "it is empty: no text would mean it"
        for text in sorted({*form.true} & {*form.false}):
            yield (CUSTOM, "falseValues"), f'"{text}" means true, too'
        for text in sorted(({*form.true} | {*form.false}) & {*form.missing}):
            yield (CUSTOM, "missingValues"), f'"{text}" means true or false, too'
    for text in form.missing:
        if form.trim and text != text.strip():
            yield (CUSTOM, "missingValues"), f'"{text}" never comes: blanks at the ends are taken off (trim)'


def _bound_faults(column: ColumnTerms) -> Iterator[tuple[Where, str]]:
    least, most = column.minimum, column.maximum
    places = {"minimum": least, "maximum": most}
    bad = False
    for key, bound in places.items():
        if bound:
            place = (TYPE_OPTIONS, f"exclusive{key.title()}" if bound.exclusive else key)
            for fault in _given_faults(bound.value, column):
                bad = True
                yield place, fault
    if least and most and not bad:
        where = (TYPE_OPTIONS, "exclusiveMaximum" if most.exclusive else "maximum")
        if _is_empty(least, most, column):
            yield where, f"no value lies between {least.value} and {most.value} as they are given"
    if not bad:
        yield from _out_of_range(column)


def _is_empty(least: Bound, most: Bound, column: ColumnTerms) -> bool:
    low, high = _ordered(least.value, column), _ordered(most.value, column)
    if low is None or high is None:
        return False
    if isinstance(low, Decimal) and isinstance(high, Decimal) and column.logical == "integer":
        first = low.to_integral_value("ROUND_FLOOR") + 1 if least.exclusive else low.to_integral_value("ROUND_CEILING")
        last = high.to_integral_value("ROUND_CEILING") - 1 if most.exclusive else high.to_integral_value("ROUND_FLOOR")
        return first > last
    return bool(low > high) or (low == high and (least.exclusive or most.exclusive))


def _out_of_range(column: ColumnTerms) -> Iterator[tuple[Where, str]]:
    """Bounds that no value of the type meets."""
    kept = spark_type(column.physical)
    if kept is None or kept.range is None:
        return
    lowest, highest = kept.range
    least, most = column.minimum, column.maximum
    if least and Decimal(least.value) > highest:
        yield (TYPE_OPTIONS, "minimum"), f"{column.physical} holds nothing larger than {highest}"
    if most and Decimal(most.value) < lowest:
        yield (TYPE_OPTIONS, "maximum"), f"{column.physical} holds nothing less than {lowest}"


def _value_faults(column: ColumnTerms) -> Iterator[tuple[Where, str]]:
    if column.values and column.logical == "boolean":
        yield ("enum",), "a boolean is true or false; leave it out"
        return
    for at, value in enumerate(column.values):
        where: Where = ("enum", at, "value")
        faults = [*_given_faults(value, column)]
        if value in column.values[:at]:
            faults.append(f"{value} is given twice")
        elif not faults:
            faults = [*_excluded(value, column)]
        for fault in faults:
            yield where, fault


def _given_faults(value: Given, column: ColumnTerms) -> Iterator[str]:
    """Why a value cannot be one of the column's."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        yield f"a {column.logical} was expected"
    elif column.logical in ("integer", "number"):
        yield from _number_faults(value, column)
    elif not isinstance(value, str):
        yield f"{value} is a number and the column's values are not; put it in quotes"
    elif column.logical in ("date", "timestamp"):
        time = moment(value, column.logical)
        if time is None:
            shape = "2017-12-31" if column.logical == "date" else "2017-12-31T23:59:59Z"
            yield f'"{value}" is no {column.logical} as ISO 8601 has it, such as "{shape}"'
        elif isinstance(time, datetime) and (time.tzinfo is None) != (column.physical == "timestamp_ntz"):
            yield f'"{value}" {"lacks an" if time.tzinfo is None else "has an"} offset, unlike the column\'s values'
    elif column.logical == "boolean":
        yield "booleans are not compared"


def _number_faults(value: Given, column: ColumnTerms) -> Iterator[str]:
    if isinstance(value, str):
        yield f'"{value}" is a text; a number without quotes was expected'
        return
    number, kept = Decimal(value), spark_type(column.physical)
    if column.logical == "integer" and number != number.to_integral_value():
        yield f"{value} is no whole number"
    elif kept and kept.name == "decimal" and _decimals(number) > kept.scale:
        yield f"{value} has more decimals than {kept} holds"


def _decimals(number: Decimal) -> int:
    """How many digits stand behind the point, zeros at the end left out."""
    _, digits, exponent = number.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -(exponent + zeros)) if isinstance(exponent, int) and any(digits) else 0


def _excluded(value: Given, column: ColumnTerms) -> Iterator[str]:
    """Which other terms of the column an allowed value does not meet."""
    if isinstance(value, str) and value in column.form.missing:
        yield f'"{value}" means no value (missingValues)'
    for word, bound, sign in (("minimum", column.minimum, 1), ("maximum", column.maximum, -1)):
        if bound and not _given_faults_of(bound, column):
            own, other = _ordered(value, column), _ordered(bound.value, column)
            if own is not None and other is not None:
                order = ((own > other) - (own < other)) * sign
                if order < 0 or (order == 0 and bound.exclusive):
                    yield f"{value} is beyond the {word} {bound.value}"
    if isinstance(value, str) and column.logical == "string":
        if not (column.shortest or 0) <= len(value) <= (len(value) if column.longest is None else column.longest):
            yield f'"{value}" has {len(value)} letters, which the lengths do not allow'
        if _differs(value, column):
            yield f'"{value}" does not match the pattern'
    kept = spark_type(column.physical)
    if kept and kept.range and isinstance(value, int | Decimal) and not kept.range[0] <= value <= kept.range[1]:
        yield f"{value} is out of the range of {column.physical}"


def _differs(value: str, column: ColumnTerms) -> bool:
    """Whether a text is not what the pattern says, as far as Python's expressions have the same words as Java's."""
    pattern = column.pattern
    if not pattern or "\\p" in pattern.lower() or danger(pattern, column.longest):
        return False
    return not re.fullmatch(pattern[1:-1], value, re.ASCII)


def _given_faults_of(bound: Bound, column: ColumnTerms) -> list[str]:
    return [*_given_faults(bound.value, column)]


def _ordered(value: Given, column: ColumnTerms) -> Any:
    """The value as it is compared with others; None where it is compared with none."""
    if column.logical in ("date", "timestamp"):
        return moment(str(value), column.logical)
    return Decimal(value) if column.logical in ("integer", "number") else None


def _length_faults(column: ColumnTerms) -> Iterator[tuple[Where, str]]:
    if column.shortest is not None and column.longest is not None and column.shortest > column.longest:
        yield (TYPE_OPTIONS, "maxLength"), f"it is {column.longest}, and minLength is {column.shortest}"
    if column.pattern:
        fault = danger(column.pattern, column.longest)
        if fault:
            yield (TYPE_OPTIONS, "pattern"), f'"{column.pattern}" is not taken: {fault}'


def _severity_faults(column: ColumnTerms) -> Iterator[tuple[Where, str]]:
    if column.severity("type") == WARN and column.physical != TEXT:
        yield (
            (CUSTOM, "severity", "value", "type"),
            f"a text that does not read as {column.physical} has no value to keep; quarantine it, stop the run, or "
            "keep the texts (physicalType: string)",
        )
    has = {*column.row_rules}
    has |= {"unique"} if column.unique else set()
    has |= {"references"} if column.references else set()
    for rule, _ in column.severities:
        if rule not in has:
            kind = "rule" if rule in ROW_RULES else "rule of the table"
            yield (CUSTOM, "severity", "value", rule), f'the column has no {kind} "{rule}" that this could be of'
