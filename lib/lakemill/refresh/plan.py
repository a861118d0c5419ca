"""The plan: rebuild, update or nothing, and why. Decided from facts alone; nothing is read or written here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lakemill.core.joins import Joins
from lakemill.errors import UsageError
from lakemill.job import Job
from lakemill.kinds import Kind
from lakemill.lake.change import Change
from lakemill.lake.progress import Progress
from lakemill.maps.definition import Definition
from lakemill.refresh.price import Price

POLICIES = ("auto", "update", "rebuild")
POLICY_NAMES = {"incremental": "update", "full": "rebuild"}
"""What other tools call the policies."""
NOTHING, UPDATE, REBUILD = "nothing", "update", "rebuild"
SMALL_BYTES = 4 * 1024 * 1024
"""A change whose feed is not larger than this (some 300,000 rows in Parquet) is small: it may come to the driver."""
SMALL_ROWS = 500_000
"""Nor has it more rows than these, where the log tells: equal ones take next to no bytes."""


@dataclass(frozen=True)
class Plan:
    """How a table is brought up to date: `kind` is nothing, update or rebuild; `reason` a code; `detail` for people."""

    kind: str
    reason: str
    detail: str = ""


def decide(
    kind: Kind, policy: str, changes: Mapping[str, Change], definition: Plan | None, joins: Joins,
    price: Price = Price(),  # noqa: B008
) -> Plan:  # fmt: skip
    """The plan of a table that has progress; raises UsageError where the policy forbids it.

    definition: the rebuild that a changed definition, or changed columns of a source, ask for.   price: what an
    update and a rebuild are expected to take.
    """
    return allowed(kind.job, policy, _plan(kind, policy, changes, definition, joins, price))


def adopted(plan: Plan, progress: Progress, present: Definition) -> Plan:
    """The plan of a table that was made by the same job under another Spark or Python, and is verified first."""
    made = f"made under {progress.made_by}, now {present.made_by}"
    return replace(plan, reason="ADOPTED", detail=f"{made}: a sample of its keys is verified first; {plan.detail}")


def allowed(job: Job, policy: str, plan: Plan) -> Plan:
    """The plan, if the policy allows it: `update` refuses to rebuild, but for the first run."""
    if policy == UPDATE and plan.kind == REBUILD and plan.reason != "FIRST_RUN":
        raise UsageError(
            f"{job.target}: --policy update, but it can only be rebuilt: {plan.reason} ({plan.detail}). "
            "Nothing was written; --policy auto rebuilds it."
        )
    return plan


def _plan(
    kind: Kind, policy: str, changes: Mapping[str, Change], definition: Plan | None, joins: Joins, price: Price
) -> Plan:
    plan = settled(policy, changes, definition)
    if plan:
        return plan
    forced = next(_rebuilds(kind, changes, joins), None) or (None if policy == UPDATE else _dearer(changes))
    if forced:
        return forced
    if price.dearer and policy != UPDATE:
        return Plan(REBUILD, "REBUILD_CHEAPER", f"{_moved(changes)}: {price}")
    remarks = [change for change in changes.values() if change.remark]
    if remarks:
        return Plan(UPDATE, remarks[0].remark, f"{remarks[0].source}: {remarks[0].detail}")
    return Plan(UPDATE, "UPDATE", _moved(changes) + (f": {price}" if str(price) else ""))


def settled(policy: str, changes: Mapping[str, Change], definition: Plan | None) -> Plan | None:
    """The plan, where it does not matter what the job makes of the changes; else None."""
    if policy == REBUILD:
        return Plan(REBUILD, "ASKED_FOR", "--policy rebuild")
    ahead = [change.source for change in changes.values() if change.ahead]
    if ahead:  # never back: another run was first, and had a later version
        return Plan(NOTHING, "NOTHING_NEW", f"another run brought it further, with a later version of {ahead[0]}")
    for change in changes.values():
        if change.problem:
            return Plan(REBUILD, change.problem, f"{change.source}: {change.detail}")
    if definition:
        return definition
    if not any(change.changes_data for change in changes.values()):
        return Plan(NOTHING, "NOTHING_NEW", "no source has new rows")
    return None


def _rebuilds(kind: Kind, changes: Mapping[str, Change], joins: Joins) -> Iterator[Plan]:
    """What no update can do with the sources that changed."""
    sources = kind.job.sources
    changed = [at for at, name in enumerate(sources) if changes[name].changes_data]
    for at in changed:
        name = sources[at]
        if at in joins.opaque:
            yield Plan(REBUILD, "OUTER_JOIN", f"{name} changed; {_OUTER}")
        if joins.constant(at):
            yield Plan(REBUILD, "MAP_NOT_LINEAR", f"{name} changed; {_NOT_LINEAR}")
        if not changes[name].comparable and (at in joins.optional or len(changed) > 1):
            yield Plan(REBUILD, "MAP_NOT_LINEAR", f"{name} changed; {_NOT_COMPARABLE}")
        if not kind.follows_removals and (changes[name].removes or at in joins.optional):
            yield Plan(REBUILD, "SOURCE_REMOVED_ROWS", f"it has no key but doubles, and rows of {name} changed or went")


_OUTER = (
    "an update cannot tell which rows that touches: it is in a full outer join, or on the side of a left, right, semi "
    "or anti join that may be missing, and not alone there, there twice, or found by other than plain columns of a "
    "table that every row has"
)
_NOT_LINEAR = (
    "its map unites rows that are joined with it and rows of the same tables that are not, as (a join b) union a with "
    "a change of b: make two jobs"
)
_NOT_COMPARABLE = "an update needs its rows of before, and rows that hold maps or variants cannot be compared"


def _dearer(changes: Mapping[str, Change]) -> Plan | None:
    """A rebuild, where the change is larger than what a rebuild would read."""
    changed = [change for change in changes.values() if change.changes_data]
    for change in changed:
        if change.remark == "SOURCE_OVERWRITTEN":
            return Plan(REBUILD, "SOURCE_OVERWRITTEN", f"{change.source}: {change.detail}")
    feed, table = sum(c.feed_bytes for c in changed), sum(c.table_bytes for c in changes.values())
    if feed > SMALL_BYTES and all(c.table_bytes for c in changes.values()) and feed > table:
        detail = f"the feed of {_moved(changes)} is {feed:,} bytes, the sources are {table:,}"
        return Plan(REBUILD, "CHANGE_TOO_LARGE", detail)
    return None


def is_small(changes: Iterable[Change]) -> bool:
    """Whether the rows of these changes may come to the driver."""
    listed = list(changes)
    return sum(c.feed_bytes for c in listed) <= SMALL_BYTES and sum(c.feed_rows for c in listed) <= SMALL_ROWS


def _moved(changes: Mapping[str, Change]) -> str:
    return ", ".join(f"{c.source} {c.after} to {c.through}" for c in changes.values() if c.through > c.after)
