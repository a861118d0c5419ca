"""Automata of patterns: each letter of a pattern is a state, and an edge is a way from it to the next letter.

An edge counts the ways: where a repeat stands in a repeat, two ways lead back to one letter. What a matcher tries that
goes back and tries again, as Java's does, are paths of this automaton, so their number is what a pattern may cost.
"""

from collections import Counter
from collections.abc import Sequence as Several
from dataclasses import dataclass, field

from lakemill.contracts.letters import Letters
from lakemill.contracts.pattern import Choice, PatternError, Repeat, Sequence, Tree

START = -1
MOST_STEPS = 1_000_000
"""Of looking for danger: a second or two."""
UNTOLD_COST = "it is too large to tell what it may cost; make it shorter"
MOST_STATES = 1500
MOST_COPIES, MOST_UNROLLED = 70, 8
"""So many times letters, and groups, are written out; a repeat beyond is taken for one without end, which costs no
less."""


@dataclass
class Automaton:
    """States are numbers, and START. The letter of each, and the ways from each to others."""

    letters: list[Letters] = field(default_factory=list)
    ways: dict[int, Counter[int]] = field(default_factory=dict)
    steps: int = 0

    def meet(self, state: int, other: int) -> bool:
        """Whether one letter leads into both states."""
        return state == other or self.letters[state].meets(self.letters[other])

    def count(self, steps: int) -> None:
        """Count what is looked at; raises PatternError where that is too much."""
        self.steps += steps + 1
        if self.steps > MOST_STEPS:
            raise PatternError(UNTOLD_COST)

    def pairs(self, state: int, other: int) -> list[tuple[int, int]]:
        """Where one letter leads from two states at once."""
        self.count(len(self.ways[state]) * len(self.ways[other]))
        return [(a, b) for a in self.ways[state] for b in self.ways[other] if self.meet(a, b)]


@dataclass(frozen=True)
class _Piece:
    """A part of a pattern: the ways into it, the ways out of it, and the ways past it."""

    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)
    empty: int = 1


def automaton(tree: Tree) -> Automaton:
    """The automaton of a pattern; raises PatternError where it is too large, or repeats what may be empty."""
    made = Automaton()
    piece = _built(made, tree)
    made.ways[START] = piece.first
    for state in range(len(made.letters)):
        made.ways.setdefault(state, Counter())
    return made


def _built(made: Automaton, tree: Tree) -> _Piece:
    match tree:
        case Letters():
            return _state(made, tree)
        case Sequence(items):
            return _joined(made, [_built(made, item) for item in items])
        case Choice(items):
            return _chosen([_built(made, item) for item in items])
        case Repeat():
            return _repeated(made, tree)


def _state(made: Automaton, letter: Letters) -> _Piece:
    state = len(made.letters)
    if state >= MOST_STATES:
        raise PatternError(UNTOLD_COST)
    made.letters.append(letter)
    made.ways[state] = Counter()
    return _Piece(Counter([state]), Counter([state]), 0)


def _joined(made: Automaton, pieces: Several[_Piece]) -> _Piece:
    whole = _Piece()
    for piece in pieces:
        _lead(made, whole.last, piece.first)
        first = whole.first + _times(piece.first, whole.empty)
        whole = _Piece(first, piece.last + _times(whole.last, piece.empty), whole.empty * piece.empty)
    return whole


def _chosen(pieces: Several[_Piece]) -> _Piece:
    first = sum((piece.first for piece in pieces), Counter[int]())
    last = sum((piece.last for piece in pieces), Counter[int]())
    return _Piece(first, last, sum(piece.empty for piece in pieces))


def _repeated(made: Automaton, repeat: Repeat) -> _Piece:
    item, least, most = repeat.item, repeat.least, repeat.most
    if most == 0:
        return _Piece()
    if most == 1:
        piece = _built(made, item)
        return piece if least else _Piece(piece.first, piece.last, piece.empty + 1)
    if most is not None and most <= MOST_UNROLLED and not _is_plain(item):
        return _unrolled(made, item, least, most)
    if not (_is_plain(item) and least <= MOST_COPIES):
        return _loop(made, item, least)
    endless = most is None or most > least + 1
    copies = [_built(made, item) for _ in range(least - 1 if endless else least)]
    if endless:
        copies.append(_loop(made, item, least))
    elif most != least:
        copies.append(_built(made, Repeat(item, 0, 1)))
    return _joined(made, copies)


def _unrolled(made: Automaton, item: Tree, least: int, most: int) -> _Piece:
    """So many times, and perhaps once more, and then perhaps once more."""
    rest = _Piece()
    for _ in range(most - least):
        piece = _joined(made, [_built(made, item), rest])
        rest = _Piece(piece.first, piece.last, piece.empty + 1)
    return _joined(made, [*(_built(made, item) for _ in range(least)), rest])


def _loop(made: Automaton, item: Tree, least: int) -> _Piece:
    piece = _built(made, item)
    if piece.empty:
        raise PatternError(
            "a quantifier repeats what may be empty, as in (a*)*: nothing tells how often; let it repeat something"
        )
    _lead(made, piece.last, piece.first)
    return _Piece(piece.first, piece.last, 0 if least else 1)


def _is_plain(tree: Tree) -> bool:
    """Whether it is some letters in a row, which leave no choice."""
    return isinstance(tree, Letters) or (
        isinstance(tree, Sequence) and bool(tree.items) and all(map(_is_plain, tree.items))
    )


def _lead(made: Automaton, last: Counter[int], first: Counter[int]) -> None:
    for state, ways in last.items():
        for after, more in first.items():
            made.ways[state][after] += ways * more


def _times(counts: Counter[int], factor: int) -> Counter[int]:
    return Counter({state: count * factor for state, count in counts.items() if factor})
