"""What PerKey's function may do: treat every key on its own. Read from the analysed plan before anything runs.

The function is built on a stand-in for the mapped rows. From there each column of the key is followed upwards through
the plan: what brings several rows together (window, aggregate, join ...) has to do so by all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lakemill.errors import UsageError
from lakemill.job import Job
from lakemill.maps.analysed import each, unseen
from lakemill.maps.roworder import chance
from lakemill.maps.rowwise import NAMES

Kept = dict[int, str]
"""Which column of the key, unchanged, an attribute (by its id) is."""

SINGLE = {
    "Filter", "Generate", "RebalancePartitions", "Repartition", "RepartitionByExpression", "ResolvedHint", "Sort",
    "SubqueryAlias", "View",
}  # fmt: skip
IN_PYTHON = {"FlatMapGroupsInArrow", "FlatMapGroupsInPandas"}
BATCHES = {"MapInArrow", "MapInPandas", "PythonMapInArrow", "FlatMapCoGroupsInArrow", "FlatMapCoGroupsInPandas"}
NO_LIMIT = "rank the rows in a window that is partitioned by the key, and filter"
LEFT, RIGHT = {"LeftOuter", "LeftSemi", "LeftAnti"}, {"RightOuter"}


@dataclass
class Keywise:
    """A walk over the plan of PerKey's function, bottom up, beside its nodes as JSON, which lists parents first.

    nodes: the plan as JSON.   tags: of each leaf, from the left; without a tag it is not the rows that are given.
    """

    job: Job
    nodes: list[dict[str, Any]]
    tags: list[set[str]]
    at: int = 0

    def check(self, plan: Any) -> None:
        """Raise UsageError, naming the node, where keys are not kept apart or a column of the key changes."""
        kept = self._kept(plan)
        for attribute in each(plan.output()):
            name = str(attribute.name())
            if name in self.key and kept.get(_id(attribute)) != name:
                not_per_key(self.job, f"\"{name}\" is not the key's any more; keep the key's columns as they are")

    @property
    def key(self) -> tuple[str, ...]:
        """The key's columns."""
        return tuple(self.job.key or ())

    def _kept(self, node: Any) -> Kept:
        name, as_json = str(node.getClass().getSimpleName()), self.nodes[self.at]
        self.at += 1
        below = [self._kept(child) for child in each(node.children())]
        if name not in IN_PYTHON | BATCHES:
            _refuse_functions(self.job, as_json)
        if name in SINGLE:
            return below[0]
        if name in IN_PYTHON:
            return self._in_python(node, name, below[0])
        return self._steps().get(name, self._unknown)(node, below)

    def _steps(self) -> dict[str, Callable[[Any, list[Kept]], Kept]]:
        return {
            "LocalRelation": self._leaf, "LogicalRDD": self._leaf, "LogicalRelation": self._leaf, "Range": self._leaf,
            "OneRowRelation": self._leaf, "Project": self._project, "Window": self._window, "Union": self._union,
            "Aggregate": self._aggregate, "Deduplicate": self._deduplicate, "Expand": self._expand, "Join": self._join,
        }  # fmt: skip

    def _unknown(self, node: Any, below: list[Kept]) -> Kept:
        name = str(node.getClass().getSimpleName())
        if name in ("GlobalLimit", "LocalLimit", "Offset", "Sample", "Tail"):
            not_per_key(self.job, f"{NAMES.get(name, name)} takes rows whatever their key; {NO_LIMIT}")
        if name in BATCHES:
            not_per_key(self.job, f"{name} does not see a key's rows together; use groupBy(key).applyInPandas alone")
        not_per_key(self.job, f"{NAMES.get(name, name)} is not known to keep keys apart")
        return {}

    def _leaf(self, node: Any, below: list[Kept]) -> Kept:
        if not self.tags.pop(0):
            kind = str(node.getClass().getSimpleName())
            refuse(self.job, f"it reads more than the rows that it is given ({kind}); join tables in the map")
        return self._by_name(node)

    def _project(self, node: Any, below: list[Kept]) -> Kept:
        return _named(node.projectList(), below[0])

    def _window(self, node: Any, below: list[Kept]) -> Kept:
        self._by_key("a window function is not partitioned by", _meant(node.partitionSpec(), below[0]))
        if not node.orderSpec().size():
            self._refuse_chance(node.windowExpressions(), "give the window an order")
        return below[0]

    def _aggregate(self, node: Any, below: list[Kept]) -> Kept:
        self._by_key("groupBy/agg does not group by", _meant(node.groupingExpressions(), below[0]))
        self._refuse_chance(node.aggregateExpressions(), "sort it in the same expression, as in sort_array(...)")
        return _named(node.aggregateExpressions(), below[0])

    def _deduplicate(self, node: Any, below: list[Kept]) -> Kept:
        self._by_key("distinct/dropDuplicates leaves out", _meant(node.keys(), below[0]))
        if set(map(_id, each(node.keys()))) != set(map(_id, each(node.child().output()))):
            not_per_key(
                self.job, "dropDuplicates of some columns keeps any of several rows; take row_number() = 1 of a window"
            )
        return below[0]

    def _union(self, node: Any, below: list[Kept]) -> Kept:
        outputs = [list(map(_id, each(child.output()))) for child in each(node.children())]
        kept_by_all: Kept = {}
        for at, attribute in enumerate(each(node.output())):
            meant = {kept.get(output[at]) for kept, output in zip(below, outputs, strict=True)}
            name = meant.pop()
            if not meant and name is not None:
                kept_by_all[_id(attribute)] = name
        return kept_by_all

    def _expand(self, node: Any, below: list[Kept]) -> Kept:
        """Each row in several forms: sliding time windows; in cube and rollup the key is lost."""
        forms = [[_meaning(column, below[0]) for column in each(form)] for form in each(node.projections())]
        places = [set(place) for place in zip(*forms, strict=True)]
        named = zip(each(node.output()), places, strict=True)
        return {_id(column): name for column, place in named if len(place) == 1 and (name := next(iter(place)))}

    def _join(self, node: Any, below: list[Kept]) -> Kept:
        left, right = below
        met = _met(node.condition().get(), left, right) if node.condition().isDefined() else set()
        self._by_key("a join of the rows with themselves does not meet on", met)
        kind = str(node.joinType().toString())
        if kind in ("Inner", "Cross"):
            return left | right
        return left if kind in LEFT else right if kind in RIGHT else {}

    def _in_python(self, node: Any, name: str, below: Kept) -> Kept:
        """What Python does is not seen: the columns with the key's names are taken for the key's, and tried on rows."""
        kind = name.replace("FlatMapGroups", "apply")
        self._by_key(f"{kind} does not group by", _meant(node.groupingAttributes(), below))
        return self._by_name(node)

    def _by_name(self, node: Any) -> Kept:
        """What a node gives under the names of the key's columns."""
        return {_id(column): str(column.name()) for column in each(node.output()) if str(column.name()) in self.key}

    def _by_key(self, what: str, meant: set[str]) -> None:
        missing = [name for name in self.key if name not in meant]
        if missing:
            not_per_key(self.job, f"{what} {', '.join(missing)} of the key ({', '.join(self.key)}); it has to")

    def _refuse_chance(self, expressions: Any, instead: str) -> None:
        reason = next((why for given in each(expressions) if (why := chance(given, instead))), None)
        if reason:
            not_per_key(self.job, reason)


def _met(condition: Any, left: Kept, right: Kept) -> set[str]:
    """The key's columns that a join's condition equates."""
    name = condition.getClass().getSimpleName()
    if name == "And":
        return _met(condition.left(), left, right) | _met(condition.right(), left, right)
    if name not in ("EqualTo", "EqualNullSafe"):
        return set()
    sides = [condition.left(), condition.right()]
    for mine, theirs in (sides, sides[::-1]):
        meant = _meaning(mine, left)
        if meant is not None and meant == _meaning(theirs, right):
            return {meant}
    return set()


def _id(attribute: Any) -> int:
    return int(attribute.exprId().id())


def _meaning(expression: Any, kept: Kept) -> str | None:
    """The column of the key that the expression is, unchanged."""
    is_column = expression.getClass().getSimpleName() == "AttributeReference"
    return kept.get(_id(expression)) if is_column else None


def _meant(expressions: Any, kept: Kept) -> set[str]:
    return {name for expression in each(expressions) if (name := _meaning(expression, kept))}


def _named(expressions: Any, kept: Kept) -> Kept:
    """What is left of the key's columns after these named expressions."""
    left: Kept = {}
    for expression in each(expressions):
        inner = expression.child() if expression.getClass().getSimpleName() == "Alias" else expression
        name = _meaning(inner, kept)
        if name:
            left[_id(expression)] = name
    return left


def _refuse_functions(job: Job, node: dict[str, Any]) -> None:
    if any(unseen(node)):
        refuse(
            job,
            "a user-defined function cannot be seen through; write it with Spark's own functions, mark it with @pure, "
            "or write the whole with groupBy(key).applyInPandas",
        )


def not_per_key(job: Job, why: str) -> None:
    """Refuse what cannot be computed key by key."""
    refuse(job, f"NOT_PER_KEY: {why}")


def refuse(job: Job, why: str) -> None:
    """Refuse PerKey's function, in one sentence."""
    raise UsageError(f"{job.target}: {job.reduce} is refused: {why}.")
