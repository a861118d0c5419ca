"""Registers: the greatest number seen in each of a fixed set of registers, the state of a HyperLogLog sketch.

A row's value is its register and its number packed into one int, register * 64 + number, so that sorted values are
sorted by register. State: array<int>, sorted, the greatest packed value of each register that has one: the same
whatever the order of the rows and however they are grouped.
"""

from dataclasses import dataclass, field

from pyspark.sql import Column, functions as F
from pyspark.sql.types import ArrayType, DataType, IntegerType

from lakemill.columns import column_text, let
from lakemill.reducers.part import COUNT, VALUE, Collected

REGISTER_SIZE = 64
"""The number in a register is below this."""


@dataclass(frozen=True)
class Registers(Collected):
    """The greatest number of each register; `value` is a row's packed register and number (int)."""

    value: Column
    type: DataType = field(default_factory=IntegerType)

    @property
    def kind(self) -> str:
        return "monoid"

    @property
    def size(self) -> str:
        return "4 bytes for each register that has a value"

    @property
    def definition(self) -> str:
        return f"registers of {column_text(self.value)}"

    @property
    def none(self) -> Column:
        return F.array().cast(ArrayType(IntegerType()))

    def of(self, entries: Column, distinct: Column) -> Column:
        return let(F.transform(entries, lambda entry: entry[VALUE]), greatest_of_each)

    def two(self, known: Column, entries: Column) -> Column:
        # A value that only went takes nothing away here: if it was a register's greatest, the key is at risk.
        came = F.transform(F.filter(entries, lambda entry: entry[COUNT] > 0), lambda entry: entry[VALUE])
        return let(F.array_sort(F.concat(known, came)), greatest_of_each)

    def at_risk(self, known: Column, entries: Column) -> Column:
        return F.exists(entries, lambda entry: (entry[COUNT] < 0) & F.array_contains(known, entry[VALUE]))

    def negative(self, known: Column) -> Column:
        return F.lit(False)

    def state(self, known: Column) -> Column:
        return known

    def known(self, state: Column) -> Column:
        return state


def greatest_of_each(packed: Column) -> Column:
    """The last of each register among sorted packed values, which is its greatest."""
    return F.filter(packed, lambda value, at: ~_register(F.get(packed, at + 1)).eqNullSafe(_register(value)))


def _register(packed: Column) -> Column:
    return F.shiftright(packed, REGISTER_SIZE.bit_length() - 1)
