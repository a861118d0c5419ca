"""Rebuild: the target made anew from its whole sources, of which only the difference is written."""

from pyspark.sql import DataFrame

from lakemill.core import bags, mapreduce
from lakemill.core.local import holding
from lakemill.lake.merge import merge_difference, merge_rows
from lakemill.lake.tables import Table, by_range, create
from lakemill.observe.runs import Run
from lakemill.reducers import PerKey
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.task import Task
from lakemill.refresh.trial import is_untried, try_own


def rebuild(task: Task, run: Run) -> None:
    """Make the target from its sources as they are now."""
    job, target = task.job, task.target
    frames = [task.pins[name].rows() for name in job.sources]
    with stage(run, "count"):
        run.rows_in = sum(frame.count() for frame in frames)
    mapped = job.mapped(*frames)
    if task.is_new or is_untried(task):
        with stage(run, "check"):
            try_own(task, frames, mapped)
    rows, key = _rows(task, mapped), job.key or ()
    several = job.appends or isinstance(job.reduce, PerKey)

    def write() -> None:
        if _same_columns(target, rows) and several:
            merge_rows(target, held.hold(bags.difference(task.stored(), rows))[0])
        elif _same_columns(target, rows) and target.has_one_row_a(key):
            merge_difference(target, rows, key)
        else:
            create(target, by_range(rows, key, run.rows_in or 0))

    with holding(False) as held:
        commit(target, task.target_version, task.next_progress(), run, write)
    if not several:
        run.keys_touched = run.rows_out


def _rows(task: Task, mapped: DataFrame) -> DataFrame:
    """The target's rows, of all mapped ones."""
    if task.job.appends:
        return mapped
    if isinstance(task.job.reduce, PerKey):
        return task.job.reduce.rows(mapped)
    return mapreduce.target_rows(mapreduce.totals(mapped, task.reduction), task.reduction)


def _same_columns(target: Table, rows: DataFrame) -> bool:
    """Whether the table has these names and types; what may be NULL does not matter."""
    log = target.log()
    return log.exists and log.schema.simpleString() == rows.schema.simpleString()
