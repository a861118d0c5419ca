"""Reduction: what a job makes of the rows of a key, as parts, columns and the state that is kept beside them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, StructType

from lakemill.errors import UsageError, did_you_mean
from lakemill.job import RESERVED, Job
from lakemill.reducers import Latest, Part, Plus, Reducer
from lakemill.reducers.count import ROWS, rows
from lakemill.reducers.latest import ROW
from lakemill.reducers.reducer import quoted

STATE = RESERVED


@dataclass(frozen=True)
class Reduction:
    """A keyed job over the columns that its map gives.

    key: the key's columns.   parts: by name, `rows` always among them.   columns: the target's, presented, in order.
    """

    job: Job
    types: Mapping[str, DataType]
    key: tuple[str, ...]
    parts: Mapping[str, Part]

    @property
    def columns(self) -> list[str]:
        """The presented columns in the target's order: the map's for Latest, else the key's and the reducers'."""
        return list(self.types) if isinstance(self.job.reduce, Latest) else [*self.key, *self.job.reducers]

    @property
    def sums(self) -> dict[str, Part]:
        """The parts that can be taken away again."""
        return {name: part for name, part in self.parts.items() if part.plus.can_take_away}

    @property
    def extremes(self) -> dict[str, Part]:
        """The parts that a removal may leave unknown."""
        return {name: part for name, part in self.parts.items() if not part.plus.can_take_away}

    @property
    def kept(self) -> list[str]:
        """The parts that no presented column holds: the fields of the target's `_state`."""
        return [name for name in self.parts if name not in self._recovered()]

    def present(self, parts: Mapping[str, Column]) -> dict[str, Column]:
        """The target's columns besides the key, `_state` included where there is one, from added-up parts."""
        if isinstance(self.job.reduce, Latest):
            shown = {name: parts[ROW].getField(name) for name in self.types if name not in self.key}
        else:
            shown = {name: reducer.present(parts, self.types) for name, reducer in self.job.reducers.items()}
        state = [parts[name].cast(self.parts[name].type).alias(name) for name in self.kept]
        return {**shown, STATE: F.struct(*state)} if state else shown

    def stored(self, table: str) -> dict[str, Column]:
        """The parts as the target keeps them, read from the DataFrame aliased `table`."""
        recovered = self._recovered(f"{table}.")
        return {
            name: _zero(part, recovered[name] if name in recovered else F.col(f"{table}.{STATE}.{quoted(name)}"))
            for name, part in self.parts.items()
        }

    def _recovered(self, prefix: str = "") -> dict[str, Column]:
        if isinstance(self.job.reduce, Latest):
            order = self.job.reduce.order(self.types)
            return {ROW: F.struct(*[F.col(f"{prefix}{quoted(name)}").alias(name) for name in order])}
        found: dict[str, Column] = {}
        for name, reducer in self.job.reducers.items():
            found.update(reducer.recover(F.col(f"{prefix}{quoted(name)}")))
        return found


def _zero(part: Part, stored: Column) -> Column:
    """A sum that is presented as NULL because it is one of no values is kept as 0."""
    return F.coalesce(stored, F.lit(0).cast(part.type)) if part.plus is Plus.SUM else stored


def reduction(job: Job, mapped: StructType) -> Reduction:
    """The job's reduction over what its map gives; raises UsageError where a column is missing or of a wrong type."""
    types = {field.name: field.dataType for field in mapped.fields}
    key = tuple(job.key or ())
    for name in key:
        if name not in types:
            raise UsageError(
                f'{job.target}: its key has "{name}", but its map gives {", ".join(types)}. {did_you_mean(name, types)}'
            )
    parts = {ROWS: rows()}
    if isinstance(job.reduce, Latest):
        parts.update(_prepared(job, "Latest", job.reduce, types))
    else:
        for name, reducer in job.reducers.items():
            parts.update(_prepared(job, name, reducer, types))
    _refuse_names(job, key, parts)
    return Reduction(job, types, key, parts)


def _refuse_names(job: Job, key: tuple[str, ...], parts: Mapping[str, Part]) -> None:
    """A key's column stands beside the parts in lakemill's own frames, so it cannot have the name of one."""
    names = {name.lower() for name in parts}
    for name in key:
        if name.lower() in names:
            raise UsageError(
                f'{job.target}: its key "{name}" has the name of a part that lakemill keeps '
                f"({', '.join(parts)}). Give the key another name in the map."
            )


def _prepared(job: Job, name: str, reducer: Reducer | Latest, types: Mapping[str, DataType]) -> dict[str, Part]:
    try:
        return reducer.prepare(types)
    except UsageError as wrong:
        raise UsageError(f'{job.target}: reducer "{name}" {wrong}') from None
