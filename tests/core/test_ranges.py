"""Ranges of keys: every value is in one of them, what lies between is left out where that is worth it."""

import random
from datetime import date

import pytest

from lakemill.core.near import RANGES, VALUES, _ranges

DOMAINS = {
    "dense": lambda chance: chance.randint(0, 300),
    "far apart": lambda chance: chance.choice([0, 10**6, 10**12, -(10**12)]) + chance.randint(0, 9),
    "two heaps": lambda chance: chance.choice([0, 10**9]) + chance.randint(0, 1000),
    "texts": lambda chance: "".join(chance.choices("abz\0é\U0001f600", k=chance.randint(0, 4))),
    "named": lambda chance: f"customer-{chance.choice([0, 5, 900])}{chance.randint(0, 99):04}",
    "days": lambda chance: date(chance.choice([1, 1999, 2024]), 3, chance.randint(1, 31)).toordinal(),
}


def covered(ranges, value) -> bool:
    return any(_order(first) <= _order(value) <= _order(last) for first, last in ranges)


def _order(value):
    """Spark compares texts by their UTF-8 bytes."""
    return value.encode() if isinstance(value, str) else value


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("domain", DOMAINS)
def test_random_keys_are_all_in_the_ranges(domain, seed):
    chance = random.Random(f"{domain} {seed}")
    values = sorted({DOMAINS[domain](chance) for _ in range(chance.choice([1, 2, 5, 60]))}, key=_order)
    most = chance.choice([1, 2, 4, RANGES])
    ranges = _ranges(values, most)
    assert 1 <= len(ranges) <= most
    assert all(covered(ranges, value) for value in values)
    assert all(first in values and last in values for first, last in ranges), "ranges end at keys"
    ordered = [_order(end) for pair in ranges for end in pair]
    assert ordered == sorted(ordered), "no two overlap"


@pytest.mark.parametrize("gap", [10**3, 10**6, 10**12])
def test_what_lies_in_a_wide_gap_is_left_out(gap):
    values = [*range(10), *range(gap, gap + 10)]
    assert _ranges(values, RANGES) == [(0, 9), (gap, gap + 9)]
    assert _ranges(values, 1) == [(0, gap + 9)]


def test_gaps_that_leave_out_little_are_not_worth_a_range():
    assert _ranges(list(range(0, 4000, 9)), RANGES) == [(0, 3996)]


def test_of_too_many_values_only_the_ends_are_told():
    values = list(range(VALUES + 1))
    assert _ranges(values, RANGES) == [(0, values[-1])]
