"""A bronze table's run: the dumps that it does not have yet, all that are sound in one commit, each of them whole.

A dump that is not what it says is refused alone: it holds up no other one, and is new again to the next run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, reduce
from operator import or_

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, functions as F

from lakemill.errors import DataRefused, DumpsRefused, LakemillError
from lakemill.job import Job
from lakemill.lake.commit import repeat
from lakemill.lake.failures import data_refused
from lakemill.lake.progress import LANDING, NoProgress, Progress, read_progress
from lakemill.lake.quiet import failures_untold
from lakemill.lake.tables import Table, append_widening, create, take_back
from lakemill.observe.runs import Run
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.plan import NOTHING, REBUILD, UPDATE, Plan, allowed
from lakemill.sources.accepted import Refused
from lakemill.sources.dumps import Dumps, dumps_of, loaded_again, not_loaded
from lakemill.sources.manifest import Delivery
from lakemill.sources.taken import Taken, taken
from lakemill.world import World

FEW_DAYS = 16
SHOWN_REFUSED = 3


@dataclass(frozen=True)
class Load:
    """What is known of a bronze table before anything of it runs.

    loaded: the dumps that are to be read again.   delivered: those that are new, some of them perhaps twice.   refused:
    folders of the landing that are not taken, and why.   before: what the table has taken so far; None where nobody had
    to know.
    """

    job: Job
    target: Table
    source: Dumps
    progress: Progress | NoProgress
    plan: Plan
    loaded: Sequence[Delivery] = ()
    delivered: Sequence[Delivery] = ()
    refused: Refused = field(default_factory=dict)
    before: Taken | None = None

    @cached_property
    def dumps(self) -> list[Delivery]:
        """What is to be loaded: each dump once, the first by its folder's name that is not refused."""
        sound = [dump for dump in self.delivered if dump.folder not in self.refused]
        chosen = [*self.loaded, *not_loaded(sound, self.before.dumps if self.before else ())]
        # The first dump's columns come first in the table, whatever the folders are called.
        anew = self.plan.kind == REBUILD
        return sorted(chosen, key=lambda dump: (dump.dump_date, dump.folder)) if anew else chosen

    @cached_property
    def left(self) -> Refused:
        """The folders that are refused, but for those whose dump is taken from another folder."""
        ids = {dump.dump_id for dump in self.dumps}
        again = {dump.folder for dump in self.delivered if dump.dump_id in ids}
        return {folder: why for folder, why in self.refused.items() if folder not in again}

    def refusing(self, folders: Refused) -> "Load":
        """The same without these; raises DataRefused where the table has one of them and is made anew."""
        for dump in self.loaded:
            if dump.folder in folders:
                raise DataRefused(f"{folders[dump.folder]} The table has it, and cannot be made anew without it.")
        return replace(self, refused={**self.refused, **folders})

    def next_progress(self) -> Progress:
        """What the commit of this run is to record."""
        plan, version = self.plan, self.progress.version if isinstance(self.progress, Progress) else -1
        position, ids = self.source.position(), [dump.dump_id for dump in self.dumps]
        if self.before:
            position = self.before.position(self.source.landing.without(self.left), ids, version)
        return Progress(self.progress.run + 1, {LANDING: position}, "dump", plan.kind, plan.reason)

    @property
    def looked(self) -> bool:
        """Whether manifests are new of which all dumps are loaded: that is to be known the next time."""
        return self.plan.kind == NOTHING and self.before is not None


def load(world: World, job: Job, policy: str, run: Run) -> None:
    """Load what the landing holds and the table does not; the caller holds the table's lock."""
    with stage(run, "plan"):
        task = plan_load(world, job, policy)
    run.plan, run.reason, run.detail = task.plan.kind, task.plan.reason, task.plan.detail
    run.remark = task.source.landing.left
    run.version = task.progress.version if isinstance(task.progress, Progress) else None
    if task.plan.kind != NOTHING:
        task = _write_sound(task, run)
    elif task.looked:
        repeat(task.target, task.next_progress(), task.target.log().version)
    world.pins.pop(job.target, None)
    if task.left:
        raise DumpsRefused(_words(task))


def _write_sound(task: Load, run: Run) -> Load:
    """Write the dumps that are as they should be; the task as it was done, with those that it refused."""
    source, target = task.source, task.target
    known = target.log().schema.names if task.plan.kind == UPDATE else []
    while task.dumps:
        accepted, refused = source.accepted(task.dumps, known, lambda: _oldest(target))
        if not refused:
            try:
                write(task, source.rows(accepted), run)
                return task
            except DataRefused:
                refused = source.unsound(accepted)
                if not refused:
                    raise
        task = task.refusing(refused)
    return task


def _words(task: Load) -> str:
    """Which dumps were refused, and why; of very many, the first ones."""
    refused, loaded = task.left, len(task.dumps)
    told = " ".join([why for _, why in sorted(refused.items())][:SHOWN_REFUSED])
    if len(refused) == 1 and not loaded:
        return told
    more = f" And {len(refused) - SHOWN_REFUSED} more." if len(refused) > SHOWN_REFUSED else ""
    return f"{task.target.name}: of {len(refused) + loaded} new dumps {len(refused)} are refused. {told}{more}"


def plan_load(world: World, job: Job, policy: str) -> Load:
    """The plan, and the dumps to load for it; reads new manifests, and the table's own commits."""
    assert job.outside
    target = world.lake.table(job.target)
    progress = read_progress(target.log(), job.target)
    source = dumps_of(world.spark, world.landing, job.outside.feed)
    known = Load(job, target, source, progress, Plan(NOTHING, "NOTHING_NEW"))
    if not source.landing.manifests:
        return replace(known, plan=Plan(NOTHING, "NOTHING_NEW", f"no dump lies at {source.landing.uri}"))
    return _anew(known, policy) if isinstance(progress, NoProgress) or policy == REBUILD else _news(known, progress)


def write(task: Load, rows: DataFrame, run: Run) -> None:
    """Write the rows of the dumps in one commit, and see that all of them arrived."""
    target, planned = task.target, task.target.log().version
    put = append_widening if task.plan.kind == UPDATE else create
    try:
        with failures_untold(target.spark):
            commit(target, planned, task.next_progress(), run, lambda: put(target, rows))
    except (PySparkException, Py4JJavaError) as error:
        raise data_refused(error) or error from None
    with stage(run, "check"):
        _check_arrived(task, planned)
    run.rows_in = sum(file.rows for dump in task.dumps for file in dump.files)


def _anew(known: Load, policy: str) -> Load:
    """All dumps: those that the table has, in case they are there, and the others."""
    (delivered, refused), loaded = known.source.came(), loaded_dumps(known.target)
    reason = known.progress.reason if isinstance(known.progress, NoProgress) else "ASKED_FOR"
    plan = allowed(known.job, policy, Plan(REBUILD, reason, f"{len(delivered)} deliveries"))
    again = loaded_again(delivered, loaded, known.job.target)
    return replace(
        known, plan=plan, loaded=again, delivered=delivered, refused=refused, before=Taken(dumps=frozenset(loaded))
    )


def _news(known: Load, progress: Progress) -> Load:
    """The dumps whose manifests are new to the table, but for those that were delivered again."""
    since, landing = progress.positions.get(LANDING), known.source.landing
    came = landing.since(since)
    if not came:
        return replace(known, plan=Plan(NOTHING, "NOTHING_NEW", "the landing is as it was"))
    before = taken(known.target.log(), progress) or Taken(dumps=frozenset(loaded_dumps(known.target)))
    unknown = [folder for folder in came if not before.has(folder, landing.manifests[folder])]
    delivered, refused = known.source.read(unknown)
    new = not_loaded(delivered, before.dumps)
    plan = Plan(UPDATE, "UPDATE", f"{len(new)} new dump{'s' if len(new) > 1 else ''}")
    if not new:
        plan = Plan(NOTHING, "NOTHING_NEW", "the landing has only dumps that are loaded")
    # Where no dump is new, that is to be known the next time; a manifest that is refused is looked at again, though.
    looked_at = before if delivered or not refused else None
    return replace(known, plan=plan, delivered=delivered, refused=refused, before=looked_at)


def loaded_dumps(target: Table) -> dict[str, str]:
    """The dumps that the table holds (id -> a file's name), read from its rows."""
    log = target.log()
    if not log.exists:
        return {}
    rows = target.full(log.version)
    return {row["dump_id"]: row["file_name"] for row in rows.select("dump_id", "file_name").distinct().collect()}


def _oldest(target: Table) -> date | None:
    """The first day that the table has a dump of."""
    log = target.log()
    return target.full(log.version).agg(F.min("dump_date")).collect()[0][0] if log.exists else None


def _check_arrived(task: Load, planned: int) -> None:
    """Raises LakemillError, and takes the commit back, where the table has not as many rows of a file as it should.

    What Spark handed out was checked by those who got it; this is about what it did not hand out, or did twice.
    """
    target = task.target
    rows = target.full(target.log().version).where(of_days(task.dumps))
    counted = {tuple(row[:2]): row[2] for row in rows.groupBy("dump_id", "file_name").count().collect()}
    for dump_id, file in [(dump.dump_id, file) for dump in task.dumps for file in dump.files]:
        arrived = counted.get((dump_id, file.name), 0)
        if arrived != file.rows:
            _undo(task, planned)
            raise LakemillError(
                f"{target.name}: {file.rows} rows of {file.name} were to be loaded, and {arrived} arrived. The "
                "load was taken back, so nothing of it is in the table. Run again; if it fails again, ask for the dump "
                "under another folder's name."
            )


def _undo(task: Load, planned: int) -> None:
    """Give the table the rows that it had before, and the progress: the same dumps are new again."""
    target = task.target
    take_back(target, planned)
    before = task.progress.positions if isinstance(task.progress, Progress) else {}
    again = Progress(task.progress.run + 2, before, "dump", task.plan.kind, "TAKEN_BACK")
    repeat(target, again, target.log().version)


def of_days(dumps: Iterable[Delivery]) -> Column:
    """The condition on the table's rows that they are of one of these dumps' days."""
    days = sorted({dump.dump_date for dump in dumps})
    # Of a list, Delta leaves out files by its least and its greatest value only: a late day would read all since then.
    if 0 < len(days) <= FEW_DAYS:
        return reduce(or_, [F.col("dump_date") == day for day in days])
    return F.col("dump_date").isin(days)
