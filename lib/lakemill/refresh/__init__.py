"""One table's run: pin its sources, plan, do the plan in one commit, read the commit back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column

from lakemill.errors import CommitLost, CorruptFeed, LakemillError, UsageError, first_line
from lakemill.job import Job
from lakemill.lake.change import COMPARED, FEED, NETTED
from lakemill.lake.commit import is_old, repeat
from lakemill.lake.failures import corrupt_feed, damaged_log, files_gone, read_failure, row_refused, version_gone
from lakemill.lake.few_steps import few_steps
from lakemill.lake.progress import Progress
from lakemill.maps.where import keys_where
from lakemill.observe.runs import Run
from lakemill.quality.selections import STOPPED_BY_CONTRACT
from lakemill.refresh import rebuild, update
from lakemill.refresh.adopt import verified
from lakemill.refresh.commit import stage
from lakemill.refresh.load import load
from lakemill.refresh.plan import NOTHING, REBUILD, Plan, allowed, decide
from lakemill.refresh.price import moved
from lakemill.refresh.refusal import refusal_of
from lakemill.refresh.restate import restate
from lakemill.refresh.task import Task, prepare
from lakemill.world import World

__all__ = ["Task", "prepare", "refresh"]


def refresh(world: World, job: Job, policy: str, run: Run, where: str | None = None) -> None:
    """Bring one table up to date and say in `run` what was done; the caller holds the table's lock.

    where: a condition on its key; these keys are made anew besides.
    """
    if job.outside:
        if where:
            raise UsageError(f"{job.target}: --where chooses keys, and it has none; use --policy rebuild.")
        load(world, job, policy, run)
        return
    with _in_words(job):
        with stage(run, "plan"):
            task = prepare(world, job, policy)
        chosen = keys_where(world.spark, job, task.mapped.schema, where) if where else None
        run.versions = task.next_progress().versions
        run.version = task.target_version
        _note(task, run)
        with few_steps(world.spark, task.reads if task.plan.kind != NOTHING else None):
            if task.adopts:
                with stage(run, "adopt"):
                    task = verified(world, task, policy)
            _do(task, policy, run)
            if chosen is not None and where and run.plan != REBUILD:
                _restate(world, job, chosen, where, run)
    world.pins.pop(job.target, None)


def _restate(world: World, job: Job, chosen: Column, where: str, run: Run) -> None:
    task = prepare(world, job, "auto")
    if task.plan.kind != NOTHING or any(change.ahead for change in task.changes.values()):
        raise CommitLost(f"{job.target}: it was written meanwhile; no keys were made anew. Run again.")
    restate(task, chosen, where, run)


def _note(task: Task, run: Run) -> None:
    """What the plan was chosen by, for the ledger."""
    changed, run.feed_bytes, run.source_bytes = moved(task.changes)
    run.changed = sorted(changed)
    if not task.changes and task.bytes is not None:
        run.source_bytes = sum(source.bytes for source in task.sources.values())
    run.update_seconds, run.rebuild_seconds = task.price.update, task.price.rebuild


def _do(task: Task, policy: str, run: Run) -> None:
    run.plan, run.reason, run.detail = task.plan.kind, task.plan.reason, task.plan.detail
    if task.plan.kind == NOTHING:
        _renew(task, run)
        return
    try:
        (rebuild.rebuild if task.plan.kind == REBUILD else update.update)(task, run)
    except (PySparkException, Py4JJavaError) as error:
        replanned = _otherwise(task, policy, error) if task.plan.kind != REBUILD else None
        if replanned is None and row_refused(error):
            raise refusal_of(task, error) from error
        if replanned is None:
            raise
        _do(replanned, policy, run)


def _renew(task: Task, run: Run) -> None:
    """Write the progress again before the tables forget the versions that it names; else nothing is written.

    Or once a table was adopted, or its job's files say something else that comes to the same: an upgrade to come is
    told from a change by what the files say.
    """
    assert isinstance(task.progress, Progress)
    if any(change.ahead for change in task.changes.values()):
        return
    kept = [source.keeps for source in task.sources.values()]
    if task.adopts:  # the ledger tells of this
        progress = replace(task.next_progress(), run_id=run.run_id)
        run.version = repeat(task.target, progress, task.target_version).version
    elif task.reworded or is_old(task.target, task.progress, kept):
        repeat(task.target, task.next_progress(), task.target_version)


def _otherwise(task: Task, policy: str, error: Exception) -> Task | None:
    """The task planned anew, where its change cannot be read as the log promised, or a value in it was refused.

    None where the error has another cause, which no other plan would help.
    """
    if corrupt_feed(error):
        return None
    netted = _netted(task) if row_refused(error) else None
    if netted:
        return netted
    unread = _unread(task, error)
    if unread:
        return _comparing(task, policy, *unread)
    if not row_refused(error):
        return None
    # What stops a run by its contract tells values, which may be personal: the rebuild says them as far as they may be.
    why = first_line(error)
    why = "a row fails a rule that stops the run" if STOPPED_BY_CONTRACT in why else why
    plan = Plan(REBUILD, "CHANGE_REFUSED", f"a value of the change is refused: {why}")
    return replace(task, plan=allowed(task.job, policy, plan))


def _unread(task: Task, error: Exception) -> tuple[str, str] | None:
    """Why a source's change cannot be read, as a reason code and its detail; None where each can be.

    Nobody can list all that may be wrong with a feed, so each change is read once more, without the user's map.
    """
    if version_gone(error):
        return "FEED_EXPIRED", "files of its change feed are gone"
    for name, change in task.changes.items():
        by, what = (COMPARED, "its versions") if change.by == COMPARED else (FEED, "its change feed")
        read = partial(task.sources[name].changed, replace(change, by=by))
        failure = read_failure(read) if change.changes_data else ""
        if failure:
            return "FEED_UNREADABLE", f"Delta cannot read {what} ({failure})"
    return None


def _comparing(task: Task, policy: str, reason: str, detail: str) -> Task:
    """The task on what differs between versions, where feeds cannot be read; rebuilt where these were compared too."""
    fed = {name: change for name, change in task.changes.items() if change.changes_data and change.by != COMPARED}
    compared = {name: task.sources[name].compared(change, reason, detail) for name, change in fed.items()}
    changes = {**task.changes, **compared}
    if not compared:
        plan = allowed(task.job, policy, Plan(REBUILD, reason, f"{', '.join(task.job.sources)}: {detail}"))
    else:
        plan = decide(task.kind, policy, changes, None, task.mapped.joins)
    return replace(task, changes=changes, plan=plan)


def _netted(task: Task) -> Task | None:
    """The task on rows that are in one of the versions; None where it is so already, or its rows cannot be told apart.

    A row that came and went again is in no version, and a rebuild does not know it. Rows of two sources may never have
    been there at one time, and what an update subtracts may need more room than the result. If it is the source's rows
    as they are that a map refuses, the rebuild says so.
    """
    by_feed = [name for name, c in task.changes.items() if c.changes_data and c.by == FEED and c.comparable]
    if not by_feed:
        return None
    netted = {name: replace(task.changes[name], by=NETTED) for name in by_feed}
    detail = f"{task.plan.detail}; a row of the feed is refused: those that came and went again are left out"
    return replace(task, changes={**task.changes, **netted}, plan=replace(task.plan, detail=detail))


@contextmanager
def _in_words(job: Job) -> Iterator[None]:
    """What Spark says of a damaged source, as something that a person can act on."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        damage = damaged_log(error)
        if damage:
            raise LakemillError(f"{job.target}: a table's log is damaged: {damage}. Nothing was written.") from error
        if files_gone(error):
            raise LakemillError(
                f"{job.target}: files that the log of {', '.join(job.sources)} names are not there. Nothing was "
                "written. Bring them back, or restore the table to a version that has all its files, and run again."
            ) from error
        if corrupt_feed(error):
            raise CorruptFeed(
                f"{job.target}: the change feed of {', '.join(job.sources)} has rows that came and are not there. "
                f"Nothing was written. Look at the sources; `lakemill run {job.target} --policy rebuild` makes the "
                "table anew from them."
            ) from error
        raise
