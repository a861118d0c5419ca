"""Danger: which patterns may run away, that is try so many ways through a text that a match takes for ever.

Java's matcher goes back and tries again, and Spark runs it on every row. What it tries are the paths of the pattern's
automaton, so this looks for what multiplies them: two ways round one loop (each letter doubles them), loops that hand
on to each other (each adds the text's length as a factor), and choices outside of loops (each is a factor). All
patterns that may run away have one of these; a few that would not are refused, too.
"""

from collections import deque
from functools import lru_cache

from lakemill.contracts.automaton import START, Automaton, automaton
from lakemill.contracts.pattern import Choice, PatternError, Repeat, Sequence, Tree, pattern_tree

MOST_TRIED = 1_000_000
"""Ways that may be tried on one text."""
MOST_CHOICES = 1000
MOST_NESTED = 500
"""Times that a group may be matched, each within the one before: at some 2,000 a stack of a megabyte is full."""


@lru_cache(maxsize=256)
def danger(text: str, longest: int | None) -> str:
    """Why a pattern may run away on texts of at most so many letters, or cannot be read at all; empty if it is safe."""
    try:
        tree = pattern_tree(text)
        made = automaton(tree)
        reach = _reach(made)
        loops = _loops(made, reach)
        powers = _powers(_degree(made, loops, reach), longest)
        return _doubling(made, loops) or _choices(made, loops) or powers or _depth(tree, longest)
    except PatternError as error:
        return str(error)


def _depth(tree: Tree, longest: int | None) -> str:
    """Whether a repeated group may be matched more often than Java's stack has room for: it calls itself each time."""
    if not _repeats_group(tree) or (longest is not None and longest <= MOST_NESTED):
        return ""
    now = "none" if longest is None else str(longest)
    return (
        "a group is repeated, as in (ab)*, and Java's stack may overflow on a long text. Declare maxLength: "
        f"{MOST_NESTED} or less (now {now})"
    )


def _repeats_group(tree: Tree) -> bool:
    if isinstance(tree, Repeat):
        often = tree.most is None or tree.most > MOST_NESTED
        return (often and isinstance(tree.item, Sequence | Choice | Repeat)) or _repeats_group(tree.item)
    return isinstance(tree, Sequence | Choice) and any(map(_repeats_group, tree.items))


def _loops(made: Automaton, reach: dict[int, int]) -> dict[int, int]:
    """Each state that lies on a loop, and a number of its loops: states that lead to each other have the same."""
    loops = dict[int, int]()
    for state in made.ways:
        if state not in loops and state != START and reach[state] >> state & 1:
            same = [other for other in _states(reach[state]) if reach[other] >> state & 1]
            loops |= dict.fromkeys(same, state)
    return loops


def _reach(made: Automaton) -> dict[int, int]:
    """Which states each state leads to, as the bits of a number."""
    reach = {state: sum(1 << after for after in ways) for state, ways in made.ways.items()}
    for middle in range(len(made.letters)):
        beyond = reach[middle]
        for state, states in reach.items():
            if states >> middle & 1:
                reach[state] = states | beyond
    return reach


def _states(bits: int) -> list[int]:
    return [state for state in range(bits.bit_length()) if bits >> state & 1]


def _doubling(made: Automaton, loops: dict[int, int]) -> str:
    """Whether two ways lead round a loop by the same letters."""
    for state, loop in loops.items():
        if any(ways > 1 and loops.get(after) == loop for after, ways in made.ways[state].items()):
            return (
                "a quantifier stands within a quantifier with nothing between, as in (a+)+: each letter doubles the "
                "ways to try; take one of them away"
            )
    todo = deque((state, state) for state in loops)
    seen = set(todo)
    while todo:
        left, right = todo.popleft()
        for pair in made.pairs(left, right):
            if not loops.get(pair[0]) == loops.get(pair[1]) == loops[left]:
                continue
            if left != right and pair[0] == pair[1]:
                return (
                    "what a quantifier repeats can be read in two ways, as in (a|a)* or (a|aa)+: each time doubles the "
                    "ways to try; let the alternatives begin with different letters"
                )
            if pair not in seen:
                seen.add(pair)
                todo.append(pair)
    return ""


def _choices(made: Automaton, loops: dict[int, int]) -> str:
    """Whether the choices outside of loops, each a factor, are too many."""
    factor = 1
    for state, ways in made.ways.items():
        if state not in loops and ways:
            factor *= max(sum(count for other, count in ways.items() if made.meet(after, other)) for after in ways)
        if factor > MOST_CHOICES:
            return (
                "it leaves too many choices that begin with the same letters, as in (a|ab)(a|ab)...: each multiplies "
                "the ways to try; let alternatives begin with different letters"
            )
    return ""


def _degree(made: Automaton, loops: dict[int, int], reach: dict[int, int]) -> int:
    """How often the length of a text is a factor of the ways to try: the longest chain of loops that hand on."""
    numbers = sorted(set(loops.values()))
    ordered = [(a, b) for a in numbers for b in numbers if a != b and reach[a] >> b & 1]
    hand_on = [(a, b) for a, b in ordered if _hands_on(made, loops, a, b)]
    depth = dict.fromkeys(numbers, 0)
    for _ in numbers:
        for a, b in hand_on:
            depth[b] = max(depth[b], 1 + max(depth[c] for c in numbers if c == a or reach[c] >> a & 1))
    return max(depth.values(), default=0)


def _hands_on(made: Automaton, loops: dict[int, int], first: int, second: int) -> bool:
    """Whether some letters lead round the first loop, from it to the second, and round the second: all three."""
    own = [state for state, loop in loops.items() if loop == first]
    theirs = [state for state, loop in loops.items() if loop == second]
    return any(_leads(made, loops, p, q) for p in own for q in theirs)


def _leads(made: Automaton, loops: dict[int, int], p: int, q: int) -> bool:
    """Whether the same letters lead from p to p, from p to q, and from q to q."""
    todo, seen = deque([(p, p, q)]), {(p, p, q)}
    while todo:
        for triple in _triples(made, *todo.popleft()):
            if triple == (p, q, q):
                return True
            inside = loops.get(triple[0]) == loops[p] and loops.get(triple[2]) == loops[q]
            if inside and triple not in seen:
                seen.add(triple)
                todo.append(triple)
    return False


def _triples(made: Automaton, x: int, y: int, z: int) -> list[tuple[int, int, int]]:
    """Where one letter may lead from three states at once: at least any two of them share it."""
    pairs = made.pairs(x, y)
    made.count(len(pairs) * len(made.ways[z]))
    return [(a, b, c) for a, b in pairs for c in made.ways[z] if made.meet(a, c) and made.meet(b, c)]


def _powers(degree: int, longest: int | None) -> str:
    """Whether loops that hand on to each other try too many ways on the longest text."""
    if not degree:
        return ""
    most = int(MOST_TRIED ** (1 / (degree + 1)) + 1e-9)
    if longest is not None and longest <= most:
        return ""
    power = {1: "square", 2: "cube"}.get(degree, f"{degree + 1}th power")
    now = "none" if longest is None else str(longest)
    return (
        f"repeats that can take the same letters follow on each other, as in .*-.*: it may try the {power} of the "
        f"length. Declare maxLength: {most} or less (now {now}), or let what stands between be in neither"
    )
