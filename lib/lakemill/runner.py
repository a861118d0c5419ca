"""Running tables: in their order, each under its lock, each kept in the ledger; a failure stops only what reads it."""

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic

from lakemill.conf import Conf
from lakemill.errors import (
    CommitLost,
    DataRefused,
    DumpsRefused,
    LakemillError,
    Stopped,
    UsageError,
    did_you_mean,
    in_words,
)
from lakemill.graph import select
from lakemill.job import Job
from lakemill.lake.commit import lost_race
from lakemill.lake.lock import lock, lock_folder
from lakemill.lake.maintain import Maintained, maintain, maintain_ledger
from lakemill.lake.readers import readers
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.cost import metered
from lakemill.observe.ledger import record
from lakemill.observe.profile import Profile
from lakemill.observe.runs import DONE, FAILED, LEDGER, REFUSED, SKIPPED, STOPPED, Run
from lakemill.quality.checks import is_check, stops
from lakemill.refresh import refresh
from lakemill.refresh.idle import Idle
from lakemill.refresh.offenders import held_back, verdict
from lakemill.refresh.plan import POLICIES
from lakemill.schedule import scheduled
from lakemill.signals import heard, last_words, name_of
from lakemill.world import World

LOST = (FAILED, SKIPPED, STOPPED)
"""The states of a run after which the tables that read its table are not worked on."""


POOL = "spark.scheduler.pool"
"""Tables that are worked on side by side have a pool each: none waits until another has done its tasks."""
TABLES_AT_ONCE = 4
"""Tables at a time at most, where nobody says how many: each takes a share of the driver's memory."""


def side_by_side() -> int:
    """How many tables are worked on at a time where nobody says: as many as this machine has processors, up to 4."""
    return min(TABLES_AT_ONCE, os.cpu_count() or 1)


@dataclass
class Outcome:
    """What a `lakemill run` did, table by table, and the first error that is the command's exit code.

    `unrecorded`: why the ledger does not hold it, where it does not.
    """

    runs: list[Run] = field(default_factory=list)
    error: BaseException | None = None
    unrecorded: str | None = None

    @property
    def exit_code(self) -> int:
        """0 done, 1 failed, 2 bad usage or configuration, 3 data refused."""
        if self.error is None:
            return 1 if self.unrecorded else 0
        return self.error.exit_code if isinstance(self.error, LakemillError) else 1


def open_world(conf: Conf) -> World:
    """Start Spark and open the project's lake."""
    spark = start_session(conf.spark)
    return World(Lake(spark, conf.lake, conf.tables), conf.landing, lock_folder(conf.lake), conf.spark)


def run_tables(
    world: World,
    jobs: dict[str, Job],
    wanted: Sequence[str] = (),
    policy: str = "auto",
    where: str | None = None,
    begins: Callable[[str], None] = lambda table: None,
    ends: Callable[[Run], None] = lambda run: None,
    threads: int = 1,
    profiled: bool = False,
    idle: Idle | None = None,
) -> Outcome:
    """Run the tables asked for (none: all), each after those that it reads. `begins` and `ends` are called around each.

    where: a condition on the key of the one table asked for; these keys are made anew.   threads: how many tables are
    worked on at a time.   profiled: whether each run says what its stages cost.   idle: the tables for which nothing is
    new, as is known before; the others read the versions that these were seen at.
    """
    if where and len(select(jobs, wanted, alone=True)) != 1:
        raise UsageError("--where is about the keys of one table; name that one.")
    if policy not in POLICIES:
        raise UsageError(f'There is no policy "{policy}". {did_you_mean(policy, POLICIES)}')
    names, run_id = select(jobs, wanted), uuid.uuid4().hex[:12]
    asked = select(jobs, wanted, alone=True)
    known = idle or Idle()
    world.renew()
    world.pins.update({name: replace(pin, table=world.lake.table(name)) for name, pin in known.pins.items()})
    begun: dict[str, Run] = {}
    failures: dict[str, BaseException] = {}

    def work(name: str) -> None:
        if name in known.runs:
            begun[name] = known.runs[name]
            return
        run = begun[name] = Run(run_id, name)
        begins(name)
        with _told(run, failures):
            run.error = _why_left(world.lake, jobs, name, begun)
            if run.error:
                run.status = SKIPPED
                return
            run_table(world.apart(), jobs[name], policy, run, where if name in asked else None, profiled)
            broken = verdict(world.lake, jobs[name])
            run.remark = run.remark or broken
            if broken and stops(jobs[name]):
                failures[name] = DataRefused(f"{name}: {broken}")

    reads = {name: jobs[name].waits_for for name in names}
    for name in scheduled(names, reads, threads, work, stopped=lambda: heard() is not None):
        ends(begun[name])
    outcome = Outcome([begun[name] for name in names if name in begun])
    outcome.error = next((failures[name] for name in names if name in failures), None)
    _end_as_told(outcome)
    _record(world, outcome, [run for run in outcome.runs if run.target not in known.runs])
    _end_as_told(outcome)
    return outcome


def _why_left(lake: Lake, jobs: dict[str, Job], name: str, begun: dict[str, Run]) -> str | None:
    """Why a table is left as it is: what it depends on failed in this run, or holds it back."""
    broken = sorted(other for other in jobs[name].waits_for if other in begun and _is_lost(begun[other]))
    if broken:
        how = "which it reads" if broken[0] in jobs[name].sources else "which it comes after"
        return f"{broken[0]}, {how}, {'was skipped' if begun[broken[0]].status == SKIPPED else 'failed'}"
    waits = [source for source in jobs[name].sources if is_check(jobs[name]) and source in jobs]
    missing = [source for source in waits if not lake.table(source).log().exists]
    if missing:
        return f"{missing[0]}, which it reads, is not made yet"
    check = held_back(lake, jobs, name)
    return f"{check}, which it comes after, has rows: {name} is left as it is" if check else None


def _is_lost(run: Run) -> bool:
    """Whether there is nothing for others to go on with."""
    return run.status in LOST or (run.status == REFUSED and run.version is None)


def _end_as_told(outcome: Outcome) -> None:
    """Where a signal ended the run, say so in the outcome."""
    number = heard()
    if number is None:
        return
    done = ", ".join(run.target for run in outcome.runs if run.status == DONE)
    outcome.error = Stopped(
        f"stopped by {name_of(number)}; {f'done and recorded: {done}; ' if done else ''}what was under way is whole, "
        "or not there. The same command again goes on.",
        number,
    )


def _record(world: World, outcome: Outcome, runs: Sequence[Run]) -> None:
    try:
        with last_words():
            record(world.lake, runs)
    except Exception as error:  # the tables are committed; their results must still be shown
        outcome.unrecorded = (
            f"{LEDGER}: the runs could not be recorded: {in_words(error)} The next run of these tables records them."
        )


def run_table(world: World, job: Job, policy: str, run: Run, where: str | None = None, profiled: bool = False) -> None:
    """One table, under its lock, metered; profiled: stage by stage."""
    group = f"{run.run_id} {job.target}"
    run.profile = Profile(world.spark, group) if profiled else None
    world.spark.sparkContext.setLocalProperty(POOL, job.target)
    with lock(world.locks, job.target), metered(world.spark, group) as cost:
        refresh(world, job, policy, run, where)
        world.lake.enlist(job.target)
    run.spark_jobs, run.bytes_read = cost.spark_jobs, cost.bytes_read


@dataclass
class Upkeep:
    """What a `lakemill maintain` did, table by table, and what went wrong, the first of it being the exit code."""

    done: list[Maintained] = field(default_factory=list)
    errors: list[LakemillError] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 done, 1 failed, 2 bad usage or configuration."""
        return self.errors[0].exit_code if self.errors else 0


def maintain_tables(
    world: World, jobs: dict[str, Job], wanted: Sequence[str] = (), begins: Callable[[str], None] = lambda table: None
) -> Upkeep:
    """Maintain the tables asked for (none: all that jobs make, and the ledger), each under its lock."""
    others = [name for name in wanted if name != LEDGER]
    names = select(jobs, others) if others or not wanted else []
    names += [LEDGER] if others != list(wanted) or not wanted else []
    known, upkeep = readers(world.lake, jobs.values()), Upkeep()
    for name in names:
        if heard():
            break
        begins(name)
        table = world.lake.table(name)
        if not table.log().exists:
            upkeep.done.append(Maintained(name, remarks=["it is not made yet"]))
            continue
        try:
            with lock(world.locks, name):
                ledger = name == LEDGER
                upkeep.done.append(maintain_ledger(table) if ledger else maintain(world.lake, jobs[name], known))
        except LakemillError as error:
            upkeep.errors.append(error)
        except Exception as error:  # the other tables are still maintained
            upkeep.errors.append(_failed(name, error))
    return upkeep


def _failed(name: str, error: Exception) -> LakemillError:
    if lost_race(error):
        return CommitLost(f"{name}: another process committed to it meanwhile. `lakemill maintain {name}` again.")
    return LakemillError(f"{name}: {in_words(error)}")


@contextmanager
def _told(run: Run, failures: dict[str, BaseException]) -> Iterator[None]:
    """Time the run and keep its error: the tables that do not depend on it still run."""
    began = monotonic()
    try:
        yield
    except Exception as error:
        failures[run.target], number = error, heard()
        words = str(error) if isinstance(error, LakemillError) else f"{run.target}: {in_words(error)}"
        run.status, run.error = (STOPPED, f"stopped by {name_of(number)}") if number else (FAILED, words)
        if isinstance(error, DumpsRefused):
            run.status = REFUSED
    finally:
        run.seconds = round(monotonic() - began, 3)
