"""Patterns: those that Java's regular expressions and the standard's readers understand alike, as trees.

A pattern is for the whole text, and begins with ^ and ends with $ so that every reader takes it so. What is left out
(looking around, references to groups, possessive quantifiers) is what others have not, or what nobody can tell the cost
of.
"""

from dataclasses import dataclass

from lakemill.contracts.letters import ALL, CATEGORIES, CLASSES, DOT, Letters, letters

MOST_TIMES = 1000
LONGEST_PATTERN = 1000
DEEPEST_GROUP = 30
CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class PatternError(ValueError):
    """Why a text is no pattern that is taken; the text is a sentence's end."""


@dataclass(frozen=True)
class Sequence:
    """One after the other; none is the empty text."""

    items: tuple["Tree", ...] = ()


@dataclass(frozen=True)
class Choice:
    """One of several."""

    items: tuple["Tree", ...]


@dataclass(frozen=True)
class Repeat:
    """Several times; most is None where nothing limits it."""

    item: "Tree"
    least: int
    most: int | None


Tree = Letters | Sequence | Choice | Repeat


def pattern_tree(text: str) -> Tree:
    """A pattern as a tree, without the anchors at its ends; raises PatternError where it is not taken."""
    if len(text) > LONGEST_PATTERN:
        raise PatternError(f"it has {len(text)} letters; at most {LONGEST_PATTERN} are taken")
    if not text.startswith("^") or not text.endswith("$") or _is_escaped(text[:-1]):
        raise PatternError("it is for the whole text, so it has to begin with ^ and end with $")
    parser = _Parser(text[1:-1])
    tree = parser.sequence()
    if parser.peek() == "|":
        raise PatternError("^ and $ hold for one alternative each; put them around a group, as in ^(a|b)$")
    if parser.peek():
        raise PatternError("a ) is closed and was not opened")
    return tree


def _is_escaped(before: str) -> bool:
    """Whether the letter after this text is escaped."""
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


class _Parser:
    """Reads a pattern from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def next(self) -> str:
        if self.at >= len(self.text):
            raise PatternError("it ends in the middle of something")
        self.at += 1
        return self.text[self.at - 1]

    def choice(self) -> Tree:
        items = [self.sequence()]
        while self.peek() == "|":
            self.next()
            items.append(self.sequence())
        return items[0] if len(items) == 1 else Choice(tuple(items))

    def sequence(self) -> Tree:
        items: list[Tree] = []
        while self.peek() not in ("", "|", ")"):
            item = self.item()
            if item is not None:
                items.append(self.repeated(item))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def item(self) -> Tree | None:
        letter = self.next()
        if letter == "(":
            return self.group()
        if letter == "[":
            return self.set()
        if letter == ".":
            return DOT
        if letter == "\\":
            return None if self.peek() in ("b", "B") and self.next() else self.escape()
        if letter in "^$":
            raise PatternError(f"{letter} stands in the middle, where it never holds; write \\{letter} for the letter")
        if letter in "*+?{":
            raise PatternError(f"{letter} has nothing to repeat; write \\{letter} for the letter")
        return _single(letter)

    def group(self) -> Tree:
        if self.peek() == "?":
            if self.peek(2) != "?:":
                raise PatternError(
                    f"({self.peek(3)} is not taken: what groups look around for, name or switch is not alike in all "
                    "readers; write (...) or (?:...)"
                )
            self.at += 2
        self.depth += 1
        if self.depth > DEEPEST_GROUP:
            raise PatternError("its groups lie too deep within each other")
        tree = self.choice()
        self.depth -= 1
        if self.peek() != ")":
            raise PatternError("a ( is opened and not closed")
        self.next()
        return tree

    def repeated(self, item: Tree) -> Tree:
        sign = self.peek()
        if sign not in ("*", "+", "?", "{"):
            return item
        self.next()
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self.times()
        if self.peek() == "?":
            self.next()
        if self.peek() and self.peek() in "*+?{":
            raise PatternError(f"{sign}{self.peek()} is not taken: one quantifier stands after a thing, or in a group")
        return Repeat(item, least, most)

    def times(self) -> tuple[int, int | None]:
        inside, end, rest = self.text[self.at :].partition("}")
        least, comma, most = inside.partition(",")
        if not end or not least.isdecimal() or (most and not most.isdecimal()) or not inside.isascii():
            raise PatternError("after { a number is expected, as in {3}, {1,3} or {2,}; write \\{ for the letter")
        self.at = len(self.text) - len(rest)
        low, high = int(least), int(most) if most else None if comma else int(least)
        if max(low, high or 0) > MOST_TIMES:
            raise PatternError(f"{{{inside}}} is more than {MOST_TIMES} times; declare minLength and maxLength instead")
        if high is not None and high < low:
            raise PatternError(f"{{{inside}}} is at least {low} and at most {high} times")
        return low, high

    def escape(self) -> Letters:
        letter = self.next()
        if letter.lower() in CLASSES:
            return CLASSES[letter] if letter.islower() else CLASSES[letter.lower()].others()
        if letter in "pP":
            return self.category()
        if letter in CONTROLS:
            return _single(CONTROLS[letter])
        if letter in "xu":
            return self.code(2 if letter == "x" else 4)
        if letter.isalnum():
            raise PatternError(f"\\{letter} is not taken: a reference to a group, or not alike in all readers")
        return _single(letter)

    def code(self, digits: int) -> Letters:
        text = self.peek(digits)
        self.at += len(text)
        if len(text) != digits or not all(digit in "0123456789abcdefABCDEF" for digit in text):
            raise PatternError(f"\\x has two and \\u four hexadecimal digits, not {text!r}")
        return _single(chr(int(text, 16)))

    def category(self) -> Letters:
        inside, end, rest = self.text[self.at :].partition("}")
        if not end or inside[:1] != "{" or inside[1:] not in CATEGORIES:
            raise PatternError("\\p takes one of Unicode's categories, as in \\p{L} or \\p{Lu}")
        self.at = len(self.text) - len(rest)
        return ALL

    def set(self) -> Letters:
        negated = self.peek() == "^" and bool(self.next())
        ranges: list[tuple[int, int]] = []
        anything = False
        while self.peek() != "]" or not (ranges or anything):
            first = self.member()
            low = first.ranges[0][0]
            if self.peek() == "-" and self.peek(2) != "-]":
                self.next()
                last = self.member()
                high = last.ranges[0][1]
                if _size(first) != 1 or _size(last) != 1 or high < low:
                    raise PatternError("a range in [ ] goes from one letter to a later one, as a-z; write \\- for a -")
                ranges.append((low, high))
                continue
            anything |= first == ALL
            ranges += first.ranges
        self.next()
        # A category holds some letters and not others: without it any letter may be left.
        return ALL if anything else letters(ranges).others() if negated else letters(ranges)

    def member(self) -> Letters:
        letter = self.next()
        if letter == "\\":
            return self.escape()
        if letter in "[&~" and (letter == "[" or self.peek() == letter):
            raise PatternError(f"{letter} in [ ] is not alike in all readers; write \\{letter} for the letter")
        if letter == "]":
            raise PatternError("[] is no set; write \\] for the letter")
        return _single(letter)


def _single(letter: str) -> Letters:
    return Letters(((ord(letter), ord(letter)),))


def _size(of: Letters) -> int:
    return sum(high - low + 1 for low, high in of.ranges)
