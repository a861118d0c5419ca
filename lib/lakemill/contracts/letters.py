"""Sets of letters, as the classes of a pattern name them: ranges of code points, and what two of them share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LAST = 0x10FFFF


@dataclass(frozen=True)
class Letters:
    """A set of letters, as ranges that are in order and apart."""

    ranges: tuple[tuple[int, int], ...]

    def meets(self, other: "Letters") -> bool:
        """Whether a letter is in both."""
        mine, theirs = 0, 0
        while mine < len(self.ranges) and theirs < len(other.ranges):
            (low, high), (least, most) = self.ranges[mine], other.ranges[theirs]
            if max(low, least) <= min(high, most):
                return True
            mine, theirs = (mine + 1, theirs) if high < most else (mine, theirs + 1)
        return False

    def others(self) -> "Letters":
        """All letters that are not in it."""
        ranges, begin = [], 0
        for low, high in self.ranges:
            if begin < low:
                ranges.append((begin, low - 1))
            begin = high + 1
        return Letters((*ranges, (begin, LAST)) if begin <= LAST else tuple(ranges))


def letters(ranges: Iterable[tuple[int, int]]) -> Letters:
    """The letters of some ranges, in any order."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return Letters(tuple(merged))


def _of(text: str) -> Letters:
    """The letters of a text in which a-z is a range."""
    pairs = [(text[at], text[at + 2]) if text[at + 1 : at + 2] == "-" else (text[at],) * 2 for at in _starts(text)]
    return letters((ord(low), ord(high)) for low, high in pairs)


def _starts(text: str) -> list[int]:
    starts, at = [], 0
    while at < len(text):
        starts.append(at)
        at += 3 if text[at + 1 : at + 2] == "-" else 1
    return starts


ALL = Letters(((0, LAST),))
DOT = _of("\n\r\u0085\u2028\u2029").others()
CLASSES: Mapping[str, Letters] = {"d": _of("0-9"), "w": _of("0-9A-Z_a-z"), "s": _of("\t-\r ")}
"""Java's: of ASCII alone."""
CATEGORIES = frozenset("L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp".split())
"""Unicode's categories, as \\p{L} names them: any letter may be of one."""
