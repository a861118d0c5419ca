"""Adopting a table after an upgrade: a sample of its keys is verified before an update goes on from it."""

from dataclasses import replace

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from lakemill.columns import column
from lakemill.errors import LakemillError, first_line
from lakemill.lake.progress import Progress
from lakemill.proof.compare import AsMade, Comparison, as_made, compare
from lakemill.proof.difference import PARTS
from lakemill.refresh.plan import REBUILD, Plan, allowed
from lakemill.refresh.task import Task
from lakemill.world import World

KEYS = 1000
"""About so many keys are verified: what an upgrade changes, as a function's rounding, is seldom in one key alone."""


def verified(world: World, task: Task, policy: str) -> Task:
    """The task, if a sample of its target is what the job makes here and now; else a rebuild that says why."""
    why = _differs(world, task)
    if not why:
        return task
    plan = Plan(REBUILD, "DEFINITION_CHANGED", f"{task.plan.detail.split(':')[0]}: {why}")
    return replace(task, adopts=False, plan=allowed(task.job, policy, plan))


def _differs(world: World, task: Task) -> str:
    assert isinstance(task.progress, Progress)
    try:
        made = as_made(world, task.job, task.progress)
        if made is None:
            return "it has other sources"
        done = _compared(world, task, made)
    except (PySparkException, Py4JJavaError, LakemillError) as error:
        return f"it cannot be verified: {first_line(error)}"
    if not done.unequal_rows:
        return ""
    first = done.differences[0]
    return f"it differs: {first.kind} at {first.row}, {first.stored or 'nothing'} and not {first.expected or 'nothing'}"


def _compared(world: World, task: Task, made: AsMade) -> Comparison:
    """The comparison of a sample of the keys; of all of them where none fell into the sample, as may be of few keys."""
    stored = task.stored()
    keys = stored.select(*map(column, task.job.key)).distinct() if task.job.key else stored
    done = compare(world, made, min(1.0, max(KEYS / max(keys.count(), 1), 1 / PARTS)))
    return done if done.compared else compare(world, made)
