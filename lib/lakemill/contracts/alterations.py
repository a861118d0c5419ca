"""Alterations: what differs between two contracts of a table, part by part."""

from collections.abc import Iterator

from lakemill.contracts.alteration import (
    READERS,
    STRICTNESS,
    WRITERS,
    Alteration,
    broken,
    plain_alterations,
    severity_altered,
    shown,
)
from lakemill.contracts.column_alterations import columns_altered, order_of_bounds
from lakemill.contracts.contract import Bound, Consumer, Contract
from lakemill.contracts.rules import Reference, RowCount, RowRule, TableRule, Totals, Unique

Rule = RowRule | TableRule
Demanded = str | Unique | Reference | RowCount | Totals | None


def alterations(old: Contract, new: Contract) -> list[Alteration]:
    """What differs between two contracts, in the order of the new one's parts."""
    return [
        *plain_alterations(old, new, "contract", ("table", "version", "description", "owner")),
        *columns_altered(old, new),
        *_key(old, new),
        *_rules(old, new),
        *_consumers(old, new),
        *_arrangements(old, new),
    ]


def _key(old: Contract, new: Contract) -> Iterator[Alteration]:
    if old.key != new.key:
        same = {*old.key} == {*new.key}
        breaks = () if same else ((READERS,) if old.key else ()) + ((WRITERS,) if new.key else ())
        yield Alteration("contract", "key", shown(old.key), shown(new.key), breaks)


def _rules(old: Contract, new: Contract) -> Iterator[Alteration]:
    """Rules are known by their names. What a predicate lets through nobody can tell: altered, it may be either."""
    before, after = _rules_of(old), _rules_of(new)
    for name in [*after, *(name for name in before if name not in after)]:
        was, now = before.get(name), after.get(name)
        demands = _demand(was), _demand(now)
        severities = was.severity if was else "", now.severity if now else ""
        if demands[0] != demands[1]:
            tighter, looser = _ways(was, now)
            breaks = broken(tighter, looser, *severities)
            word = "added" if was is None else "removed" if now is None else "changed"
            yield Alteration(f"rule {name}", word, shown(demands[0]), shown(demands[1]), breaks)
        if was and now and was.severity != now.severity:
            yield severity_altered(f"rule {name}", "it", *severities)
        if was and now:
            yield from plain_alterations(was, now, f"rule {name}", ("description",))


def _rules_of(contract: Contract) -> dict[str, Rule]:
    rules: list[Rule] = [*contract.row_rules, *contract.own_table_rules]
    return {rule.name: rule for rule in rules}


def _demand(rule: Rule | None) -> Demanded:
    return None if rule is None else rule.predicate if isinstance(rule, RowRule) else rule.demand


def _ways(was: Rule | None, now: Rule | None) -> tuple[bool, bool]:
    """Whether a rule is tighter than it was, and whether it is looser."""
    old, new = _demand(was), _demand(now)
    if isinstance(old, RowCount) and isinstance(new, RowCount):
        most = [None if count is None else Bound(count) for count in (old.most, new.most)]
        ends = order_of_bounds(Bound(old.least), Bound(new.least), 1), order_of_bounds(most[0], most[1], -1)
        return max(ends) > 0, min(ends) < 0
    return now is not None, was is not None


def _consumers(old: Contract, new: Contract) -> Iterator[Alteration]:
    """Who needs the table, and what for. Fresher than before is for writers to keep up with."""
    before = {(each.who, each.action): each for each in old.consumers}
    after = {(each.who, each.action): each for each in new.consumers}
    for key in [*after, *(key for key in before if key not in after)]:
        was, now = before.get(key), after.get(key)
        if was != now:
            sooner = now is not None and (was is None or now.minutes < was.minutes)
            word = "added" if was is None else "removed" if now is None else "changed"
            breaks = (WRITERS,) if was and sooner else ()
            yield Alteration(f"consumer {key[0]}", f"{word}: {key[1]}", _need(was), _need(now), breaks)


def _need(consumer: Consumer | None) -> str:
    if consumer is None:
        return ""
    to = f", {consumer.contact}" if consumer.contact else ""
    return f"{consumer.minutes} min, {shown(consumer.columns) or 'all columns'}{to}"


def _arrangements(old: Contract, new: Contract) -> Iterator[Alteration]:
    """What becomes of deliveries that are not as usual."""
    if old.changes != new.changes:
        fewer, more = {*old.changes} - {*new.changes}, {*new.changes} - {*old.changes}
        breaks = ((READERS,) if more else ()) + ((WRITERS,) if fewer else ())
        yield Alteration(
            "contract", "schema changes", shown(old.changes) or "none", shown(new.changes) or "none", breaks
        )
    for name in ("malformed", "drift"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            breaks = (WRITERS,) if STRICTNESS[now] > STRICTNESS[was] else ()
            yield Alteration("contract", name, was, now, breaks)
    if old.most_quarantined != new.most_quarantined:
        breaks = (WRITERS,) if new.most_quarantined < old.most_quarantined else ()
        yield Alteration(
            "contract", "most quarantined", f"{old.most_quarantined} %", f"{new.most_quarantined} %", breaks
        )
    yield from plain_alterations(old, new, "contract", ("encoding", "delimiter"), (WRITERS,))
