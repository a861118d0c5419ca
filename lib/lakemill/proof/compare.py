"""Comparing a table, or a sample of its keys, with a recompute from its sources at the recorded positions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from lakemill.columns import column
from lakemill.core.bags import unequal
from lakemill.errors import LakemillError
from lakemill.job import RESERVED, Job
from lakemill.kinds import Kind, kind_of
from lakemill.lake.feed import replaced
from lakemill.lake.presented import altered
from lakemill.lake.progress import Progress
from lakemill.lake.readers import unchanged_until
from lakemill.lake.tables import Pin
from lakemill.maps.check import check_job
from lakemill.maps.rowwise import CheckedMap
from lakemill.proof.difference import Difference, damaged, differences, sampled
from lakemill.world import World


@dataclass(frozen=True)
class Comparison:
    """compared: how many of the table's rows were.   unequal_rows: how many rows differ; the first of them in words."""

    compared: int
    unequal_rows: int
    differences: Sequence[Difference]


@dataclass(frozen=True)
class AsMade:
    """A job on its sources as its target was made from them: the checked map, and what its key makes of its rows.

    schemas: the columns that each source had.   frames: one for each parameter of the map.
    """

    job: Job
    schemas: Mapping[str, StructType]
    checked: CheckedMap
    frames: Sequence[DataFrame]

    @property
    def kind(self) -> Kind:
        """What the job makes of its mapped rows."""
        return kind_of(self.job, self.checked.schema)


@dataclass(frozen=True)
class Sample:
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


def as_made(world: World, job: Job, progress: Progress) -> AsMade | None:
    """The job on its sources at the recorded versions; None where it has other sources than the target was made from.

    Raises LakemillError where another table stands in the place of a source.
    """
    pins = {name: world.lake.table(name).pin() for name in job.sources}
    if set(pins) != set(progress.versions):
        return None
    schemas = {name: pin.table.presented(_rows(pin, progress).schema) for name, pin in pins.items()}
    # A source that is named twice is read twice: its columns must not be taken for each other.
    full = [_rows(pins[name], progress) for name in job.sources]
    named = [[column(listed) for listed in schemas[name].names] for name in job.sources]
    frames = [frame.select(*names) for frame, names in zip(full, named, strict=True)]
    return AsMade(job, schemas, check_job(world.spark, job, schemas), frames)


def compare(world: World, made: AsMade, fraction: float = 1) -> Comparison:
    """The table, or a fraction of its keys, against the mapped rows of its sources.

    What is presented is compared, the totals that are kept, and whatever else the state claims. Raises LakemillError
    where somebody altered the table's columns.
    """
    target, kind = world.lake.table(made.job.target), made.kind
    log = target.log()
    _refuse_altered(kind, kind.columns(world.spark, made.checked.schema), log.schema)
    stored = target.full(log.version)
    sample = Sample(made.job, stored.schema, fraction)
    part, mapped = sample.of(stored), sample.of(made.job.mapped(*made.frames))
    count, rows = compare_rows(made.job, kind.row_key, kind.comparable(part), kind.expected(mapped))
    states = kind.wrong_states(part, mapped)
    damaged_states, damage = damaged(states, kind.row_key) if states is not None else (0, [])
    return Comparison(part.count(), count + damaged_states, [*rows, *damage])


def compare_rows(
    job: Job, row_key: tuple[str, ...], stored: DataFrame, expected: DataFrame
) -> tuple[int, list[Difference]]:
    """How many rows differ, and the first of them in words; raises LakemillError where the columns do."""
    if set(stored.columns) != set(expected.columns):
        raise LakemillError(
            f"{job.target} differs: it has the columns {', '.join(stored.columns)} "
            f"where {', '.join(expected.columns)} were expected."
        )
    return differences(unequal(stored, expected), row_key)


def _rows(pin: Pin, progress: Progress) -> DataFrame:
    """A source as the target was made from it; read as of the newest version that has these rows, kept the longest."""
    name, log = pin.table.name, pin.table.log()
    read = progress.table(name)
    assert read is not None
    how = replaced(pin, read)
    if how:
        raise LakemillError(
            f"A table made from {name} cannot be verified: another table stands in its place now ({how}). "
            "`lakemill run` rebuilds what was made from it."
        )
    return pin.table.full(unchanged_until(read.version, log.commits(read.version, pin.version) or []))


def _refuse_altered(kind: Kind, made: StructType, there: StructType) -> None:
    """A table whose columns somebody altered is not what lakemill makes, and is not compared row by row."""
    how = altered(made, there)
    if how:
        raise LakemillError(
            f"{kind.job.target} differs: somebody altered it since lakemill made it ({how}). "
            f"`lakemill run {kind.job.target}` makes it anew."
        )
