"""What is the user's own of a job, tried on some rows before any of its target is made of them."""

from pyspark.sql import DataFrame

from lakemill.python.pure import marked
from lakemill.refresh.task import Task
from lakemill.trials.purity import check_pure


def try_own(task: Task, frames: list[DataFrame], mapped: DataFrame) -> None:
    """Raises UsageError, with a counterexample, where a function or reducer does not do what it promises.

    frames: the sources' rows.   mapped: what the map makes of them.
    """
    check_pure(task.job, task.mapped, frames)
    task.kind.try_on(mapped)


def is_untried(task: Task) -> bool:
    """Whether the job has something of the user's own, and there were no rows yet that it could be tried on."""
    return bool(marked(task.mapped.plan) or task.kind.has_own) and task.stored().isEmpty()
