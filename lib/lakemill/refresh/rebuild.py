"""Rebuild: the target made anew from its whole sources, of which only the difference is written."""

from pyspark.sql import DataFrame

from lakemill.core.local import Held, holding
from lakemill.job import Job
from lakemill.kinds import Write
from lakemill.lake.layout import clustering, laid_out, rows_a_file
from lakemill.lake.presented import altered
from lakemill.lake.tables import Table, create
from lakemill.observe.runs import Run
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.judging import judging
from lakemill.refresh.task import Task
from lakemill.refresh.trial import is_untried, try_own


def rebuild(task: Task, run: Run) -> None:
    """Make the target from its sources as they are now."""
    target, frames = task.target, task.frames()
    with stage(run, "count"):
        run.rows_in = sum(task.sources[name].count() for name in task.job.sources)
    judged = judging(task.job, lambda job: job.mapped(*frames))
    if task.is_new or is_untried(task):
        with stage(run, "check"):
            try_own(task, frames, task.job.mapped(*frames))
    rows = task.kind.rows(judged.rows)
    with holding(False) as held:
        if judged.puts_aside:
            with stage(run, "judge"):
                rows, count = held.hold(rows)
                judged.check(run, count)
        # What differs is computed within the write: its seconds are the write's.
        commit(target, task.target_version, task.next_progress(), run, lambda: _write(task, rows, run, held)(target))
    judged.note(run)
    if task.kind.row_key:
        run.keys_touched = run.rows_out


def _write(task: Task, rows: DataFrame, run: Run, held: Held) -> Write:
    """The difference, where the target has these columns and can be told apart by its key; else the whole table."""
    difference = None
    if _same_columns(task.target, rows):
        difference = task.kind.difference(task.target, task.stored(), rows, held)
    return difference or (lambda target: _created(task.job, target, rows, run.rows_in or 0))


def _created(job: Job, target: Table, rows: DataFrame, about: int) -> None:
    order = clustering(job.key or (), rows.schema, job.cluster)
    create(target, laid_out(rows, order, about), rows_a_file(about) if order else 0)


def _same_columns(target: Table, rows: DataFrame) -> bool:
    """Whether the table has these columns and can hold these rows."""
    log = target.log()
    return log.exists and not altered(rows.schema, log.schema)
