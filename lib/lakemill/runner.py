"""Running tables: in their order, each under its lock, each kept in the ledger; a failure stops only what reads it."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic

from lakemill.conf import Conf
from lakemill.errors import CommitLost, LakemillError, Stopped, UsageError, did_you_mean, in_words
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
from lakemill.observe.runs import DONE, FAILED, LEDGER, SKIPPED, STOPPED, Run
from lakemill.refresh import refresh
from lakemill.refresh.idle import Idle
from lakemill.refresh.plan import POLICIES
from lakemill.signals import heard, last_words, name_of
from lakemill.world import World


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
    idle: Idle | None = None,
) -> Outcome:
    """Run the tables asked for (none: all), in order. `begins` and `ends` are called around each.

    where: a condition on the key of the one table asked for; these keys are made anew.   idle: the tables for which
    nothing is new, as is known before; the others read the versions that these were seen at.
    """
    if where and len(select(jobs, wanted)) != 1:
        raise UsageError("--where is about the keys of one table; name that one.")
    if policy not in POLICIES:
        raise UsageError(f'There is no policy "{policy}". {did_you_mean(policy, POLICIES)}')
    names, outcome = select(jobs, wanted), Outcome()
    known = idle or Idle()
    world.pins.clear()
    world.pins.update({name: replace(pin, table=world.lake.table(name)) for name, pin in known.pins.items()})
    run_id, lost = uuid.uuid4().hex[:12], set[str]()
    for name in names:
        if name in known.runs:
            outcome.runs.append(known.runs[name])
            ends(known.runs[name])
            continue
        run = Run(run_id, name)
        outcome.runs.append(run)
        begins(name)
        broken = sorted(lost & set(jobs[name].sources))
        if broken:
            run.status, run.error = SKIPPED, f"{broken[0]}, which it reads, failed"
        else:
            with _told(run, outcome):
                run_table(world.apart(), jobs[name], policy, run, where)
        if run.status in (FAILED, SKIPPED):
            lost.add(name)
        ends(run)
        if heard():
            break
    _end_as_told(outcome)
    _record(world, outcome, [run for run in outcome.runs if run.target not in known.runs])
    _end_as_told(outcome)
    return outcome


def _end_as_told(outcome: Outcome) -> None:
    """Where a signal ended the run, say so in the outcome, and of the table that it was at."""
    number = heard()
    if number is None:
        return
    for last in outcome.runs[-1:]:
        if last.status == FAILED:
            last.status, last.error = STOPPED, f"stopped by {name_of(number)}"
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


def run_table(world: World, job: Job, policy: str, run: Run, where: str | None = None) -> None:
    """One table, under its lock, metered."""
    with lock(world.locks, job.target), metered(world.spark, f"{run.run_id} {job.target}") as cost:
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
def _told(run: Run, outcome: Outcome) -> Iterator[None]:
    """Time the run and keep its error: the tables that do not depend on it still run."""
    began = monotonic()
    try:
        yield
    except LakemillError as error:
        run.status, run.error = FAILED, str(error)
        outcome.error = outcome.error or error
    except Exception as error:
        run.status, run.error = FAILED, f"{run.target}: {in_words(error)}"
        outcome.error = outcome.error or error
    finally:
        run.seconds = round(monotonic() - began, 3)
