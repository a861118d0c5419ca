"""Task: what is known of a table before anything of it runs: its sources' versions, their changes, and the plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from lakemill.errors import UsageError, first_line
from lakemill.job import Job
from lakemill.kinds import Kind, kind_of
from lakemill.lake.change import Change
from lakemill.lake.holdable import unholdable
from lakemill.lake.log import Log
from lakemill.lake.presented import altered, digest
from lakemill.lake.progress import NoProgress, Progress, read_progress
from lakemill.lake.tables import Table
from lakemill.maps.check import check_job
from lakemill.maps.definition import Definition, Judgement, why_changed
from lakemill.maps.evolution import other_columns, same_map
from lakemill.maps.rowwise import CheckedMap
from lakemill.refresh.plan import REBUILD, UPDATE, Plan, adopted, allowed, decide, is_small
from lakemill.refresh.price import Price, is_priced, price
from lakemill.sources.source import KnownColumns
from lakemill.world import World


@dataclass(frozen=True)
class Task:
    """What is known of a table before anything runs.

    columns: a digest of those that the target is to have.   definition: what decides its rows.   adopts: whether the
    target was made by the same job under another Spark or Python, and is to be verified before anything else.   price:
    what an update and a rebuild are expected to take.
    """

    job: Job
    target: Table
    target_version: int
    sources: Mapping[str, KnownColumns]
    mapped: CheckedMap
    kind: Kind
    progress: Progress | NoProgress
    changes: Mapping[str, Change]
    plan: Plan
    columns: str
    definition: Definition
    adopts: bool = False
    price: Price = field(default_factory=Price)

    def frames(self) -> list[DataFrame]:
        """The sources' rows, one frame for each parameter of the map."""
        return [self.sources[name].rows() for name in self.job.sources]

    @property
    def is_new(self) -> bool:
        """Whether the target was not made by this definition yet: what is the user's own is then tried first."""
        return isinstance(self.progress, NoProgress) or self.progress.fingerprint != self.mapped.fingerprint

    @property
    def reworded(self) -> bool:
        """Whether the job's files, or what is recorded of them, are not what the target's progress says."""
        return isinstance(self.progress, Progress) and self.progress.definition.source != self.definition.source

    @property
    def reads(self) -> int | None:
        """How many bytes of tables its work sorts and joins, at most; None where nobody noted it.

        An update by a small change of an only source reads no more of that than the rows of touched keys.
        """
        if self.plan.kind != UPDATE or len(self.sources) > 1 or not is_small(self.changes.values()):
            return self.bytes
        feed = sum(change.feed_bytes for change in self.changes.values())
        return None if self.bytes_stored is None else self.bytes_stored + feed

    @cached_property
    def bytes(self) -> int | None:
        """How many bytes its sources and its target hold; None where nobody noted it."""
        sources = [source.bytes for source in self.sources.values()]
        return None if self.bytes_stored is None or not all(sources) else self.bytes_stored + sum(sources)

    @cached_property
    def bytes_stored(self) -> int | None:
        """How many bytes its target holds; None where nobody noted it."""
        if self.target_version < 0:
            return 0
        return self.target.log().bytes_at(self.target_version) or None

    def stored(self) -> DataFrame:
        """The target as it was when the plan was made, `_state` included."""
        return self.target.full(self.target_version)

    def next_progress(self) -> Progress:
        """What the commit of this run is to record."""
        positions = {name: source.position() for name, source in self.sources.items()}
        made = self.definition
        return Progress(
            run=self.progress.run + 1,
            positions=positions,
            fingerprint=made.fingerprint,
            plan=self.plan.kind,
            reason=self.plan.reason,
            columns=self.columns,
            source=made.source,
            made_by=made.made_by,
            premises=made.premises,
        )


def prepare(world: World, job: Job, policy: str) -> Task:
    """Pin the sources, check the job against them, and plan; reads logs only. For jobs that read tables."""
    sources = {name: world.source(name) for name in job.sources}
    mapped = world.check(job, {name: source.schema for name, source in sources.items()})
    kind = kind_of(job, mapped.schema)
    target = world.lake.table(job.target)
    log = target.log()
    progress = read_progress(log, job.target)
    changes: dict[str, Change] = {}
    expected = Price()
    definition, adopts = world.definition(job, mapped), False
    columns, how = _columns(world.spark, kind, mapped, progress, log)
    if isinstance(progress, NoProgress):
        plan = allowed(job, policy, Plan(REBUILD, progress.reason, progress.detail))
    else:
        read = progress.positions
        changes = {name: source.change_since(read.get(name)) for name, source in sources.items()}
        redefined, adopts = _redefined(world, kind, sources, progress, mapped)
        anew = Plan(REBUILD, "TARGET_ALTERED", f"somebody altered it: {how}") if how else None
        if is_priced(changes):
            expected = price(world.past(job.target), changes)
        plan = decide(kind, policy, changes, redefined or anew, mapped.joins, expected)
        adopts = adopts and plan.kind != REBUILD
        if adopts:
            plan = adopted(plan, progress, definition)
    known = (job, target, log.version, sources, mapped, kind, progress, changes)
    return Task(*known, plan, columns, definition, adopts, expected)


def _columns(
    spark: SparkSession, kind: Kind, mapped: CheckedMap, progress: Progress | NoProgress, log: Log
) -> tuple[str, str]:
    """A digest of the columns that the target is to have, and how it was altered since lakemill made it, in words.

    Raises UsageError where no Delta table can have them. Nothing is asked of Spark where this definition made the table
    and its columns are as they were.
    """
    known = progress if isinstance(progress, Progress) and progress.fingerprint == mapped.fingerprint else None
    if known and known.columns and known.columns == digest(log.schema):
        return known.columns, ""
    try:
        columns = kind.columns(spark, mapped.schema)
    except AnalysisException as error:
        raise UsageError(
            f"{kind.job.target}: its reduce does not fit what its map gives: {first_line(error)}. Nothing was written."
        ) from None
    for reason in () if known else unholdable(columns):
        raise UsageError(f"{kind.job.target}: it {reason}. Nothing was written.")
    return digest(columns), altered(columns, log.schema) if isinstance(progress, Progress) else ""


def _redefined(
    world: World, kind: Kind, sources: Mapping[str, KnownColumns], progress: Progress, mapped: CheckedMap
) -> tuple[Plan | None, bool]:
    """The rebuild that is due since the job is not what the target was made with, or its map gives other columns.

    None where it is the same, or the sources' columns differ by such only as the target does not depend on; and whether
    the target has to be verified first, since it was made under another Spark or Python.
    """
    if progress.fingerprint == mapped.fingerprint:
        return None, False
    job, read = kind.job, progress.positions
    then = {name: source.schema_at(read.get(name, source.position())) for name, source in sources.items()}
    known = {name: schema for name, schema in then.items() if schema is not None}
    try:
        was = check_job(world.spark, job, known) if len(known) == len(sources) else None
    except UsageError:  # a map that does not fit the columns of then is a new one
        was = None
    judgement = world.judged(progress.definition, job, known, was) if was else Judgement.CHANGED
    if was is None or judgement == Judgement.CHANGED:
        why = why_changed(progress.definition, world.definition(job, mapped))
        return Plan(REBUILD, "DEFINITION_CHANGED", why), False
    adopts = judgement == Judgement.ADOPTABLE
    others = other_columns(known, {name: source.schema for name, source in sources.items()})
    same_columns = kind.read(was.schema.fields) == kind.read(mapped.schema.fields)
    if same_columns and same_map(was, mapped, job.sources, others):
        return None, adopts
    why = "its sources' columns are in another order"
    for name, columns in others.items():
        if columns:
            why = f"it depends on columns that are new, gone or of another type, {name}: {', '.join(sorted(columns))}"
    return Plan(REBUILD, "SCHEMA_CHANGED", why), adopts
