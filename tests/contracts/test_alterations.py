"""What differs between two contracts, and whom it breaks. Of a column's rules, values tried in turn are the oracle."""

import random
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from contracts.random_contracts import random_contract

from lakemill.contracts.alterations import alterations
from lakemill.contracts.contract import Bound, ColumnTerms, Consumer, Contract, TextForm
from lakemill.contracts.rules import FAIL, WARN, Reference, RowCount, RowRule, TableRule, Unique

NUMBER = ColumnTerms("x", "number", "decimal(12,2)")
TEXT = ColumnTerms("x", "string", "string")
BASE = Contract("silver.t", (NUMBER,), consumers=(Consumer("marketing", "decides", 60),))
R, W, BOTH, NOBODY = ("readers",), ("writers",), ("readers", "writers"), ()


def column(**terms) -> Contract:
    return replace(BASE, columns=(replace(NUMBER, **terms),))


def text(**terms) -> Contract:
    return replace(BASE, columns=(replace(TEXT, **terms),))


def warned(rule: str, **terms) -> Contract:
    return column(severities=((rule, WARN),), **terms)


def rules(*rows: RowRule) -> Contract:
    return replace(BASE, row_rules=rows)


def counted(least: int, most: int | None, severity: str = FAIL) -> Contract:
    return replace(BASE, own_table_rules=(TableRule("n", RowCount(least, most), severity),))


ONE, OTHER = RowRule("r", "x > 0"), RowRule("r", "x > 1")
CASES: dict[str, tuple[Contract, Contract, tuple[str, ...]]] = {
    "a column more": (BASE, replace(BASE, columns=(NUMBER, replace(TEXT, name="y"))), NOBODY),
    "a required column more": (BASE, replace(BASE, columns=(NUMBER, replace(TEXT, name="y", required=True))), W),
    "a column less": (replace(BASE, columns=(NUMBER, replace(TEXT, name="y"))), BASE, R),
    "widened": (BASE, column(physical="decimal(14,3)"), NOBODY),
    "narrowed": (BASE, column(physical="decimal(10,2)"), W),
    "another type": (BASE, column(physical="double"), BOTH),
    "another meaning": (text(), text(logical="date"), BOTH),
    "required": (column(), column(required=True), W),
    "not required": (column(required=True), column(), R),
    "required, warned": (column(), warned("required", required=True), NOBODY),
    "required becomes a warning": (column(required=True), warned("required", required=True), R),
    "required holds rows back": (warned("required", required=True), column(required=True), W),
    "required stops": (column(required=True), column(required=True, severities=(("required", FAIL),)), W),
    "unique warned": (column(), column(unique=True), NOBODY),
    "unique stops": (column(), column(unique=True, severities=(("unique", FAIL),)), W),
    "a value more": (text(values=("a",)), text(values=("a", "b")), R),
    "a value less": (text(values=("a", "b")), text(values=("a",)), W),
    "other values": (text(values=("a", "b")), text(values=("b", "c")), BOTH),
    "values at all": (text(), text(values=("a",)), W),
    "values no more": (text(values=("a",)), text(), R),
    "in another order": (text(values=("a", "b")), text(values=("b", "a")), NOBODY),
    "a larger minimum": (column(minimum=Bound(1)), column(minimum=Bound(2)), W),
    "a smaller minimum": (column(minimum=Bound(2)), column(minimum=Bound(1)), R),
    "an exclusive minimum": (column(minimum=Bound(2)), column(minimum=Bound(2, True)), W),
    "an inclusive maximum": (column(maximum=Bound(2, True)), column(maximum=Bound(2)), R),
    "longer": (text(longest=3), text(longest=4), R),
    "shorter and longer": (text(shortest=2, longest=3), text(shortest=1, longest=2), BOTH),
    "a pattern": (text(), text(pattern="^a$"), W),
    "another pattern": (text(pattern="^b$"), text(pattern="^a$"), BOTH),
    "a reference": (column(), column(references=Reference(("x",), "silver.o", ("x",))), NOBODY),
    "a form": (column(), column(form=TextForm(decimal=",")), W),
    "missing texts": (text(), text(form=TextForm(missing=("",))), W),
    "personal": (text(), text(personal="personal"), NOBODY),
    "described": (text(), text(description="of x"), NOBODY),
    "a rule": (rules(), rules(ONE), W),
    "no rule": (rules(ONE), rules(), R),
    "another rule": (rules(ONE), rules(OTHER), BOTH),
    "a rule that warns": (rules(), rules(replace(ONE, severity=WARN)), NOBODY),
    "a rule warns": (rules(ONE), rules(replace(ONE, severity=WARN)), R),
    "more rows": (counted(1, 9), counted(1, 10), R),
    "fewer rows": (counted(1, 9), counted(2, 9), W),
    "rows, warned": (counted(1, 9, WARN), counted(2, 9, WARN), NOBODY),
    "a key": (BASE, replace(BASE, key=("x",)), W),
    "no key": (replace(BASE, key=("x",)), BASE, R),
    "fresher": (BASE, replace(BASE, consumers=(Consumer("marketing", "decides", 30),)), W),
    "later": (BASE, replace(BASE, consumers=(Consumer("marketing", "decides", 90),)), NOBODY),
    "nobody": (BASE, replace(BASE, consumers=()), NOBODY),
    "somebody": (replace(BASE, consumers=()), BASE, NOBODY),
    "nothing may be added": (BASE, replace(BASE, changes=("widen",)), W),
    "anything may be added": (replace(BASE, changes=()), BASE, R),
    "malformed": (BASE, replace(BASE, malformed="refuse"), W),
    "a stricter threshold": (BASE, replace(BASE, most_quarantined=Decimal("0.5")), W),
    "a weaker threshold": (BASE, replace(BASE, most_quarantined=50), NOBODY),
    "drift": (BASE, replace(BASE, drift=FAIL), W),
    "an encoding": (BASE, replace(BASE, encoding="latin-1"), W),
    "a version": (BASE, replace(BASE, version="1.1.0"), NOBODY),
    "an owner": (BASE, replace(BASE, owner="data"), NOBODY),
}


@pytest.mark.parametrize("case", CASES)
def test_whom_it_breaks(case):
    old, new, breaks = CASES[case]
    differing = alterations(old, new)
    expected = 0 if case == "in another order" else 1
    assert len(differing) >= expected
    assert tuple(sorted({who for each in differing for who in each.breaks})) == breaks, differing


def test_a_column_that_was_likely_renamed_is_told_so():
    new = replace(BASE, columns=(replace(NUMBER, name="x2"),))
    assert [each.what for each in alterations(BASE, new)] == ["removed; renamed to x2?", "added"]


@pytest.mark.parametrize("block", range(10))
def test_a_contract_does_not_differ_from_itself_and_does_from_others(block):
    for seed in range(block * 20, block * 20 + 20):
        old, new = random_contract(seed), random_contract(seed + 1)
        assert alterations(old, old) == []
        assert bool(alterations(old, new)) == (old != new), f"seed {seed}"
        there, back = alterations(old, new), alterations(new, old)
        assert len(there) == len(back), f"seed {seed}"


def meets(column: ColumnTerms, value) -> bool:
    """Whether a value meets a column's terms, as they are meant: written again, in plain Python."""
    if value is None:
        return not column.required
    if column.values and value not in column.values:
        return False
    if isinstance(value, str):
        length = (column.shortest or 0) <= len(value) <= (99 if column.longest is None else column.longest)
        return length and (not column.pattern or bool(re.fullmatch(column.pattern, value)))
    least, most = column.minimum, column.maximum
    if least and (value < least.value or (least.exclusive and value == least.value)):
        return False
    return not (most and (value > most.value or (most.exclusive and value == most.value)))


TEXTS = [None, "", "a", "b", "ab", "abc", "bbbb", "c"]
NUMBERS = [None, *range(-1, 6), Decimal("0.5"), Decimal("2.5")]


def random_terms(chance: random.Random) -> ColumnTerms:
    required = chance.random() < 0.3
    if chance.random() < 0.5:
        values = tuple(chance.sample(["a", "b", "ab"], 2)) if chance.random() < 0.3 else ()
        ends = chance.choice([(None, None), (0, 2), (1, None), (2, 3), (None, 1)])
        pattern = chance.choice(["", "", "^a*$", "^[ab]+$"])
        return replace(TEXT, required=required, values=values, shortest=ends[0], longest=ends[1], pattern=pattern)
    bounds = [Bound(chance.randint(0, 3), chance.random() < 0.4) if chance.random() < 0.6 else None for _ in range(2)]
    return replace(NUMBER, required=required, minimum=bounds[0], maximum=bounds[1])


@pytest.mark.parametrize("block", range(10))
def test_values_tell_who_is_broken(block):
    """A value that is taken no more breaks writers, one that was not taken and is, readers: each has to be told."""
    for seed in range(block * 200, block * 200 + 200):
        chance = random.Random(seed)
        old, new = random_terms(chance), random_terms(chance)
        if old.logical != new.logical:
            continue
        values = TEXTS if old.logical == "string" else NUMBERS
        differing = alterations(replace(BASE, columns=(old,)), replace(BASE, columns=(new,)))
        told = {who for each in differing for who in each.breaks}
        refused = [value for value in values if meets(old, value) and not meets(new, value)]
        taken = [value for value in values if meets(new, value) and not meets(old, value)]
        assert not refused or "writers" in told, f"seed {seed}: {refused} {old} {new}"
        assert not taken or "readers" in told, f"seed {seed}: {taken} {old} {new}"


def test_a_rule_of_the_table_that_is_altered_is_told_with_what_it_was():
    old = replace(BASE, own_table_rules=(TableRule("u", Unique(("x",)), FAIL),))
    new = replace(BASE, own_table_rules=(TableRule("u", Unique(("x", "y")), FAIL),))
    (altered,) = alterations(old, new)
    assert (altered.place, altered.what, altered.old, altered.new) == ("rule u", "changed", "columns x", "columns x, y")
