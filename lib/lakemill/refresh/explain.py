"""lakemill explain: what a run would do to a table, and why, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from lakemill.core import bags, mapreduce
from lakemill.core.reduction import Reduction
from lakemill.core.steps import steps
from lakemill.job import Dump, Job
from lakemill.lake.progress import read_progress
from lakemill.reducers import Collected, Latest, Part, PerKey, Total
from lakemill.reducers.part import ON_REMOVAL
from lakemill.refresh import Task, World, prepare
from lakemill.refresh.change import planned
from lakemill.refresh.load import plan_load
from lakemill.refresh.plan import UPDATE, on_removal


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
    if isinstance(job.source, Dump):
        target = world.lake.table(job.target)
        plan, _, _ = plan_load(world, job, policy, read_progress(target.log(), job.target))
        feed = {job.source.feed: f"dumps in {world.landing}/{job.source.feed}"}
        return Explanation(
            job.target, plan.kind, plan.reason, plan.detail, feed, {}, "appends; dumps are never taken back", []
        )
    task = prepare(world, job, policy)
    sources = {_place(job, at): _moved(task, name) + _met(task, at) for at, name in enumerate(job.sources)}
    removal = "appends only; a removal rebuilds the table" if job.appends else on_removal(_known(task))
    plan = task.plan
    return Explanation(
        job.target, plan.kind, plan.reason, plan.detail, sources, _reducers(task), removal, steps(_frame(task))
    )


def _place(job: Job, at: int) -> str:
    name = job.sources[at]
    return f"{name} ({at + 1})" if job.sources.count(name) > 1 else name


def _moved(task: Task, name: str) -> str:
    change, pin = task.changes.get(name), task.pins[name]
    return (
        f"version {pin.version}"
        if change is None or change.after == pin.version
        else f"versions {change.after} to {pin.version}"
    )


def _met(task: Task, at: int) -> str:
    """What a change of a source is sent beside: the rows of the others that meet it, and by which of their columns."""
    joins, names = task.mapped.joins, task.job.sources
    if at in joins.opaque or joins.constant(at):
        return f"; a change of it rebuilds, {'OUTER_JOIN' if at in joins.opaque else 'MAP_NOT_LINEAR'}"
    by = {link.other: ", ".join(its for _, its in link.columns) for link in joins.path(at)}
    others = [f"{names[other]} {'by ' + by[other] if other in by else 'whole'}" for other in sorted(joins.beside(at))]
    return f"; a change of it meets {' and '.join(others)}" if others else ""


def _known(task: Task) -> Reduction | None:
    return None if isinstance(task.job.reduce, PerKey) else task.reduction


def _reducers(task: Task) -> dict[str, str]:
    if task.job.appends:
        return {}
    if isinstance(task.job.reduce, PerKey):
        return {"(rows)": f"{task.job.reduce}: opaque (recomputes the touched keys)"}
    made, reduce = task.reduction, task.job.reduce
    named = {"(row)": reduce} if isinstance(reduce, Latest) else dict(reduce)
    return {name: f"{reducer}: {_class(reducer.prepare(made.types), made)}" for name, reducer in named.items()}


def _class(parts: Mapping[str, Part], made: Reduction) -> str:
    """The class of a reducer, which is that of its weakest part, what it keeps, and what a removal does."""
    kinds = [part.kind for part in parts.values()]
    kind = max(kinds, key=list(ON_REMOVAL).index)
    kept = [part for name, part in parts.items() if name in made.kept]
    fixed = sum(part.bytes for part in kept if isinstance(part, Total))
    sizes = [f"{fixed} bytes"] if fixed else []
    sizes += [part.size for part in kept if isinstance(part, Collected)]
    state = " and ".join(sizes) or "nothing besides the column"
    return f"{kind}; keeps {state} a key; a removal {ON_REMOVAL[kind]}"


def _frame(task: Task) -> DataFrame:
    """What the run would reduce: the change where it is an update, else the whole source."""
    if task.plan.kind == UPDATE:
        weighed = planned(task)
        if isinstance(task.job.reduce, PerKey):
            return bags.touched_keys(weighed, task.job.key or ())
        return weighed if task.job.appends else mapreduce.delta(weighed, task.reduction)
    mapped = task.job.mapped(*[task.pins[name].rows() for name in task.job.sources])
    if isinstance(task.job.reduce, PerKey):
        return task.job.reduce.rows(mapped)
    return mapped if task.job.appends else mapreduce.totals(mapped, task.reduction)
