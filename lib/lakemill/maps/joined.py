"""How a map joins and unites its sources, read from its analysed plan.

The walk goes from the leaves upwards. It keeps apart which sources a row needs (`Branch`), by which columns rows of two
sources meet (`Link`), and which attributes are still a source's own column (`kept`): an update of a joined table reads
the other sources for the keys of the change alone, and these are the columns that it may do so by.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lakemill.core.joins import Branch, Joins, Link, Origin
from lakemill.maps.analysed import tree

Node = dict[str, Any]

# A kind of join that is in none of these, as one of a newer Spark, counts as one that nothing is known about.
OPTIONAL_RIGHT = {"LeftOuter", "LeftSemi", "LeftAnti"}
OPTIONAL_LEFT = {"RightOuter"}
BOTH_SIDES_NEEDED = {"Inner", "Cross"}
WIDER = ("byte", "short", "integer", "long")


@dataclass(frozen=True)
class _Side:
    """What one subtree of the plan gives.

    branches: the alternatives of its unions.   leaves: the sources at its leaves, from the left.   kept: the attributes
    that are a source's column, unchanged.
    """

    branches: tuple[Branch, ...]
    leaves: tuple[int, ...]
    kept: Mapping[int, Origin]


def joins_of(nodes: Sequence[Node], leaves: Sequence[int], output: Mapping[str, int]) -> Joins:
    """What the plan, its nodes as JSON lists them, does with its sources.

    leaves: the source at each leaf, from the left.   output: the ids of its result's columns.
    """
    walk = _Walk(nodes, list(leaves))
    side = walk.side()
    once = {source for source in side.leaves if side.leaves.count(source) == 1}
    hidden = walk.optional | walk.opaque
    links = tuple(
        link
        for link in walk.links
        if {link.left, link.right} <= once and link.left not in hidden and (link.optional or link.right not in hidden)
    )
    joins = Joins(side.branches, links, frozenset(walk.optional), frozenset(walk.opaque))
    unreachable = {source for source in joins.optional if not joins.found_by(source)}
    origins = {name: side.kept[id] for name, id in output.items() if id in side.kept}
    shown = {name: origin for name, origin in origins.items() if origin[0] in once - hidden}
    return replace(joins, opaque=joins.opaque | unreachable, origins=shown)


class _Walk:
    """A walk over the plan's nodes, which JSON lists parents first; every node is one that a map may have."""

    def __init__(self, nodes: Sequence[Node], leaves: list[int]) -> None:
        self.nodes, self.leaves, self.at = nodes, leaves, 0
        self.links: list[Link] = []
        self.optional: set[int] = set()
        self.opaque: set[int] = set()

    def side(self) -> _Side:
        """The subtree at the next node."""
        node = self.nodes[self.at]
        self.at += 1
        below = [self.side() for _ in range(node["num-children"])]
        name = _name(node["class"])
        if not below:
            source = self.leaves.pop(0)
            kept = {attribute(column[0]): (source, str(column[0]["name"])) for column in node["output"]}
            return _Side((Branch(frozenset({source})),), (source,), kept)
        if name == "Join":
            return self._join(node, *below)
        if name == "Union":
            # Its columns have the ids of the first one's, and are not that one's.
            branches = tuple(branch for side in below for branch in side.branches)
            return _Side(branches, tuple(leaf for side in below for leaf in side.leaves), {})
        if name == "Project":
            return replace(below[0], kept=dict(_renamed(node["projectList"], below[0].kept)))
        return below[0]

    def _join(self, node: Node, left: _Side, right: _Side) -> _Side:
        kind = _name(node["joinType"]["object"])
        leaves, kept = left.leaves + right.leaves, {**left.kept, **right.kept}
        if kind in OPTIONAL_LEFT:
            left, right = right, left
        self._link(node.get("condition") or [], left, right, optional=kind not in BOTH_SIDES_NEEDED)
        if kind in BOTH_SIDES_NEEDED:
            return _Side(tuple(_together(a, b) for a in left.branches for b in right.branches), leaves, kept)
        branches = _without(left.branches, right.leaves)
        self.optional |= set(right.leaves)
        if kind not in OPTIONAL_LEFT | OPTIONAL_RIGHT:
            self.opaque |= set(leaves)
            branches += _without(right.branches, left.leaves)
        elif len(right.leaves) > 1:
            self.opaque |= set(right.leaves)
        return _Side(branches, leaves, kept)

    def _link(self, condition: list[Node], left: _Side, right: _Side, optional: bool) -> None:
        pairs: dict[tuple[int, int], list[tuple[str, str]]] = {}
        for first, second in _equal(condition):
            a, b = left.kept.get(first), right.kept.get(second)
            if a is None or b is None:
                a, b = left.kept.get(second), right.kept.get(first)
            # A column of a side that rows may lack is NULL for those, whatever rows of that source there are.
            if a is not None and b is not None and not {a[0], b[0]} & (self.optional | self.opaque):
                pairs.setdefault((a[0], b[0]), []).append((a[1], b[1]))
        self.links += [Link(*places, tuple(columns), optional) for places, columns in pairs.items()]


def _without(branches: Sequence[Branch], leaves: Sequence[int]) -> tuple[Branch, ...]:
    """The branches, whose rows do without those of these sources."""
    return tuple(replace(branch, optional=branch.optional | frozenset(leaves)) for branch in branches)


def _together(left: Branch, right: Branch) -> Branch:
    """What rows need that are made of a row of each side."""
    return Branch(left.needed | right.needed, left.optional | right.optional)


def _renamed(listed: Sequence[list[Node]], kept: Mapping[int, Origin]) -> Iterator[tuple[int, Origin]]:
    """The attributes of a projection that are still a source's column, whatever they are called."""
    for expression in listed:
        if handed_on(expression) and attribute(expression[-1]) in kept:
            yield attribute(expression[0]), kept[attribute(expression[-1])]


def handed_on(expression: Sequence[Node]) -> bool:
    """Whether an expression of a projection is a column, renamed at most."""
    return [_name(node["class"]) for node in expression] in (["AttributeReference"], ["Alias", "AttributeReference"])


def _equal(condition: list[Node]) -> Iterator[tuple[int, int]]:
    """The pairs of attributes that a condition wants equal: its conjuncts of two plain columns."""
    trees = [tree(iter(condition))] if condition else []
    while trees:
        node, below = trees.pop()
        name = _name(node["class"])
        if name == "And":
            trees += below
        elif name in ("EqualTo", "EqualNullSafe"):
            left, right = (_plain(side) for side in below)
            if left is not None and right is not None:
                yield left, right


def _plain(tree: tuple[Node, list[Any]]) -> int | None:
    """The attribute that an expression is, be it as a wider integer."""
    node, below = tree
    name = _name(node["class"])
    if name == "AttributeReference":
        return attribute(node)
    if name == "Cast" and _name(below[0][0]["class"]) == "AttributeReference":
        types = (below[0][0]["dataType"], node["dataType"])
        if all(kind in WIDER for kind in types) and WIDER.index(types[0]) <= WIDER.index(types[1]):
            return _plain(below[0])
    return None


def attribute(node: Node) -> int:
    """The id of the column that an attribute, or an alias, is."""
    return int(node["exprId"]["id"])


def _name(path: str) -> str:
    """The name of a class, without its package."""
    return path.rsplit(".", 1)[-1].rstrip("$")
