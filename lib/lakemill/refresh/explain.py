"""lakemill explain: what a run would do to a table, and why, before anything runs."""

from dataclasses import dataclass

from pyspark.sql import DataFrame

from lakemill.core.steps import steps
from lakemill.job import Job
from lakemill.refresh import Task, prepare
from lakemill.refresh.load import plan_load
from lakemill.refresh.plan import UPDATE
from lakemill.refresh.work import planned
from lakemill.world import World


@dataclass(frozen=True)
class Explanation:
    """The plan, its reason, what each reducer is and does on a removal, and the physical plan in four words."""

    target: str
    plan: str
    reason: str
    detail: str
    sources: dict[str, str]
    reducers: dict[str, str]
    removal: str
    steps: list[tuple[str, str]]


def explain(world: World, job: Job, policy: str = "auto") -> Explanation:
    """The explanation for one table; reads logs only."""
    if job.outside:
        known = plan_load(world, job, policy)
        plan, feed = known.plan, {known.source.name: known.source.words(None)}
        return Explanation(
            job.target, plan.kind, plan.reason, plan.detail, feed, {}, "appends; dumps are never taken back", []
        )
    task = prepare(world, job, policy)
    sources = {_place(job, at): _read(task, name) + _met(task, at) for at, name in enumerate(job.sources)}
    plan, kind = task.plan, task.kind
    return Explanation(
        job.target, plan.kind, plan.reason, plan.detail, sources, dict(kind.words()), kind.removal, steps(_frame(task))
    )


def _place(job: Job, at: int) -> str:
    name = job.sources[at]
    return f"{name} ({at + 1})" if job.sources.count(name) > 1 else name


def _read(task: Task, name: str) -> str:
    return task.sources[name].words(task.changes.get(name))


def _met(task: Task, at: int) -> str:
    """What a change of a source is sent beside: the rows of the others that meet it, and by which of their columns."""
    joins, names = task.mapped.joins, task.job.sources
    if at in joins.opaque or joins.constant(at):
        return f"; a change of it rebuilds, {'OUTER_JOIN' if at in joins.opaque else 'MAP_NOT_LINEAR'}"
    by = {link.right: ", ".join(column for _, column in link.columns) for link in joins.path(at)}
    others = [f"{names[place]} {'by ' + by[place] if place in by else 'whole'}" for place in sorted(joins.beside(at))]
    return f"; a change of it meets {' and '.join(others)}" if others else ""


def _frame(task: Task) -> DataFrame:
    """What the run would reduce: the change where it is an update, else the whole source."""
    if task.plan.kind == UPDATE:
        return task.kind.reduced(planned(task))
    return task.kind.rows(task.job.mapped(*task.frames()))
