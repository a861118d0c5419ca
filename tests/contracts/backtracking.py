"""A matcher that goes back and tries again, as Java's does, and counts what it tries: on patterns made by chance.

It shares nothing with what is tested: a pattern is a tree of tuples here, from which its text is made.
"""

import random
from collections.abc import Callable

MOST_TRIED = 50_000
Pattern = tuple


class TooMany(Exception):
    """It tried more than anybody waits for."""


def tried(pattern: Pattern, text: str) -> tuple[bool, int]:
    """Whether the whole text matches, and how many letters were compared; raises TooMany."""
    count = 0

    def match(tree: Pattern, at: int, then: Callable[[int], bool]) -> bool:
        nonlocal count
        kind = tree[0]
        if kind == "letters":
            count += 1
            if count > MOST_TRIED:
                raise TooMany
            return at < len(text) and text[at] in tree[1] and then(at + 1)
        if kind == "row":
            return row(tree[1], 0, at, then)
        if kind == "choice":
            return any(match(item, at, then) for item in tree[1])
        return repeat(tree, 0, at, then)

    def row(items: list[Pattern], first: int, at: int, then: Callable[[int], bool]) -> bool:
        if first == len(items):
            return then(at)
        return match(items[first], at, lambda after: row(items, first + 1, after, then))

    def repeat(tree: Pattern, times: int, at: int, then: Callable[[int], bool]) -> bool:
        _, item, least, most = tree

        def again(after: int) -> bool:
            # A turn that takes no letter ends the repeat.
            return repeat(tree, times + 1, after, then) if after > at or times < least else then(after)

        if (most is None or times < most) and match(item, at, again):
            return True
        return times >= least and then(at)

    return match(pattern, 0, lambda at: at == len(text)), count


def written(tree: Pattern) -> str:
    """The pattern's text."""
    kind = tree[0]
    if kind == "letters":
        return tree[1] if len(tree[1]) == 1 else f"[{tree[1]}]"
    if kind == "row":
        return "".join(_grouped(item) if item[0] == "choice" else written(item) for item in tree[1])
    if kind == "choice":
        return "|".join(written(item) for item in tree[1])
    _, item, least, most = tree
    sign = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    times = f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
    return f"{written(item) if item[0] == 'letters' else _grouped(item)}{sign or times}"


def _grouped(tree: Pattern) -> str:
    return f"({written(tree)})"


def random_pattern(chance: random.Random, depth: int = 3) -> Pattern:
    """A pattern over a, b and c."""
    kind = chance.choice(["letters", "row", "row", "choice", "repeat", "repeat"]) if depth else "letters"
    if kind == "letters":
        return ("letters", chance.choice(["a", "b", "c", "ab", "bc", "abc"]))
    if kind == "repeat":
        least, most = chance.choice([(0, None), (1, None), (0, 1), (2, None), (0, 3), (2, 2), (1, 4), (3, 3), (1, 2)])
        return ("repeat", random_pattern(chance, depth - 1), least, most)
    items = [random_pattern(chance, depth - 1) for _ in range(chance.randint(2, 3))]
    return (kind, items)


def hard_texts(length: int) -> list[str]:
    """Texts on which patterns over a, b and c run away: a short word again and again, and an end that fits nothing."""
    words = ["a", "b", "c", "ab", "ba", "ac", "bc", "aab", "abb", "abc", "cab", "acb"]
    texts = []
    for word in words:
        for before in ("", "a", "b", "c"):
            for after in ("", "x", "a", "cx"):
                middle = word * (length // len(word))
                texts.append(before + middle[: max(0, length - len(before) - len(after))] + after)
    return texts
