"""The plan is decided from facts alone: every random combination of them gets the first rule that holds, by name."""

import random
from dataclasses import replace

import pytest
from pyspark.sql.types import StructType

from lakemill import Job, PerKey
from lakemill.core.joins import Branch, Joins
from lakemill.errors import UsageError
from lakemill.kinds.appended import Appended
from lakemill.kinds.by_function import ByFunction
from lakemill.lake.change import COMPARED, Change
from lakemill.refresh.plan import SMALL_BYTES, SMALL_ROWS, Plan, decide, is_small
from lakemill.refresh.price import Price

NAMES = ("raw.a", "raw.b", "raw.c")


def first_of(*frames):
    return frames[0]


def kind(sources: tuple[str, ...], appends: bool):
    """Of the kinds, two that need no reduction: one that follows removals, and one that, having a double, does not."""
    if appends:
        return Appended(Job(source=sources, map=first_of, target="gold.t"), StructType().add("x", "double"))
    reduce = PerKey(lambda rows: rows)
    return ByFunction(Job(source=sources, map=first_of, key=["k"], reduce=reduce, target="gold.t"), reduce)


class Facts:
    """Random facts about a job of one to three sources."""

    def __init__(self, seed: int) -> None:
        chance = self.chance = random.Random(seed)
        rare = lambda: chance.random() < 0.12  # noqa: E731
        self.sources = NAMES[: chance.randint(1, 3)]
        self.appends, self.policy = chance.random() < 0.3, chance.choice(["auto", "auto", "update", "rebuild"])
        self.changes = {}
        for name in self.sources:
            changed = chance.random() < 0.6
            change = Change(name, 3, 5 if changed else 3, changed, removes=changed and chance.random() < 0.4)
            if rare():
                change = replace(change, problem=chance.choice(["FEED_EXPIRED", "SCHEMA_CHANGED"]), changes_data=True)
            if rare():
                change = replace(change, ahead=True)
            if changed and rare():
                change = replace(change, comparable=False)
            if changed and rare():
                remark = chance.choice(["FEED_MISSING", "SOURCE_OVERWRITTEN"])
                change = replace(change, remark=remark, by=COMPARED if remark == "FEED_MISSING" else change.by)
            if changed and chance.random() < 0.3:
                change = replace(change, feed_bytes=chance.choice([10, SMALL_BYTES, SMALL_BYTES + 1, 10**9]))
            self.changes[name] = replace(change, table_bytes=chance.choice([0, 1, 10**8, 10**10]))
        self.price = Price(chance.choice([None, 1.0, 10.0]), chance.choice([None, 1.0, 10.0])) if rare() else Price()
        places = frozenset(range(len(self.sources)))
        optional = frozenset(at for at in places if at and chance.random() < 0.3)
        self.opaque = frozenset(at for at in optional if rare() or rare())
        self.apart = bool(len(self.sources) > 1 and rare())
        """Whether the map unites its first source, joined with the others, with that source alone."""
        branches = [Branch(places - optional, optional)] + ([Branch(frozenset({0}))] if self.apart else [])
        self.joins = Joins(tuple(branches), optional=optional, opaque=self.opaque)
        self.definition = Plan("rebuild", "DEFINITION_CHANGED", "it was changed") if rare() else None

    def decided(self) -> Plan:
        return decide(
            kind(self.sources, self.appends), self.policy, self.changes, self.definition, self.joins, self.price
        )

    # What holds of the facts, said without the code under test.

    def changed(self) -> list[int]:
        return [at for at, name in enumerate(self.sources) if self.changes[name].changes_data]

    def of(self, at: int) -> Change:
        return self.changes[self.sources[at]]

    def impossible(self) -> set[str]:
        """Why no update can follow what changed."""
        found = set()
        for at in self.changed():
            if at in self.opaque:
                found.add("OUTER_JOIN")
            if self.apart and at:
                found.add("MAP_NOT_LINEAR")
            if not self.of(at).comparable and (at in self.joins.optional or len(self.changed()) > 1):
                found.add("MAP_NOT_LINEAR")
            if self.appends and (self.of(at).removes or at in self.joins.optional):
                found.add("SOURCE_REMOVED_ROWS")
        return found

    def dear(self) -> set[str]:
        """Why `auto` rebuilds what an update could follow."""
        changed = [self.of(at) for at in self.changed()]
        feed, tables = sum(c.feed_bytes for c in changed), [c.table_bytes for c in self.changes.values()]
        found = {"SOURCE_OVERWRITTEN"} if any(c.remark == "SOURCE_OVERWRITTEN" for c in changed) else set()
        if self.price == Price(10.0, 1.0) and not found and not (all(tables) and feed > max(SMALL_BYTES, sum(tables))):
            found = {"REBUILD_CHEAPER"}
        return found | ({"CHANGE_TOO_LARGE"} if all(tables) and feed > max(SMALL_BYTES, sum(tables)) else set())

    def wanted(self) -> tuple[str, set[str]]:
        """The plan's kind, and the reasons that it may give."""
        if self.policy == "rebuild":
            return "rebuild", {"ASKED_FOR"}
        if any(change.ahead for change in self.changes.values()):
            return "nothing", {"NOTHING_NEW"}
        problems = {change.problem for change in self.changes.values() if change.problem}
        if problems:
            return "rebuild", problems
        if self.definition:
            return "rebuild", {"DEFINITION_CHANGED"}
        if not self.changed():
            return "nothing", {"NOTHING_NEW"}
        if self.impossible():
            return "rebuild", self.impossible()
        if self.policy == "auto" and self.dear():
            return "rebuild", self.dear()
        remarks = {self.of(at).remark for at in self.changed()} - {""}
        return "update", remarks or {"UPDATE"}


@pytest.mark.parametrize("seed", range(0, 600, 3))
def test_the_plan_of_random_facts(seed):
    for facts in (Facts(seed), Facts(seed + 1), Facts(seed + 2)):
        is_decided(facts)


def is_decided(facts: Facts) -> None:
    """By the first rule that holds."""
    wanted, reasons = facts.wanted()
    if facts.policy == "update" and wanted == "rebuild":
        with pytest.raises(UsageError, match=f"can only be rebuilt: ({'|'.join(sorted(reasons))}) "):
            facts.decided()
        return
    plan = facts.decided()
    assert (plan.kind, plan.reason in reasons) == (wanted, True), (plan, reasons)
    assert plan.detail


def test_every_plan_is_met_by_the_random_facts():
    met = {(Facts(seed).wanted()[0], reason) for seed in range(600) for reason in Facts(seed).wanted()[1]}
    cannot, dear = (
        ("OUTER_JOIN", "MAP_NOT_LINEAR", "SOURCE_REMOVED_ROWS"),
        ("CHANGE_TOO_LARGE", "SOURCE_OVERWRITTEN", "REBUILD_CHEAPER"),
    )
    assert met >= {("rebuild", reason) for reason in (*cannot, *dear, "FEED_EXPIRED")}
    assert met >= {("update", "UPDATE"), ("update", "FEED_MISSING"), ("nothing", "NOTHING_NEW")}


@pytest.mark.parametrize(
    ("sizes", "small"),
    [
        ([], True),
        ([(SMALL_BYTES, SMALL_ROWS)], True),
        ([(SMALL_BYTES + 1, 0)], False),
        ([(0, SMALL_ROWS + 1)], False),
        ([(SMALL_BYTES // 2, 0), (SMALL_BYTES // 2, 0)], True),
        ([(SMALL_BYTES // 2, 0), (SMALL_BYTES // 2 + 1, 0)], False),
        ([(0, SMALL_ROWS // 2), (0, SMALL_ROWS // 2 + 1)], False),
    ],
)
def test_small_is_what_all_changes_are_together(sizes, small):
    changes = [Change("raw.t", 0, 1, True, feed_bytes=size, feed_rows=rows) for size, rows in sizes]
    assert is_small(changes) == small
