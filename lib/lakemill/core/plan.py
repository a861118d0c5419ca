"""The plan: rebuild, update or nothing, and why. Decided from facts alone; nothing is read or written here."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakemill.core.reduction import Reduction
from lakemill.errors import UsageError
from lakemill.job import Job

POLICIES = ("auto", "update", "rebuild")
NOTHING, UPDATE, REBUILD = "nothing", "update", "rebuild"


@dataclass(frozen=True)
class Change:
    """What happened to one source between two of its versions, (after, through].

    changes_data: whether rows came or went.   removes: whether rows may have gone.   feed_bytes: what its feed reads
    at most.   problem: a reason code, where the change cannot be had from the feed.   detail: what was found.
    """

    source: str
    after: int
    through: int
    changes_data: bool = False
    removes: bool = False
    feed_bytes: int = 0
    problem: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Plan:
    """How a table is brought up to date: `kind` is nothing, update or rebuild; `reason` a code; `detail` for people."""

    kind: str
    reason: str
    detail: str = ""


def decide(job: Job, policy: str, changes: Mapping[str, Change], definition_changed: bool, outer_joins: bool) -> Plan:
    """The plan of a table that has progress; raises UsageError where the policy forbids it."""
    return allowed(job, policy, _plan(job, policy, changes, definition_changed, outer_joins))


def allowed(job: Job, policy: str, plan: Plan) -> Plan:
    """The plan, if the policy allows it: `update` refuses to rebuild, but for the first run."""
    if policy == UPDATE and plan.kind == REBUILD and plan.reason != "FIRST_RUN":
        raise UsageError(
            f"{job.target}: --policy update, but it can only be rebuilt: {plan.reason} ({plan.detail}). "
            "Nothing was written; --policy auto rebuilds it."
        )
    return plan


def _plan(job: Job, policy: str, changes: Mapping[str, Change], definition_changed: bool, outer_joins: bool) -> Plan:
    if policy == REBUILD:
        return Plan(REBUILD, "ASKED_FOR", "--policy rebuild")
    for change in changes.values():
        if change.problem:
            return Plan(REBUILD, change.problem, f"{change.source}: {change.detail}")
    if definition_changed:
        return Plan(REBUILD, "DEFINITION_CHANGED", "its sources, map, key or reduce are not those it was made with")
    if not any(change.changes_data for change in changes.values()):
        return Plan(NOTHING, "NOTHING_NEW", "no source has new rows")
    if outer_joins:
        return Plan(REBUILD, "OUTER_JOIN", "its map joins other than inner")
    if len(job.sources) > 1:
        return Plan(REBUILD, "SEVERAL_SOURCES", "a job that joins several sources is rebuilt")
    if job.appends and any(change.removes for change in changes.values()):
        return Plan(REBUILD, "SOURCE_REMOVED_ROWS", "it has no key, and rows of its source changed or went")
    return Plan(UPDATE, "UPDATE", _moved(changes))


def _moved(changes: Mapping[str, Change]) -> str:
    return ", ".join(f"{c.source} {c.after} to {c.through}" for c in changes.values() if c.through > c.after)


def on_removal(reduction: Reduction | None) -> str:
    """What an update does when rows go: for people, by `lakemill explain`. None: a function of all rows of a key."""
    if reduction is None:
        return "recomputes the touched keys, from the source"
    if all(part.kind == "group" for part in reduction.collected.values()):
        return "subtracts it; the source is not read again"
    return "subtracts it where the kept state tells the result, else recomputes those keys from the source"
