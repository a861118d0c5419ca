"""lakemill verify: recompute a table at the versions it was made from, and say where it differs."""

from dataclasses import dataclass, field

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from lakemill.columns import column
from lakemill.core.bags import unequal
from lakemill.errors import LakemillError, UsageError, VersionsGone
from lakemill.job import RESERVED, Job
from lakemill.kinds import Kind, kind_of
from lakemill.lake.failures import data_refused, version_gone
from lakemill.lake.feed import replaced
from lakemill.lake.presented import altered
from lakemill.lake.progress import LANDING, Progress, last_progress
from lakemill.lake.quiet import failures_untold
from lakemill.lake.readers import unchanged_until
from lakemill.lake.tables import Pin
from lakemill.maps.check import check_job
from lakemill.proof.difference import PARTS, Difference, damaged, differences, sampled
from lakemill.proof.landing import landed
from lakemill.world import World


@dataclass(frozen=True)
class Verification:
    """The outcome for one table: its version, those of its sources, and where it differs from a recompute.

    compared: how many of the table's rows were, which in a table with a key are as many keys; all but for a sample.
    """

    target: str
    version: int
    versions: dict[str, int]
    compared: int
    unequal_rows: int
    differences: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the table holds exactly the rows that it should."""
        return self.unequal_rows == 0


def verify(world: World, job: Job, sample: float = 1) -> Verification:
    """Compare the table with a recompute from its sources at the recorded versions.

    sample: the fraction of its keys (of its rows, where it has no key) to compare, always the same ones. Raises
    VersionsGone where the sources at these versions cannot be read any more.
    """
    if not 1 / PARTS <= sample <= 1:
        raise UsageError(f"--sample {sample:g}: a fraction of the keys was expected, as 0.01; at most 1.")
    target = world.lake.table(job.target)
    log = target.log()
    progress = last_progress(log) if log.exists else None
    if progress is None:
        raise LakemillError(
            f"{job.target} cannot be verified: nothing says what it was made from. "
            f"`lakemill run {job.target}` makes it."
        )
    stored = target.full(log.version)
    chosen = _Sample(job, stored.schema, sample)
    part = chosen.of(stored)
    try:
        if job.outside:
            count, found = _against_landing(world, job, progress, stored, chosen)
        else:
            mapped, kind = _mapped(world, job, progress)
            _refuse_altered(kind, kind.columns(world.spark, mapped.schema), log.schema)
            count, found = _against(part, chosen.of(mapped), kind)
    except (PySparkException, Py4JJavaError) as error:
        raise data_refused(error) or _gone(world, job, error) or error from None
    compared = part.count()
    if not compared and not count:
        _refuse_none(job, sample, stored)
    return Verification(job.target, log.version, dict(progress.versions), compared, count, found)


@dataclass(frozen=True)
class _Sample:
    """A part of a table's keys, or rows, and of the mapped rows that belong to them."""

    job: Job
    stored: StructType
    fraction: float

    def of(self, frame: DataFrame) -> DataFrame:
        """The frame's rows that are in it."""
        if self.job.key == ():  # the whole table is one row
            return frame
        names = self.job.key or [name for name in self.stored.names if name != RESERVED]
        return sampled(frame, names, self.stored, self.fraction)


def _refuse_none(job: Job, sample: float, stored: DataFrame) -> None:
    """A comparison of nothing proves nothing, unless there is nothing."""
    rows = stored.count()
    if rows:
        raise LakemillError(
            f"{job.target}: none of its {rows:,} rows is in a sample of {sample:g}: nothing was compared. "
            "Take a larger one."
        )


def _compared(
    job: Job, row_key: tuple[str, ...], stored: DataFrame, expected: DataFrame
) -> tuple[int, list[Difference]]:
    _same_columns(job, stored, expected)
    return differences(unequal(stored, expected), row_key)


def _against(stored: DataFrame, mapped: DataFrame, kind: Kind) -> tuple[int, list[Difference]]:
    """Against the mapped rows: what is presented, the totals that are kept, and whatever else the state claims."""
    count, rows = _compared(kind.job, kind.row_key, kind.comparable(stored), kind.expected(mapped))
    states = kind.wrong_states(stored, mapped)
    damaged_states, damage = damaged(states, kind.row_key) if states is not None else (0, [])
    return count + damaged_states, rows + damage


def _mapped(world: World, job: Job, progress: Progress) -> tuple[DataFrame, Kind]:
    pins = {name: world.lake.table(name).pin() for name in job.sources}
    if set(pins) != set(progress.versions):
        raise _changed(job)
    schemas = {name: pin.table.presented(_as_made(pin, progress).schema) for name, pin in pins.items()}
    mapped = check_job(world.spark, job, schemas)
    if mapped.fingerprint != progress.fingerprint:
        raise _changed(job)
    # A source that is named twice is read twice: its columns must not be taken for each other.
    full = [_as_made(pins[name], progress) for name in job.sources]
    named = [[column(one) for one in schemas[name].names] for name in job.sources]
    frames = [frame.select(*names) for frame, names in zip(full, named, strict=True)]
    return job.mapped(*frames), kind_of(job, mapped.schema)


def _as_made(pin: Pin, progress: Progress) -> DataFrame:
    """A source as the target was made from it; read as of the newest version that has these rows, kept the longest."""
    name, log = pin.table.name, pin.table.log()
    read = progress.table(name)
    assert read is not None
    other = replaced(pin, read)
    if other:
        raise LakemillError(
            f"A table made from {name} cannot be verified: another table stands in its place now ({other}). "
            "`lakemill run` rebuilds what was made from it."
        )
    return pin.table.full(unchanged_until(read.version, log.commits(read.version, pin.version) or []))


def _changed(job: Job) -> LakemillError:
    return LakemillError(
        f"{job.target} cannot be verified: its job changed since it was made. `lakemill run {job.target}` first."
    )


def _gone(world: World, job: Job, error: Exception) -> LakemillError | None:
    """The same error in words, where files or the log of the versions that the table was made from are gone."""
    if not version_gone(error):
        return None
    removed = {name: world.lake.table(name).log().last_vacuum() for name in job.sources}
    when = [f"{name} was vacuumed on {commit.at:%Y-%m-%d}" for name, commit in removed.items() if commit]
    return VersionsGone(
        f"{job.target} cannot be verified: versions that it was made from are gone "
        f"({', '.join(when) or 'no log says when they were vacuumed'}). "
        f"`lakemill verify {job.target} --update` brings it up to date first, and verifies it at the new versions."
    )


def _against_landing(
    world: World, job: Job, progress: Progress, stored: DataFrame, chosen: _Sample
) -> tuple[int, list[Difference]]:
    """Against the files that were loaded, row by row, and against what their manifests say of how many rows they have.

    The second finds rows that neither the table has nor this reading of the files.
    """
    assert job.outside
    feed = job.outside.feed
    grouped = stored.groupBy("dump_id", "file_name").count().collect()
    counted = {(row["dump_id"], row["file_name"]): row["count"] for row in grouped}
    files = landed(world.spark, f"{world.landing}/{feed}", feed, progress.positions.get(LANDING), counted)
    with failures_untold(world.spark):
        count, rows = _compared(job, (), chosen.of(stored), chosen.of(files.rows(stored.schema)))
    lacking = files.lacking(counted)
    return (count, rows) if count else (len(lacking), lacking)


def _refuse_altered(kind: Kind, made: StructType, there: StructType) -> None:
    """A table whose columns somebody altered is not what lakemill makes, and is not compared row by row."""
    how = altered(made, there)
    if how:
        raise LakemillError(
            f"{kind.job.target} differs: somebody altered it since lakemill made it ({how}). "
            f"`lakemill run {kind.job.target}` makes it anew."
        )


def _same_columns(job: Job, stored: DataFrame, expected: DataFrame) -> None:
    if set(stored.columns) != set(expected.columns):
        raise LakemillError(
            f"{job.target} differs: it has the columns {', '.join(stored.columns)} "
            f"where {', '.join(expected.columns)} were expected."
        )
