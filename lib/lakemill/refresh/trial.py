"""What is the user's own of a job, tried on some rows before any of its target is made of them."""

from pyspark.sql import DataFrame

from lakemill.core.laws import check_laws, strangers
from lakemill.core.purity import check_pure
from lakemill.core.sample import check_on_sample
from lakemill.pure import marked
from lakemill.reducers import PerKey
from lakemill.refresh.task import Task


def try_own(task: Task, frames: list[DataFrame], mapped: DataFrame) -> None:
    """Raises UsageError, with a counterexample, where a function or reducer does not do what it promises.

    frames: the sources' rows.   mapped: what the map makes of them.
    """
    check_pure(task.job, task.mapped, frames)
    (check_on_sample if isinstance(task.job.reduce, PerKey) else check_laws)(task.job, mapped)


def is_untried(task: Task) -> bool:
    """Whether the job has something of the user's own, and there were no rows yet that it could be tried on."""
    job = task.job
    own = marked(task.mapped.plan) or isinstance(job.reduce, PerKey) or strangers(job)
    return bool(own) and task.stored().isEmpty()
