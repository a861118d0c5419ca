"""Whether nothing is new, told from the tables' logs and the landing before any Spark is started.

It goes through the planner's own decisions, on logs that are read without Spark, and it answers only where each table
that was asked for is certainly up to date and there is nothing to write, not even in the ledger. Whatever is new, and
whatever is not certain, is left to a run with Spark, which looks at all of it again.
"""

import uuid
from collections.abc import Iterable
from time import monotonic

from lakemill.conf import Conf
from lakemill.job import Job
from lakemill.lake.commit import is_old
from lakemill.lake.lock import lock, lock_folder
from lakemill.lake.presented import digest
from lakemill.lake.progress import Progress, last_progress, read_progress
from lakemill.lake.sparkless import NO_SPARK, FileLake
from lakemill.lake.unsure import Unsure
from lakemill.observe.ledger import additions
from lakemill.observe.runs import LEDGER, Run
from lakemill.refresh.load import plan_load
from lakemill.refresh.plan import NOTHING, REBUILD, Plan, settled
from lakemill.sources.tables import TableSource
from lakemill.world import World


def nothing_new(conf: Conf, jobs: Iterable[Job], policy: str) -> list[Run] | None:
    """The runs of these tables, in this order, if nothing is new for any of them; None where that is not certain."""
    world = World(FileLake(NO_SPARK, conf.lake, conf.tables), conf.landing, lock_folder(conf.lake), conf.spark)
    if policy == REBUILD or not world.surroundings:
        return None
    run_id, runs = uuid.uuid4().hex[:12], list[Run]()
    try:
        for job in jobs:
            run, began = Run(run_id, job.target), monotonic()
            with lock(world.locks, job.target):
                (_load if job.outside else _update)(world, job, policy, run)
            run.spark_jobs, run.bytes_read, run.seconds = 0, 0, round(monotonic() - began, 3)
            runs.append(run)
        _check_ledger(world, runs)
    except Exception:  # a log that is damaged, a folder that is gone, a table in use: a run with Spark says it in words
        return None
    return runs


def _load(world: World, job: Job, policy: str, run: Run) -> None:
    """A table that is fed by dumps."""
    task = plan_load(world, job, policy)
    if task.plan.kind != NOTHING or task.looked:
        raise Unsure(task.plan.reason)
    _fill(run, task.plan)
    run.remark = task.source.landing.left
    run.version = task.progress.version if isinstance(task.progress, Progress) else None


def _update(world: World, job: Job, policy: str, run: Run) -> None:
    """A table that is made from tables."""
    target, log = world.lake.table(job.target), world.lake.table(job.target).log()
    progress = read_progress(log, job.target)
    sources = {name: TableSource(world.pin(name)) for name in job.sources}
    if not isinstance(progress, Progress):
        raise Unsure(progress.reason)
    told = world.premises(job, {name: source.schema for name, source in sources.items()})
    if not told or told != progress.premises:
        raise Unsure("whether its definition is the same")
    if progress.columns != digest(log.schema):
        raise Unsure("whether somebody altered it")
    changes = {name: source.change_since(progress.positions.get(name)) for name, source in sources.items()}
    plan = settled(policy, changes, None)
    if plan is None or plan.kind != NOTHING or any(change.ahead for change in changes.values()):
        raise Unsure("its sources changed")
    if is_old(target, progress, [source.keeps for source in sources.values()]):
        raise Unsure("its progress is to be written again")
    _fill(run, plan)
    run.versions = {name: source.pin.version for name, source in sources.items()}
    run.version = log.version


def _fill(run: Run, plan: Plan) -> None:
    run.plan, run.reason, run.detail = plan.kind, plan.reason, plan.detail


def _check_ledger(world: World, runs: list[Run]) -> None:
    """Raises Unsure where the ledger lacks something: a run that was killed before it was recorded."""
    log = world.lake.table(LEDGER).log()
    progress = last_progress(log) if log.exists else None
    if log.exists and progress is None:
        raise Unsure("what the ledger tells")
    logs = {run.target: world.lake.table(run.target).log() for run in runs}
    added, _ = additions(runs, logs, progress.positions if progress else {}, set())
    if added:
        raise Unsure("the ledger lacks runs")
