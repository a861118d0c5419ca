"""Typing: what value a text means by a contract, exactly or not at all.

Spark's casts are generous: they take blanks around a number, round decimals, read 1e999 as infinity, 2017 as a date and
12:00 as a time of today. Here a text is read in the declared form and in no other; what cannot be read so has no value,
and `reads` tells it from a text that means no value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F

from lakemill.contracts.contract import ColumnTerms, TextForm
from lakemill.contracts.spark_types import FLOATING, TEXT, USUAL, SparkType, spark_type

ISO_TIME = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?"
OFFSET = r"(Z|[+-]\d\d:\d\d)"
FLOATING_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\z"
BLANKS = " \t"


@dataclass(frozen=True)
class Typed:
    """value: what rules compare; NULL where the text means none, or does not read as its type.

    kept: what the table keeps of it, which is the text where the contract leaves texts as they are.   reads: whether it
    reads as its type; a text that means no value does.
    """

    value: Column
    kept: Column
    reads: Column


def typed(text: Column, terms: ColumnTerms) -> Typed:
    """What a column's texts mean by its terms."""
    meant = _meant(text, terms.form)
    if terms.logical == "string":
        return Typed(meant, meant, F.lit(True))
    value = READ_AS[terms.logical](meant, compared_type(terms), terms.form)
    return Typed(value, meant if terms.physical == TEXT else value, meant.isNull() | value.isNotNull())


def compared_type(terms: ColumnTerms) -> SparkType:
    """The type by which rules compare a column's values: its own, also of those that are kept as texts."""
    kind = spark_type(terms.physical)
    assert kind, f"{terms.physical} was refused when the contract was read"
    if kind.name != TEXT:
        return kind
    return SparkType(USUAL[terms.logical]) if terms.logical in USUAL else SparkType("decimal", 38, 18)


def _meant(text: Column, form: TextForm) -> Column:
    """The text without blanks at the ends, if the contract says so; NULL where it means no value."""
    plain = F.btrim(text, F.lit(BLANKS)) if form.trim else text
    return F.when(~plain.isin(*form.missing), plain) if form.missing else plain


def _number(text: Column, kind: SparkType, form: TextForm) -> Column:
    plain, shaped = _plain_number(text, form)
    if kind.name in FLOATING:
        value = plain.try_cast(str(kind))
        finite = F.abs(value) != F.lit("Infinity").cast(str(kind))
        return F.when(shaped & plain.rlike(FLOATING_NUMBER) & finite, value)
    if kind.name == "decimal":
        return F.when(shaped & _is_exact(plain, kind.scale), plain.try_cast(str(kind)))
    return F.when(shaped & _has_clean_ends(plain), plain.try_cast(str(kind)))


def _plain_number(text: Column, form: TextForm) -> tuple[Column, Column]:
    """The number with a point before its decimals and nothing between thousands; whether it has the declared form."""
    plain, shaped = text, F.lit(True)
    if form.group:
        group, digits = rf"[{form.group}]", r"\d{1,3}"
        shaped = text.rlike(rf"^[+-]?({digits}({group}\d{{3}})*|\d+)([{form.decimal}]\d*)?\z")
        plain = F.replace(text, F.lit(form.group), F.lit(""))
    if form.decimal != ".":
        if not form.group:
            shaped = F.instr(text, ".") == 0
        plain = F.replace(plain, F.lit(form.decimal), F.lit("."))
    return plain, shaped


def _is_exact(plain: Column, scale: int) -> Column:
    """Whether a decimal's text has no more decimals than these, but for zeros, and no exponent.

    A cast would round it. Java's decimals take digits of any script, so that other letters than ASCII's are refused.
    """
    point = F.instr(plain, ".")
    behind = F.substring(plain, point + F.lit(scale + 1), F.length(plain))
    return (
        _has_clean_ends(plain)
        & (F.octet_length(plain) == F.length(plain))
        & ~F.lower(plain).contains("e")
        & ((point == 0) | (F.rtrim(behind, F.lit("0")) == ""))
    )


def _has_clean_ends(text: Column) -> Column:
    """Whether a text begins and ends with what is to be seen: a cast would take blanks and control codes away."""
    return F.ascii(text).between(33, 126) & F.ascii(F.right(text, F.lit(1))).between(33, 126)


def _date(text: Column, kind: SparkType, form: TextForm) -> Column:
    if form.layout:
        return _of_known_years(F.try_to_timestamp(text, F.lit(form.layout))).cast("date")
    shaped = (F.length(text) == 10) & text.like("____-__-__") & F.right(text, F.lit(1)).between("0", "9")
    return _of_known_years(F.when(shaped & _has_clean_ends(text), text.try_cast("date")))


def _of_known_years(value: Column) -> Column:
    """A date or a time of the years 1 to 9999, which is what Python and most other readers know."""
    return F.when(F.year(value).between(1, 9999), value)


def _timestamp(text: Column, kind: SparkType, form: TextForm) -> Column:
    """A moment; of texts that tell no offset, the time in the zone that the contract names, else in UTC.

    A time that the zone's clocks skip is none. One that they show twice is the earlier moment.
    """
    if form.layout:
        read = F.try_to_timestamp(text, F.lit(form.layout))
    else:
        read = F.when(text.rlike(f"{ISO_TIME}{OFFSET if form.offset else ''}\\z"), text.try_cast("timestamp"))
    if kind.name == "timestamp_ntz":
        return _of_known_years(read.cast("timestamp_ntz"))
    if not form.zone:
        return _of_known_years(read)
    wall = read.cast("timestamp_ntz")
    moment = F.convert_timezone(F.lit(form.zone), F.lit("UTC"), wall)
    shown = F.convert_timezone(F.lit("UTC"), F.lit(form.zone), moment)
    return _of_known_years(F.when(shown == wall, moment.cast("timestamp")))


def _boolean(text: Column, kind: SparkType, form: TextForm) -> Column:
    return F.when(text.isin(*form.true), F.lit(True)).when(text.isin(*form.false), F.lit(False))


READ_AS: Mapping[str, Callable[[Column, SparkType, TextForm], Column]] = {
    "integer": _number,
    "number": _number,
    "date": _date,
    "timestamp": _timestamp,
    "boolean": _boolean,
}
"""How texts are read, by what the values are."""
