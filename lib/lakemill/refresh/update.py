"""Update: the target brought up to date from the change alone, at a cost that follows it."""

from lakemill.core.local import holding
from lakemill.observe.runs import Run
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.plan import is_small
from lakemill.refresh.task import Task
from lakemill.refresh.trial import is_untried, try_own
from lakemill.refresh.work import UpdateWork, mapped_change


def update(task: Task, run: Run) -> None:
    """Apply the change of the job's sources to its target."""
    if is_untried(task):
        with stage(run, "check"):
            try_own(task, task.frames(), task.job.mapped(*task.frames()))
    target = task.target
    with holding(is_small(task.changes.values())) as held:
        with stage(run, "change"):
            change = mapped_change(task, held)
            rows = change.rows
            if change.judging.puts_aside:
                rows, count = held.hold(rows)
                change.judging.check(run, count)
        write = task.kind.update(UpdateWork(task, run, rows, held))
        commit(target, task.target_version, task.next_progress(), run, lambda: write(target))
        run.rows_in = change.seen()
        change.judging.note(run)
