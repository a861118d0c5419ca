"""What a text means by a contract: Spark's columns against plain Python, on texts that casts are generous with."""

import random
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import functions as F

from lakemill.contracts.contract import ColumnTerms, TextForm
from lakemill.quality.typed import typed

SEED = 17
TEXTS = [
    None, "", " ", "0", "-0", "+7", "007", "1.5", "1.0", "1.", ".5", ".", "-", "+", "1e3", "1E3", "12e-1", "5L",
    "5d", "5f", "0x10", "NaN", "nan", "Infinity", "-inf", " 5", "5 ", "5\n", "\t5", "5\u00a0", "\u20075", "5\x00",
    "\u0663", "1\u0662", "\uff11", "5-", "127", "128", "-128", "-129", "32767", "32768", "2147483647", "2147483648",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "99999999999999999999999999999999999999", "0.10", "0.100", "0.101", "12.345", "12.340", "9999999999.99",
    "9999999999.994", "10000000000.00", "1,5", "1,50", "1.234,5", "1,234.5", "12,34", "1,2,3", "1.234.567", "1234,5",
    "1 234", "1'234", "1_000", "$5", "5%", "1e400", "1e-400", "3.4e38", "3.5e38", "--5", "1-2", "true", "True",
    "TRUE", "yes", "Y", "f", "false", "t", " true", "NULL", "null", "n/a", "2017", "2017-01", "2017-1-1",
    "2017-01-01", "2017-02-29", "2016-02-29", "2017-13-01", "2017-00-10", "2017-01-32", "2017-01-1T", "2017-01-1 ",
    "2017-01-01 ", "2017-01-01T", "+2017-01-01", "-2017-01-1", "12017-01-01", "0000-01-01", "0001-01-01",
    "9999-12-31", "01.02.2017", "1.2.2017", "31.02.2017", "01.02.17", "01/02/2017", "today", "epoch", "now", "12:00",
    "T12:00", "2017-01-01T12:00", "2017-01-01T12:00:00", "2017-01-01 12:00:00", "2017-01-01T24:00:00",
    "2017-01-01T12:60:00", "2017-01-01T12:00:60", "2017-01-01T12:00:00.1", "2017-01-01T12:00:00.123456",
    "2017-01-01T12:00:00.1234567", "2017-01-01T12:00:00Z", "2017-01-01T12:00:00+01:00", "2017-01-01T12:00:00-08:30",
    "2017-01-01T12:00:00+19:00", "2017-01-01T12:00:00+1", "2017-01-01T12:00:00 Europe/Berlin",
    "2017-01-01T12:00:00UTC", "2017-03-26 02:30", "2017-10-29 02:30", "2017-03-26 01:59", "2017-03-26 03:00",
    "2017-07-01 00:00", "2017-07-01 0:00",
]  # fmt: skip


def mutated(rng: random.Random) -> str:
    """A text near one of those."""
    text = list(rng.choice(TEXTS) or "0")
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        if rng.random() < 0.5 and text:
            text[min(at, len(text) - 1)] = rng.choice("0123456789.,-+:TZe \u00a0")
        else:
            text.insert(at, rng.choice("0123456789.,-+:TZe "))
    return "".join(text)


def whole(low: int, high: int):
    def value(text: str):
        number = int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None
        return number if number is not None and low <= number <= high else None

    return value


def exact(digits: int, scale: int, text: str):
    """A decimal as plain Python has it, if it is one of so many digits."""
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text):
        return None
    with localcontext(prec=100):
        number = Decimal(text)
        fits = number == round(number, scale) and abs(number) < Decimal(10) ** (digits - scale)
        return round(number, scale) if fits else None


def german(text: str):
    """1.234,5 and 1234,5."""
    if not re.fullmatch(r"[+-]?([0-9]{1,3}(\.[0-9]{3})*|[0-9]+)(,[0-9]*)?", text):
        return None
    return exact(12, 2, text.replace(".", "").replace(",", "."))


def floating(text: str):
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return None
    return float(text) if abs(float(text)) != float("inf") else None


def day(shape: str, order: str):
    def value(text: str):
        parts = re.fullmatch(shape, text)
        try:
            return date(*[int(dict(zip(order, parts.groups(), strict=True))[of]) for of in "ymd"]) if parts else None
        except ValueError:
            return None

    return value


def moment(shape: str, zone=UTC):
    def value(text: str):
        parts = re.fullmatch(shape, text)
        try:
            read = datetime.fromisoformat(text) if parts else None
        except ValueError:
            return None
        if read is None or read.tzinfo:
            return read
        there = read.replace(tzinfo=zone).astimezone(UTC)
        return there if there.astimezone(zone).replace(tzinfo=None) == read else None

    return value


ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
OFFSET = r"(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9]|[+-]18:00)"
DAY = day(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", "ymd")
"""Columns, and what their texts mean in plain Python; None where nothing."""
COLUMNS = [
    (ColumnTerms("tinyint", "integer", "tinyint"), whole(-(2**7), 2**7 - 1)),
    (ColumnTerms("smallint", "integer", "smallint"), whole(-(2**15), 2**15 - 1)),
    (ColumnTerms("int", "integer", "int"), whole(-(2**31), 2**31 - 1)),
    (ColumnTerms("bigint", "integer", "bigint"), whole(-(2**63), 2**63 - 1)),
    (ColumnTerms("whole", "integer", "decimal(38,0)"), lambda text: exact(38, 0, text)),
    (ColumnTerms("money", "number", "decimal(12,2)"), lambda text: exact(12, 2, text)),
    (ColumnTerms("german", "number", "decimal(12,2)", form=TextForm(decimal=",", group=".")), german),
    (
        ColumnTerms("comma", "number", "decimal(12,2)", form=TextForm(decimal=",")),
        lambda text: None if "." in text else exact(12, 2, text.replace(",", ".")),
    ),
    (ColumnTerms("double", "number", "double"), floating),
    (ColumnTerms("date", "date", "date"), DAY),
    (
        ColumnTerms("german_date", "date", "date", form=TextForm(layout="dd.MM.yyyy")),
        day(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", "dmy"),
    ),
    (ColumnTerms("time", "timestamp", "timestamp"), moment(ISO)),
    (ColumnTerms("offset", "timestamp", "timestamp", form=TextForm(offset=True)), moment(ISO + OFFSET)),
    (
        ColumnTerms(
            "there", "timestamp", "timestamp", form=TextForm(layout="yyyy-MM-dd HH:mm", zone="Europe/Berlin")
        ),
        moment(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}", ZoneInfo("Europe/Berlin")),
    ),
    (ColumnTerms("truth", "boolean", "boolean"), {"true": True, "false": False}.get),
    (
        ColumnTerms("answer", "boolean", "boolean", form=TextForm(true=("Y", "yes"), false=("f",))),
        {"Y": True, "yes": True, "f": False}.get,
    ),
    (ColumnTerms("text", "string", "string"), lambda text: text),
]  # fmt: skip


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(SEED)
    print("seed", SEED)
    return [*dict.fromkeys([*TEXTS, *[mutated(rng) for _ in range(3000)]])]


@pytest.mark.spark
def test_texts_mean_what_plain_python_says(spark, texts):
    rows = spark.createDataFrame([(at, text) for at, text in enumerate(texts)], "at int, text string")
    shown = []
    for terms, _ in COLUMNS:
        meant = typed(F.col("text"), terms)
        value = F.unix_micros(meant.value) if terms.physical == "timestamp" else meant.value
        shown += [value.alias(f"value_{terms.name}"), meant.reads.alias(f"reads_{terms.name}")]
    differing = []
    for row in rows.select("at", *shown).collect():
        text = texts[row.at]
        for terms, plain in COLUMNS:
            value = None if text is None else plain(text)
            reads = text is None or value is not None
            if isinstance(value, datetime):
                value = (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
            given = (row[f"value_{terms.name}"], row[f"reads_{terms.name}"])
            if given != (value, reads):
                differing.append((terms.name, text, given, value))
    assert not differing, differing[:40]
