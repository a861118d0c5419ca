"""What the shop delivers meets its contracts, column by column: judged in plain Python, as texts."""

import re
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
import shop

from lakemill.contracts.contract import ColumnTerms
from lakemill.contracts.folder import load_contracts
from lakemill.graph import load_jobs

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = load_contracts(ROOT, load_jobs(ROOT / "jobs"))
DAYS = {
    "sales": [shop.FIRST + timedelta(days=90 * n) for n in range(4)],
    "products": [date(2017, 1, 1), date(2017, 12, 1), shop.YEAR_END],
    "households": [date(2017, 1, 1), date(2017, 12, 1), shop.YEAR_END],
    "promotions": [shop.FIRST_PROMOTED, date(2017, 12, 8)],
}


@pytest.fixture(scope="module")
def deliveries():
    small = shop.Shop(households=150)
    return {feed: [small._content(feed, day) for day in days] for feed, days in DAYS.items()}


def value(text: str, column: ColumnTerms):
    """What a text means by a contract; raises ValueError where it means nothing."""
    if column.logical == "integer":
        return int(text)
    if column.logical == "number":
        return Decimal(text.replace(column.form.decimal, "."))
    if column.logical == "boolean":
        return {**dict.fromkeys(column.form.true, True), **dict.fromkeys(column.form.false, False)}[text]
    if column.logical == "date":
        return date.fromisoformat(text)
    if column.logical == "timestamp":
        moment = datetime.fromisoformat(text)
        if (moment.tzinfo is None) == column.form.offset:
            raise ValueError(text)
        return moment
    return text


def failed(text: str, column: ColumnTerms) -> list[str]:
    """The rules of a column that a delivered text fails."""
    if text in column.form.missing:
        return ["required"] if column.required else []
    try:
        meant = value(text, column)
    except (ValueError, KeyError, InvalidOperation):
        return ["type"]
    rules = {
        "values": bool(column.values) and meant not in column.values,
        "minimum": column.minimum is not None and meant < column.minimum.value,
        "length": column.longest is not None and len(text) > column.longest,
        "pattern": bool(column.pattern) and not re.fullmatch(column.pattern, text),
    }
    return [rule for rule, fails in rules.items() if fails]


@pytest.mark.parametrize("feed", DAYS)
@pytest.mark.parametrize("layer", ["bronze", "silver"])
def test_what_is_delivered_meets_the_contract(deliveries, layer, feed):
    contract, rows, failures = CONTRACTS[f"{layer}.{feed}"], 0, Counter()
    for header, delivered in deliveries[feed]:
        for row in delivered:
            rows += 1
            for name, given in zip(header, row, strict=True):
                column = contract.column(name)
                for rule in failed("" if given is None else str(given), column):
                    failures[name, rule, str(given)] += 1
    assert rows > 40
    assert failures == {}
