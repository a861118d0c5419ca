"""Patterns that may run away are refused with a named reason, and others are not.

The oracle is a matcher that goes back and tries again, and counts: on patterns made by chance (their seeds are in the
message), what is taken must not run away.
"""

import random
import re
import sys

import pytest
from contracts.backtracking import TooMany, hard_texts, random_pattern, tried, written

from lakemill.contracts.danger import danger

NESTED, OVERLAP, EMPTY = "within a quantifier", "in two ways", "may be empty"
FOLLOW, CHOICES = "follow on", "too many choices"
EVIL = {
    "^(a+)+$": NESTED,
    "^(a+)*b$": NESTED,
    "^([a-zA-Z]+)*$": NESTED,
    "^(\\d+)*x$": NESTED,
    "^((ab)+)+$": NESTED,
    "^(a{1,30}){1,30}$": NESTED,
    "^((a+)b?)+$": NESTED,
    "^(a{2,}){9}$": OVERLAP,
    "^(a{2,}){3}$": FOLLOW,
    "^((a?){2}b)*$": OVERLAP,
    "^(x+x+)+y$": OVERLAP,
    "^(a|a)*$": OVERLAP,
    "^(a|aa)+$": OVERLAP,
    "^(a|b|ab)*c$": OVERLAP,
    "^(.|\\s)*$": OVERLAP,
    "^(\\w|\\d)+$": OVERLAP,
    "^([a-z]|[a-c])*$": OVERLAP,
    "^(\\p{L}|\\p{Lu})*$": OVERLAP,
    "^(a|[^b])*$": OVERLAP,
    "^(([a-z])+.)+[A-Z]([a-z])+$": OVERLAP,
    "^(\\w+\\s?)+$": NESTED,
    "^([0-9]+,?)*$": NESTED,
    "^(([\\-.]|[_]+)?([a-zA-Z0-9]+))*@$": NESTED,
    "^(a|ab|b){20}$": OVERLAP,
    "^(a*)*$": EMPTY,
    "^(a*)+$": EMPTY,
    "^(a?){30}a{30}$": EMPTY,
    "^((ab)*)*$": EMPTY,
    "^(.*)*x$": EMPTY,
    "^(|a)*$": EMPTY,
    "^(a*b*){2,}$": EMPTY,
    "^.*a.*$": FOLLOW,
    "^\\d*\\d*$": FOLLOW,
    "^.*.*=.*$": FOLLOW,
    "^\\s*\\w*\\s*\\w*$": "",
    "^(a|ab)(a|ab)(a|ab)(a|ab)(a|ab)(a|ab)(a|ab)(a|ab)(a|ab)(a|ab)(a|ab)$": CHOICES,
    "^a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaaaa$": CHOICES,
}
GOOD = [
    "^$", "^a$", "^.*$", "^.+$", "^[A-Z]{2}[0-9]{4}$", "^\\d{5}(-\\d{4})?$", "^(foo|bar|baz)$",
    "^(Mr|Mrs|Ms)\\. [A-Z][a-z]+$", "^\\d{1,3}(\\.\\d{1,3}){3}$", "^(\\d{1,3}\\.){3}\\d{1,3}$", "^[0-9a-f]{64}$",
    "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", "^(0|[1-9][0-9]*)$", "^\\p{L}[\\p{L} '.-]*$",
    "^([01]\\d|2[0-3]):[0-5]\\d$", "^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$", "^https?://[^/]+(/.*)?$",
    "^\\+?[0-9][0-9 ()/-]{5,20}$", "^[^,]*(,[^,]*){3}$",
    "^DE\\d{20}$", "^(\\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$", "^#[0-9A-Fa-f]{6}$", 
    "^[A-Z]{2}[0-9]{2}([ ]?[0-9A-Z]{4}){2,7}([ ]?[0-9A-Z]{1,3})?$", "^[\\x20-\\x7e]*$", "^\\u00e4+$", "^a{0}b$",
    "^(?:ab?)c$",
    "^[^@]+@[^.]+\\..+$", "^(a?){3}$", "^(a|ab){2}$",
    "^[\\]\\-]a$", "^\\bword\\b$", "^.*?$", "^[a-]+$", "^[^\\d]+$", "^(yes|no|n/a)?$",
]  # fmt: skip
DEEP = [
    "^[a-z]+(-[a-z]+)*$", "^(\\w+ )*\\w+$", "^([A-Z0-9]{3}-)*[A-Z0-9]{3}$", '^"([^"\\\\]|\\\\.)*"$', "^(a|b)*c$",
    "^(ab|cd)+$", "^(a+?b)*$", "^x(y(ab){1,600})?$",
]  # fmt: skip
SHORT = ["^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", "^.+foo.+$", "^\\d*\\.?\\d*$", "^\\w+\\d+$"]
"""Those whose cost is the square of the length: taken where maxLength is declared."""


@pytest.mark.parametrize("pattern", EVIL)
def test_what_may_run_away_is_refused_by_its_reason(pattern):
    reason = danger(pattern, None)
    assert reason and EVIL[pattern] in reason


@pytest.mark.parametrize("pattern", GOOD)
def test_what_cannot_run_away_is_taken(pattern):
    assert danger(pattern, None) == ""
    if "\\p" not in pattern:
        re.compile(pattern)


@pytest.mark.parametrize("pattern", DEEP)
def test_a_repeated_group_is_taken_of_texts_that_leave_room_on_the_stack(pattern):
    assert "Declare maxLength: 500 or less (now none)" in danger(pattern, None)
    assert "now 501" in danger(pattern, 501)
    assert danger(pattern, 500) == ""


@pytest.mark.parametrize("pattern", SHORT)
def test_what_costs_the_square_of_the_length_is_taken_of_short_texts(pattern):
    assert "Declare maxLength: 1000 or less (now none)" in danger(pattern, None)
    assert "now 1001" in danger(pattern, 1001)
    assert danger(pattern, 1000) == ""


def test_more_repeats_that_follow_on_each_other_take_shorter_texts():
    assert "cube" in danger("^\\d*\\d*\\d*$", 1000)
    assert "Declare maxLength: 100 or less" in danger("^\\d*\\d*\\d*$", 1000)
    assert danger("^\\d*\\d*\\d*$", 100) == ""
    assert "4th power" in danger("^.*a.*b.*c.*$", 100)
    assert "Declare maxLength: 31 or less" in danger("^.*a.*b.*c.*$", 100)


UNTAKEN = {
    "a": "begin with ^",
    "^a": "end with $",
    "^a\\$": "end with $",
    "^a|b$": "put them around a group",
    "^(a$": "a ( is opened",
    "^a)$": "a ) is closed",
    "^[a$": "in the middle of something",
    "^[]$": "no set",
    "^[z-a]$": "a range",
    "^[\\d-z]$": "a range",
    "^[a&&b]$": "not alike",
    "^[a[b]]$": "not alike",
    "^*a$": "nothing to repeat",
    "^a**$": "one quantifier",
    "^a++$": "one quantifier",
    "^a?+$": "one quantifier",
    "^a{2}{3}$": "one quantifier",
    "^a{$": "a number is expected",
    "^a{,3}$": "a number is expected",
    "^a{3,2}$": "at least 3 and at most 2",
    "^a{1001}$": "more than 1000",
    "^a{٣}$": "a number is expected",
    "^(?=a)b$": "(?=a",
    "^(?!a)b$": "not taken",
    "^(?<=a)b$": "not taken",
    "^(?<name>a)$": "not taken",
    "^(?i)a$": "not taken",
    "^(?>a+)$": "not taken",
    "^(a)\\1$": "\\1 is not taken",
    "^\\Qa\\E$": "\\Q is not taken",
    "^\\Aa\\z$": "\\A is not taken",
    "^\\R$": "\\R is not taken",
    "^a^b$": "in the middle",
    "^a$b$": "in the middle",
    "^\\p{Foo}$": "Unicode's categories",
    "^\\pL$": "Unicode's categories",
    "^\\x1$": "hexadecimal",
    "^\\u12g4$": "hexadecimal",
    "^a\\": "end with $",
    f"^{'a' * 1000}$": "letters",
    f"^{'(' * 31}a{')' * 31}$": "too deep",
    f"^{'(a{70}b{70})' * 12}$": "too large",
}


@pytest.mark.parametrize("pattern", UNTAKEN)
def test_what_readers_do_not_all_understand_is_refused(pattern):
    assert UNTAKEN[pattern] in danger(pattern, 10)


BLOCKS, IN_A_BLOCK = 10, 30
SHORTER, LONGER = 32, 64


GROWTH = 2.4
"""Of twice the length, some letters of which are taken by what does not repeat."""


def most_tried(pattern, length: int) -> float:
    most = 0
    for text in hard_texts(length):
        try:
            matches, count = tried(pattern, text)
        except (TooMany, RecursionError):
            return float("inf")
        assert matches == bool(re.fullmatch(written(pattern), text))
        most = max(most, count)
    return most


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_pattern_that_is_taken_runs_away(block):
    """Twice as long a text takes about twice the tries, or four times where a square is allowed."""
    sys.setrecursionlimit(20_000)
    taken = refused = 0
    for seed in range(block * IN_A_BLOCK, (block + 1) * IN_A_BLOCK):
        pattern = random_pattern(random.Random(seed))
        text = f"^({written(pattern)})$"
        power = 1 if not danger(text, None) else 2 if not danger(text, 1000) else 0
        if not power:
            refused += 1
            continue
        taken += 1
        shorter, longer = most_tried(pattern, SHORTER), most_tried(pattern, LONGER)
        assert longer <= GROWTH**power * shorter + 60, f"seed {seed}, {text}: {shorter} tries, then {longer}"
    assert taken > refused / 3 and refused


@pytest.mark.parametrize("block", range(1, 3))
def test_what_is_refused_mostly_does_run_away(block):
    """The check is on the safe side, and not far on it: of what it refuses, most costs more than a square."""
    sys.setrecursionlimit(20_000)
    harmless = refused = 0
    for seed in range(10_000 + block * 25, 10_025 + block * 25):
        pattern = random_pattern(random.Random(seed))
        if danger(f"^({written(pattern)})$", 1000):
            refused += 1
            shorter, longer = most_tried(pattern, SHORTER), most_tried(pattern, LONGER)
            harmless += longer < GROWTH**2 * shorter
    assert refused
    print(f"{harmless} of {refused} that are refused were not seen to run away")
    assert harmless <= refused * 0.75
