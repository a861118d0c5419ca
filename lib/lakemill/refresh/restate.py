"""Restate: some keys of a table made anew from its sources, as a rebuild would make them."""

from dataclasses import replace

from pyspark.sql import Column

from lakemill.core.local import holding
from lakemill.observe.runs import Run
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.plan import NOTHING, REBUILD, Plan
from lakemill.refresh.task import Task


def restate(task: Task, where: Column, condition: str, run: Run) -> None:
    """Make the keys of a condition anew, from the versions that the table is made from; the others stay."""
    before = f"; {run.plan} {run.reason} before it" if run.plan != NOTHING else ""
    task, target = replace(task, plan=Plan(REBUILD, "ASKED_FOR", f"--where {condition}{before}")), task.target
    run.plan, run.reason, run.detail = task.plan.kind, task.plan.reason, task.plan.detail
    mapped, old = task.job.mapped(*task.frames()), task.stored().where(where)
    with holding(False) as held:
        with stage(run, "recompute"):
            write = task.kind.restate(mapped, old, where, held, run)
        commit(target, task.target_version, task.next_progress(), run, lambda: write(target))
    run.keys_touched = run.keys_recomputed
