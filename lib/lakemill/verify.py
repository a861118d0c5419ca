"""lakemill verify: recompute a table at the versions it was made from, and say where it differs."""

from dataclasses import dataclass, field

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from lakemill.errors import LakemillError, UsageError, VersionsGone
from lakemill.job import Job
from lakemill.lake.failures import data_refused, version_gone
from lakemill.lake.progress import LANDING, Progress, last_progress
from lakemill.lake.quiet import failures_untold
from lakemill.maps.definition import Judgement
from lakemill.proof.compare import AsMade, Comparison, Sample, as_made, compare, compare_rows
from lakemill.proof.difference import PARTS, Difference
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
    try:
        if job.outside:
            done = _landed(world, job, progress, sample)
        else:
            done = compare(world, _as_made(world, job, progress), sample)
    except (PySparkException, Py4JJavaError) as error:
        raise data_refused(error) or _gone(world, job, error) or error from None
    if not done.compared and not done.unequal_rows:
        _refuse_none(job, sample, target.full(log.version))
    versions = dict(progress.versions)
    return Verification(job.target, log.version, versions, done.compared, done.unequal_rows, list(done.differences))


def _as_made(world: World, job: Job, progress: Progress) -> AsMade:
    """The job on its sources as they were; raises LakemillError where it is another job than made the table."""
    made = as_made(world, job, progress)
    if made is None or world.judged(progress.definition, job, made.schemas, made.checked) == Judgement.CHANGED:
        raise _changed(job)
    return made


def _refuse_none(job: Job, sample: float, stored: DataFrame) -> None:
    """A comparison of nothing proves nothing, unless there is nothing."""
    rows = stored.count()
    if rows:
        raise LakemillError(
            f"{job.target}: none of its {rows:,} rows is in a sample of {sample:g}: nothing was compared. "
            "Take a larger one."
        )


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


def _landed(world: World, job: Job, progress: Progress, fraction: float) -> Comparison:
    """Against the files that were loaded, row by row, and against what their manifests say of how many rows they have.

    The second finds rows that neither the table has nor this reading of the files.
    """
    assert job.outside
    target, feed = world.lake.table(job.target), job.outside.feed
    stored = target.full(target.log().version)
    grouped = stored.groupBy("dump_id", "file_name").count().collect()
    counted = {(row["dump_id"], row["file_name"]): row["count"] for row in grouped}
    files = landed(world.spark, f"{world.landing}/{feed}", feed, progress.positions.get(LANDING), counted)
    sample = Sample(job, stored.schema, fraction)
    part = sample.of(stored)
    with failures_untold(world.spark):
        count, rows = compare_rows(job, (), part, sample.of(files.rows(stored.schema)))
    lacking = files.lacking(counted)
    return Comparison(part.count(), count, rows) if count else Comparison(part.count(), len(lacking), lacking)
