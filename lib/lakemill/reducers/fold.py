"""A reducer in Python: what Spark's own functions cannot say, over the rows of a key."""

import copy
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lakemill.columns import column, column_text, has_no_order, names, one_zero, type_of
from lakemill.errors import UsageError
from lakemill.python.bytecode import digest
from lakemill.python.fitted import fitted, was_given
from lakemill.reducers.bag import KEPT, Bag
from lakemill.reducers.part import COUNT, VALUE, Collected, Part
from lakemill.reducers.reducer import Reducer

FoldState = Any
"""What a fold makes of rows: None, numbers, texts, lists and dicts by text (JSON)."""


@dataclass(frozen=True)
class Steps:
    """The functions of a fold, as they go to where the rows are."""

    zero: FoldState
    add: Callable[[FoldState, Any], FoldState]
    merge: Callable[[FoldState, FoldState], FoldState]
    present: Callable[[FoldState], Any]
    remove: Callable[[FoldState, Any], FoldState] | None

    def of(self, rows: Sequence[Any]) -> FoldState:
        """The state of rows, in their order."""
        state = copy.deepcopy(self.zero)
        for row in rows:
            state = _called(self.add, state, row)
        return state

    def without(self, state: FoldState, rows: Sequence[Any]) -> FoldState:
        """The state after rows were taken away."""
        assert self.remove is not None
        for row in rows:
            state = _called(self.remove, state, row)
        return state

    def json_of(self, rows: Sequence[Any]) -> str:
        """The state of rows as JSON: the only form in which `merge`, `remove` and `present` see states.

        A table keeps states for years, across versions of Python, and whoever can write to the table can write one:
        JSON can be read then, and never runs code as a pickle would. A state always goes through JSON, also where it
        is not kept, so that a function sees the same in a rebuild and in an update: a tuple is a list in both.
        """
        return json.dumps(self.of(rows), sort_keys=True)

    def counted(self, entries: Sequence[Any]) -> str:
        """The state of rows of which each is there as often as its entry counts, as JSON."""
        return self.json_of([entry[VALUE] for entry in entries for _ in range(entry[COUNT])])

    def changed(self, text: str, entries: Sequence[Any]) -> str:
        """A stored state (JSON), with the entries of a change."""
        state = json.loads(text)
        came = [entry[VALUE] for entry in entries for _ in range(entry[COUNT])]
        went = [entry[VALUE] for entry in entries for _ in range(-entry[COUNT])]
        if came:
            state = _called(self.merge, state, json.loads(self.json_of(came)))
        return json.dumps(self.without(state, went) if went else state, sort_keys=True)

    def shown(self, text: str, kind: DataType) -> Any:
        """What is presented of a state (JSON), as a value of this type."""
        return fitted(_called(self.present, json.loads(text)), kind)


def _called(function: Callable[..., Any], *given: Any) -> Any:
    """What a function gives; what it was given is noted at the error that it raises."""
    try:
        return function(*given)
    except Exception as error:
        error.add_note(was_given(*given))
        raise


class Fold(Reducer):
    """Rows folded by Python functions, one after the other, sorted by the columns `of`.

    zero: the state of no rows (JSON: numbers, texts, lists, dicts).   add(state, row) -> state; `row` has the columns
    as attributes, in Python's own types; a timestamp is a datetime of UTC, without a zone.   merge(state, state) ->
    state, of two sets of rows together.   present(state) -> the target's value, of the Spark type `returns`.
    remove(state, row) -> state, which undoes add; without it a change recomputes its keys from the source, with it the
    state is kept (as JSON) and follows the change.

    A state may be changed in place and returned. What the functions claim (neither the order nor the grouping of rows
    matters, remove undoes add) is tried on rows of the source before the table is made, and that what is presented is
    of its type: see `lakemill.python.fitted`. A key's distinct rows are in the memory of one task. Python knows dates
    of the years 1 to 9999; others fail the run.

        Fold("tag", zero={}, add=count, merge=add_up, present=favourites, returns="array<string>")
    """

    def __init__(
        self,
        of: str | Sequence[str],
        zero: FoldState,
        add: Callable[[FoldState, Any], FoldState],
        merge: Callable[[FoldState, FoldState], FoldState],
        present: Callable[[FoldState], Any],
        returns: str,
        remove: Callable[[FoldState, Any], FoldState] | None = None,
    ) -> None:
        self.of, self.returns = names(of), returns
        self.steps = Steps(zero, add, merge, present, remove)
        try:
            json.dumps(zero)
        except (TypeError, ValueError):
            raise UsageError(f"Fold({', '.join(self.of)}): its zero {zero!r} is no JSON, which states are.") from None

    @property
    def columns(self) -> tuple[str, ...]:
        return self.of

    @cached_property
    def definition(self) -> str:
        """The functions, as a digest that changes with what they do."""
        steps = self.steps
        functions: list[Callable[..., Any] | None] = [steps.add, steps.merge, steps.present, steps.remove]
        try:
            digests = [digest(function) if function else "none" for function in functions]
            return " ".join([repr(steps.zero), self.returns, *digests])
        except UsageError as error:
            raise UsageError(f"{self} {error}") from None

    @property
    def _part(self) -> str:
        return f"fold_{'_'.join(self.of)}_{hashlib.sha256(self.definition.encode()).hexdigest()[:8]}"

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Part]:
        if has_no_order(self.kind):
            shown = self.kind.simpleString()
            raise UsageError(f"returns {shown}, and such values cannot be compared; return an array.")
        kind = _in_python(StructType([StructField(name, type_of(name, types)) for name in self.of]))
        assert isinstance(kind, StructType)
        for field in kind.fields:
            if has_no_order(field.dataType):
                shown = field.dataType.simpleString()
                raise UsageError(f'sorts rows by "{field.name}", which is {shown} and has no order.')
        if self.steps.remove is None:
            return {self._part: Bag(self.row(types), kind, bound=0)}
        return {self._part: Folded(self.row(types), kind, self)}

    def row(self, types: Mapping[str, DataType]) -> Column:
        """A row as the functions are given it."""
        values = {name: one_zero(column(name), types[name]).cast(_in_python(types[name])) for name in self.of}
        return F.struct(*[value.alias(name) for name, value in values.items()])

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        known = parts[self._part]
        return self.shown(known if self.steps.remove else _as_json(self.steps.counted, known[KEPT]))

    def plain(self, types: Mapping[str, DataType]) -> Column:
        return self.shown(_as_json(self.steps.json_of, F.sort_array(F.collect_list(self.row(types)))))

    def shown(self, state: Column) -> Column:
        """What is presented of a state."""
        steps, kind = self.steps, self.kind
        return F.udf(lambda text: steps.shown(text, kind), kind, useArrow=False)(state)

    @cached_property
    def kind(self) -> DataType:
        """The type of what is presented; raises UsageError where `returns` names none."""
        try:
            return DataType.fromDDL(self.returns)
        except PySparkException:
            raise UsageError(f'returns "{self.returns}", which is no type that Spark knows.') from None

    def __repr__(self) -> str:
        return f"Fold({', '.join(self.of)}; {self.definition})"


@dataclass(frozen=True)
class Folded(Collected):
    """A state of a fold whose `remove` undoes `add`: kept as JSON, and followed by every change."""

    value: Column
    type: DataType
    fold: Fold

    @property
    def kind(self) -> str:
        return "group"

    @property
    def size(self) -> str:
        return "its state as JSON"

    @property
    def definition(self) -> str:
        return f"fold {self.fold.definition} of {column_text(self.value)}"

    @property
    def none(self) -> Column:
        return F.lit(json.dumps(self.fold.steps.zero, sort_keys=True))

    def of(self, entries: Column, distinct: Column) -> Column:
        return self.two(self.none, entries)

    def two(self, known: Column, entries: Column) -> Column:
        return _as_json(self.fold.steps.changed, known, entries)

    def all_at_once(self, rows: Column) -> Column:
        """The state of a list of rows: what `verify` holds against a state that was kept up."""
        return _as_json(self.fold.steps.json_of, rows)

    def at_risk(self, known: Column, entries: Column) -> Column:
        return F.lit(False)

    def negative(self, known: Column) -> Column:
        return F.lit(False)

    def state(self, known: Column) -> Column:
        return known

    def known(self, state: Column) -> Column:
        return state


def _as_json(function: Callable[..., str], *given: Column) -> Column:
    """A state as JSON. Not by Arrow: pandas makes doubles of the integers of a batch that has a NULL anywhere."""
    return F.udf(function, StringType(), useArrow=False)(*given)


def _in_python(kind: DataType) -> DataType:
    """The type with its times as of UTC: Python would show them in the time zone of the machine."""
    if isinstance(kind, ArrayType):
        return ArrayType(_in_python(kind.elementType))
    if isinstance(kind, StructType):
        return StructType([StructField(field.name, _in_python(field.dataType)) for field in kind.fields])
    return TimestampNTZType() if isinstance(kind, TimestampType) else kind
