"""Reduction: what a job makes of the rows of a key, as parts, columns and the state that is kept beside them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, StructType

from lakemill.columns import column, column_text, quoted, type_of
from lakemill.errors import UsageError, did_you_mean
from lakemill.job import RESERVED, Job
from lakemill.reducers import Bag, Collected, Latest, Part, Reducer, Total
from lakemill.reducers.count import ROWS, rows
from lakemill.reducers.latest import ROW

STATE = RESERVED
STATE_MARK = "lakemill"
OWN_STATE = {STATE_MARK: "state"}
"""Marks the column `_state` in a target's schema: a user's table may have a column of that name, too."""


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
        """The presented columns in the target's order: the key's and the reducers'."""
        return [*self.key, *self.job.reducers]

    @property
    def totals(self) -> dict[str, Total]:
        """The parts that add and take away as numbers."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Total)}

    @property
    def collected(self) -> dict[str, Collected]:
        """The parts that are made from the key's values."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Collected)}

    @property
    def kept(self) -> list[str]:
        """The parts that the target keeps and no presented column holds: the fields of its `_state`."""
        recovered = self.recovered()
        return [
            name
            for name, part in self.parts.items()
            if name not in recovered and (isinstance(part, Total) or part.keeps_state)
        ]

    @property
    def definition(self) -> list[str]:
        """All that decides what the target holds of the mapped rows, as texts."""
        shown = self.present({name: column(name) for name in self.parts})
        parts = [f"{name}: {part.definition}" for name, part in self.parts.items()]
        unseen = [reducer.definition for reducer in self.job.reducers.values()]
        return [
            *parts,
            *[f"{name} = {column_text(value)}" for name, value in shown.items()],
            f"{STATE}: {self.kept}",
            *unseen,
        ]

    def present(self, parts: Mapping[str, Column]) -> dict[str, Column]:
        """The target's columns besides the key, `_state` included where there is one, from added-up parts."""
        shown = self.presented(parts)
        state = [_state(self.parts[name], parts[name]).alias(state_field(name)) for name in self.kept]
        return {**shown, STATE: F.struct(*state)} if state else shown

    def presented(self, parts: Mapping[str, Column]) -> dict[str, Column]:
        """The target's columns besides the key and `_state`, from added-up parts."""
        return {name: reducer.present(parts, self.types) for name, reducer in self.job.reducers.items()}

    def stored(self, table: str) -> dict[str, Column]:
        """The parts as they are known from the target, read from the DataFrame aliased `table`."""
        recovered, kept = self.recovered(f"{table}."), self.kept
        known = {}
        for name, part in self.parts.items():
            if name in recovered:
                known[name] = _known(part, recovered[name])
            elif name in kept:
                field = F.col(f"{table}.{STATE}.{quoted(state_field(name))}")
                known[name] = part.typed(field) if isinstance(part, Total) else part.known(field)
            else:
                known[name] = part.zero if isinstance(part, Total) else part.none
        return known

    def recovered(self, prefix: str = "") -> dict[str, Column]:
        """The parts that presented columns tell; `prefix`: of these columns' names."""
        parts: dict[str, Column] = {}
        for name, reducer in self.job.reducers.items():
            parts.update(reducer.recover(F.col(f"{prefix}{quoted(name)}")))
        return parts


@dataclass(frozen=True)
class LatestReduction(Reduction):
    """A job that keeps the newest row of a key: its one part, the row, is presented whole."""

    latest: Latest

    @property
    def columns(self) -> list[str]:
        """The map's columns."""
        return list(self.types)

    def presented(self, parts: Mapping[str, Column]) -> dict[str, Column]:
        """The newest row's columns besides the key."""
        row = self.parts[ROW]
        assert isinstance(row, Bag)
        newest = row.extreme(parts[ROW])
        return {name: newest.getField(name) for name in self.types if name not in self.key}

    def recovered(self, prefix: str = "") -> dict[str, Column]:
        """The newest row."""
        order = self.latest.order(self.types)
        return {ROW: F.struct(*[F.col(f"{prefix}{quoted(name)}").alias(name) for name in order])}


def state_field(part: str) -> str:
    """The field of `_state` that keeps a part: Delta takes no space and no bracket in a name, as columns may have."""
    return re.sub(r"[ ,;{}()\n\t=%]", lambda letter: f"%{ord(letter[0]):02x}", part)


def _state(part: Part, known: Column) -> Column:
    return known.cast(part.type) if isinstance(part, Total) else part.state(known)


def _known(part: Part, recovered: Column) -> Column:
    """A part as a presented column tells it; a sum that is presented as NULL because it is one of no values is 0."""
    if isinstance(part, Total):
        return part.typed(recovered)
    assert isinstance(part, Bag)
    return part.behind(recovered)


def reduction(job: Job, mapped: StructType) -> Reduction:
    """The job's reduction over what its map gives; raises UsageError where a column is missing or of a wrong type."""
    types = {field.name: field.dataType for field in mapped.fields}
    key = tuple(job.key or ())
    for name in key:
        if name not in types:
            raise UsageError(
                f'{job.target}: its key has "{name}", but its map gives {", ".join(types)}. {did_you_mean(name, types)}'
            )
    parts: dict[str, Part] = {ROWS: rows()}
    if isinstance(job.reduce, Latest):
        parts |= _prepared(job, "Latest", job.reduce, job.reduce.by, types)
        _refuse_names(job, key, parts)
        return LatestReduction(job, types, key, parts, job.reduce)
    for name, reducer in job.reducers.items():
        for part, made in _prepared(job, name, reducer, reducer.columns, types).items():
            if part in parts and parts[part].definition != made.definition:
                raise UsageError(
                    f'{job.target}: reducer "{name}" has a part "{part}", which another reducer has as something else '
                    f"({made.definition} and {parts[part].definition}). Parts of one name are shared: name one of them "
                    "differently."
                )
            parts[part] = made
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


def _prepared(
    job: Job, name: str, reducer: Reducer | Latest, columns: Iterable[str], types: Mapping[str, DataType]
) -> Mapping[str, Part]:
    try:
        for read in columns:
            type_of(read, types)
        return reducer.prepare(types)
    except UsageError as error:
        raise UsageError(f'{job.target}: reducer "{name}" {error}') from None
