"""lakemill verify: recompute a table at the versions it was made from, and say where it differs."""

from dataclasses import dataclass, field

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from lakemill.core.check import check_job
from lakemill.core.reduction import Reduction, reduction
from lakemill.core.verify import Difference, damaged, differences, expected_rows, unequal, with_totals
from lakemill.core.verify_state import wrong_states
from lakemill.errors import LakemillError
from lakemill.ingest.dumps import choose, look, not_loaded
from lakemill.ingest.rows import LINEAGE, missing_files, read_rows, refused
from lakemill.job import Dump, Job
from lakemill.lake.files import files_gone
from lakemill.lake.progress import Progress, last_progress
from lakemill.lake.tables import without_state
from lakemill.load import loaded_dumps
from lakemill.reducers import PerKey
from lakemill.refresh import World


@dataclass(frozen=True)
class Verification:
    """The outcome for one table: its version, those of its sources, and where it differs from a recompute."""

    target: str
    version: int
    versions: dict[str, int]
    unequal_rows: int
    differences: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the table holds exactly the rows that it should."""
        return self.unequal_rows == 0


def verify(world: World, job: Job) -> Verification:
    """Compare the table with a recompute from its sources at the recorded versions."""
    target = world.lake.table(job.target)
    log = target.log()
    progress = last_progress(log) if log.exists else None
    if progress is None:
        raise LakemillError(
            f"{job.target} cannot be verified: nothing says what it was made from. "
            f"`lakemill run {job.target}` makes it."
        )
    stored = target.full(log.version)
    try:
        if isinstance(job.source, Dump):
            count, found = _compared(job, stored, _landed(world, job, progress))
        else:
            count, found = _against(job, stored, *_mapped(world, job, progress))
    except (PySparkException, Py4JJavaError) as error:
        raise refused(error) or _vacuumed(job, error) or error from None
    return Verification(job.target, log.version, dict(progress.versions), count, found)


def _compared(job: Job, stored: DataFrame, expected: DataFrame) -> tuple[int, list[Difference]]:
    _same_columns(job, stored, expected)
    return differences(unequal(stored, expected), _one_row_a(job))


def _against(
    job: Job, stored: DataFrame, mapped: DataFrame, made: Reduction | PerKey | None
) -> tuple[int, list[Difference]]:
    """Against the mapped rows: what is presented, the totals that are kept, and whatever else the state claims."""
    if not isinstance(made, Reduction):
        return _compared(job, stored, expected_rows(mapped, made))
    count, found = _compared(job, with_totals(stored, made), expected_rows(mapped, made))
    states = wrong_states(stored, mapped, made)
    wrong, damage = damaged(states, made.key) if states is not None else (0, [])
    return count + wrong, found + damage


def _mapped(world: World, job: Job, progress: Progress) -> tuple[DataFrame, Reduction | PerKey | None]:
    pins = {name: world.lake.table(name).pin() for name in job.sources}
    if set(pins) != set(progress.versions):
        raise _changed(job)
    rows = {name: pin.table.full(progress.versions[name]) for name, pin in pins.items()}
    schemas = {name: without_state(frame.schema) for name, frame in rows.items()}
    mapped = check_job(world.spark, job, schemas)
    if mapped.fingerprint != progress.fingerprint:
        raise _changed(job)
    # A source that is named twice is read twice: its columns must not be taken for each other.
    full = [pins[name].table.full(progress.versions[name]) for name in job.sources]
    frames = [frame.select(*schemas[name].names) for frame, name in zip(full, job.sources, strict=True)]
    return job.mapped(*frames), _reduction(job, mapped.schema)


def _reduction(job: Job, mapped: StructType) -> Reduction | PerKey | None:
    if isinstance(job.reduce, PerKey):
        return job.reduce
    return None if job.appends else reduction(job, mapped)


def _one_row_a(job: Job) -> tuple[str, ...]:
    """The columns that tell the target's rows apart; PerKey may give several rows a key."""
    return () if isinstance(job.reduce, PerKey) else tuple(job.key or ())


def _changed(job: Job) -> LakemillError:
    return LakemillError(
        f"{job.target} cannot be verified: its job changed since it was made. `lakemill run {job.target}` first."
    )


def _vacuumed(job: Job, error: Exception) -> LakemillError | None:
    if not files_gone(error):
        return None
    return LakemillError(
        f"{job.target} cannot be verified: files of the versions that it was made from are gone (VACUUM). "
        f"`lakemill run {job.target}` first, then verify at the new versions."
    )


def _landed(world: World, job: Job, progress: Progress) -> DataFrame:
    assert isinstance(job.source, Dump)
    target = world.lake.table(job.target)
    landing = look(world.spark, world.landing, job.source.feed)
    deliveries, loaded = landing.deliveries(world.spark), loaded_dumps(target)
    dumps = choose(deliveries, loaded, job.target)
    if landing.digest == progress.landing:  # nothing came since: all that lies there was loaded
        dumps += not_loaded(deliveries, loaded)
    missing_files(world.spark, dumps)
    header = tuple(name for name in target.log().schema.names if name not in LINEAGE)
    return read_rows(world.spark, dumps, header)


def _same_columns(job: Job, stored: DataFrame, expected: DataFrame) -> None:
    if set(stored.columns) != set(expected.columns):
        raise LakemillError(
            f"{job.target} differs: it has the columns {', '.join(stored.columns)} "
            f"where {', '.join(expected.columns)} were expected."
        )
