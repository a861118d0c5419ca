"""About how many distinct values a key has, in a state of a few kilobytes.

HyperLogLog: P. Flajolet, E. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal cardinality
estimation algorithm", AofA 2007, with a 64-bit hash and, for small counts, linear counting.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType

from lakemill.columns import let, sortable
from lakemill.reducers.reducer import Reducer
from lakemill.reducers.registers import REGISTER_SIZE, Registers

INDEX_BITS = 11
REGISTERS = 2**INDEX_BITS
REST_BITS = 64 - INDEX_BITS
ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)


def packed(value: Column) -> Column:
    """The register (the hash's first bits) and 1 + the zeros that the rest starts with, as one int; NULL for NULL."""
    hashed = F.xxhash64(value)
    rest = hashed.bitwiseAND((1 << REST_BITS) - 1)
    zeros = F.when(rest == 0, REST_BITS).otherwise(F.lit(REST_BITS) - F.length(F.bin(rest)))
    register = F.shiftrightunsigned(hashed, REST_BITS).cast("int")
    return F.when(value.isNotNull(), register * REGISTER_SIZE + zeros.cast("int") + 1)


def estimate(registers: Column) -> Column:
    """The number of distinct values (bigint) that fills registers like this."""
    # Powers of two add up exactly, but for the last bits of very large counts; the registers are sorted.
    powers = F.aggregate(registers, F.lit(0.0), lambda total, value: total + F.pow(F.lit(0.5), value % REGISTER_SIZE))

    def of(given: Column) -> Column:
        empty = (F.lit(REGISTERS) - F.size(registers)).cast("double")
        raw = F.lit(ALPHA * REGISTERS * REGISTERS) / (given + empty)
        small = F.lit(float(REGISTERS)) * F.ln(F.lit(float(REGISTERS)) / F.greatest(empty, F.lit(1.0)))
        return F.round(F.when((raw <= 2.5 * REGISTERS) & (empty > 0), small).otherwise(raw)).cast("bigint")

    return let(powers, of)


@dataclass(frozen=True)
class ApproxCountDistinct(Reducer):
    """About how many distinct values a column has (bigint), with a standard error of 2.3 %; NULLs do not count.

    The same rows give the same estimate, bit for bit, rebuilt or updated, in any order. A removal of a value that
    decides a register recomputes the key; for exact numbers use CountDistinct.
    """

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def prepare(self, types: Mapping[str, DataType]) -> dict[str, Registers]:
        return {f"registers_{self.column}": Registers(packed(sortable(self.column, types)))}

    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        return let(parts[f"registers_{self.column}"], estimate)

    def plain(self, types: Mapping[str, DataType]) -> Column:
        values = F.array_sort(F.collect_set(packed(sortable(self.column, types))))

        def of_registers(values: Column) -> Column:
            greatest = F.transform(
                F.sequence(F.lit(0), F.lit(REGISTERS - 1)),
                lambda register: F.array_max(
                    F.filter(values, lambda value: F.floor(value / REGISTER_SIZE) == register)
                ),
            )
            return let(F.array_compact(greatest), estimate)

        return let(values, of_registers)


ERROR = 1.04 / math.sqrt(REGISTERS)
"""The standard error of the estimate."""
