"""For which tables nothing is new, told from their logs and the landing before any Spark is started.

It goes through the planner's own decisions, on logs that are read without Spark, and it counts a table only where that
is certain, where no table that it reads may be written by the same run, and where there is nothing to write, not even
in the ledger. Whatever is new, and whatever is not certain, is left to Spark, which looks at all of it again.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from lakemill.conf import Conf
from lakemill.job import Job
from lakemill.lake.commit import is_old
from lakemill.lake.lock import lock, lock_folder
from lakemill.lake.presented import digest
from lakemill.lake.progress import Progress, last_progress, read_progress
from lakemill.lake.sparkless import NO_SPARK, FileLake
from lakemill.lake.tables import Pin
from lakemill.lake.unsure import Unsure
from lakemill.observe.ledger import additions
from lakemill.observe.runs import LEDGER, Run
from lakemill.quality.checks import stops
from lakemill.refresh.load import plan_load
from lakemill.refresh.offenders import held_back, offenders, verdict
from lakemill.refresh.plan import NOTHING, REBUILD, Plan, settled
from lakemill.sources.tables import TableSource
from lakemill.world import World


@dataclass(frozen=True)
class Idle:
    """The tables for which nothing is new for certain: their runs, and how far their sources were read for that."""

    runs: dict[str, Run] = field(default_factory=dict)
    pins: dict[str, Pin] = field(default_factory=dict)


def idle_tables(conf: Conf, jobs: Iterable[Job], policy: str) -> Idle:
    """Those of the tables, which are given in their order, for which nothing is new."""
    world = World(FileLake(NO_SPARK, conf.lake, conf.tables), conf.landing, lock_folder(conf.lake), conf.spark)
    idle, run_id, others = Idle(), uuid.uuid4().hex[:12], set[str]()
    wanted = {job.target: job for job in jobs}
    if policy == REBUILD or not world.surroundings:
        return idle
    for job in wanted.values():
        try:
            if others & set(job.sources):
                raise Unsure("what it reads may be written")
            if held_back(world.lake, wanted, job.target) or (stops(job) and offenders(world.lake, job)):
                raise Unsure("a rule of a contract is broken")
            idle.runs[job.target] = _run(world, job, policy, Run(run_id, job.target))
            idle.pins.update({name: world.pins[name] for name in job.sources})
        except Exception:  # a log that is damaged, a folder that is gone, a table in use: Spark's run says it in words
            others.add(job.target)
    return idle


def _run(world: World, job: Job, policy: str, run: Run) -> Run:
    """The run of a table with nothing new; raises what it may where that is not certain."""
    began = monotonic()
    with lock(world.locks, job.target):
        (_load if job.outside else _update)(world, job, policy, run)
        _check_ledger(world, run)
    run.remark = run.remark or verdict(world.lake, job)
    run.spark_jobs, run.bytes_read, run.seconds = 0, 0, round(monotonic() - began, 3)
    return run


def _load(world: World, job: Job, policy: str, run: Run) -> None:
    """A table that is fed by dumps."""
    task = plan_load(world, job, policy)
    if task.plan.kind != NOTHING or task.looked or task.refused:
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


def _check_ledger(world: World, run: Run) -> None:
    """Raises Unsure where the ledger lacks something of the table: a run that was killed before it was recorded."""
    ledger = world.lake.table(LEDGER).log()
    progress = last_progress(ledger) if ledger.exists else None
    if ledger.exists and progress is None:
        raise Unsure("what the ledger tells")
    log = world.lake.table(run.target).log()
    added, _ = additions([run], {run.target: log}, progress.positions if progress else {}, set())
    if added:
        raise Unsure("the ledger lacks runs")
