"""Bag: a key's distinct values with their counts, sorted, up to a bound; past it the first of them and a floor.

State: struct<kept: array<struct<value, count: bigint, ...>>, floor>. `kept` holds, first to last, every value before
`floor` with its exact count; a floor that is not NULL is the first value of which only its presence is known. So NULL
is "complete". While a run works on a key there is also `distinct`, how many distinct values it has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lakemill.columns import let, null, text
from lakemill.reducers.part import COUNT, VALUE, Collected

KEPT, FLOOR, DISTINCT = "kept", "floor", "distinct"
BOUND = 256
"""Values that a key keeps at most."""
BYTES = 16 * 1024
"""Bytes that the kept values of a key have at most, each with the 8 of its count."""
ALL = -1
"""How many of the first rows are needed: all of them."""
WIDTHS: Mapping[type[DataType], int] = {
    BooleanType: 1, ByteType: 1, ShortType: 2, IntegerType: 4, LongType: 8, FloatType: 4, DoubleType: 8, DateType: 4,
    TimestampType: 8, TimestampNTZType: 8, DecimalType: 16,
}  # fmt: skip


def _no_sums(value: Column) -> Mapping[str, Column]:
    return {}


@dataclass(frozen=True)
class Bag(Collected):
    """A bag of values.

    needs: how many of the first rows decide what is presented; ALL, or 0 where the number of distinct values does.
    bound: how many values are kept at most; None where the kind of value bounds it (few digits, buckets), so that it
    is never incomplete.   descending: the greatest value first.   more: further bigints summed for each value.

    needs all (or the number): any change of an incomplete key recomputes it, one of other columns, too, since what it
    presents is not known.   needs some: a change behind the floor changes nothing, and only a removal that leaves too
    few known rows recomputes.
    """

    value: Column
    type: DataType
    needs: int = ALL
    bound: int | None = BOUND
    descending: bool = False
    more: Callable[[Column], Mapping[str, Column]] = field(default=_no_sums)

    @property
    def kind(self) -> str:
        if self.bound is None:
            return "group"
        if self.bound == 0:
            return "opaque" if self.needs == ALL else "monoid"
        return "counted" if self.needs <= 0 else "counted, then buffered"

    @property
    def size(self) -> str:
        if not self.bound:
            return "16 bytes and more for each distinct value" if self.bound is None else "nothing"
        return f"at most {self.bound} values and {BYTES // 1024} KiB"

    @property
    def definition(self) -> str:
        said = f"bag {self.needs} {self.bound} {self.descending} {self.type.simpleString()} of {text(self.value)}"
        return said + "".join(f"; {name} {text(sum)}" for name, sum in self.more(F.col(VALUE)).items())

    @property
    def limit(self) -> int | None:
        return None if self.bound is None or self.needs == ALL else max(self.bound, self.needs) + 1

    @property
    def keeps_state(self) -> bool:
        return self.kind != "opaque"

    @property
    def keeps_entries(self) -> bool:
        return self.bound != 0

    @property
    def kept_type(self) -> ArrayType:
        """The type of its entries."""
        sums = [StructField(name, LongType()) for name in self.more(null(self.type))]
        return ArrayType(StructType([StructField(VALUE, self.type), StructField(COUNT, LongType()), *sums]))

    @property
    def none(self) -> Column:
        return self._known(self._nothing, null(self.type), F.lit(0))

    def sums(self, value: Column) -> Mapping[str, Column]:
        return self.more(value)

    def best(self, value: Column) -> Column | None:
        """An extreme is enough where one row is needed, and cheaper; what is behind it is kept once it matters."""
        if self.needs != 1:
            return None
        return (F.max(value) if self.descending else F.min(value)).cast(self.type)

    def behind(self, best: Column) -> Column:
        return self._known(self._nothing, best, F.lit(0))

    def of(self, entries: Column, distinct: Column) -> Column:
        return self._known(entries, null(self.type), distinct)

    def two(self, known: Column, entries: Column) -> Column:
        floor = known[FLOOR]
        came = entries if self.needs <= 0 else F.filter(entries, lambda e: floor.isNull() | self._before(e, floor))
        merged = F.sort_array(F.concat(known[KEPT], came), asc=not self.descending)
        return let(let(merged, self._netted), lambda kept: self._known(kept, floor, F.size(kept)))

    def at_risk(self, known: Column, entries: Column) -> Column:
        floor = known[FLOOR]
        if not self.keeps_state:  # nothing is known, also where other columns changed
            return F.lit(True)
        if self.needs <= 0:  # so little is known that not even what was presented is
            return floor.isNotNull()
        taken = F.exists(entries, lambda e: e[VALUE].eqNullSafe(floor) & (e[COUNT] < 0))
        if self.needs > 1:  # the floor itself is one row more
            taken |= _rows(self.two(known, entries)[KEPT]) + 1 < self.needs
        return floor.isNotNull() & taken

    def negative(self, known: Column) -> Column:
        if not self.keeps_state:
            return F.lit(False)
        below = F.exists(known[KEPT], lambda e: e[COUNT] < 0)
        return below if self.needs > 0 else known[FLOOR].isNull() & below

    def state(self, known: Column) -> Column:
        return let(F.struct(known.alias("of"), self._fitting(known[KEPT]).alias("fit")), self._state)

    def known(self, state: Column) -> Column:
        return self._known(state[KEPT], state[FLOOR], F.size(state[KEPT]))

    def extreme(self, known: Column) -> Column:
        """The first value of a bag that needs only that; NULL where there is none."""
        return F.coalesce(F.get(known[KEPT], F.lit(0))[VALUE], known[FLOOR])

    def rows(self, known: Column) -> Column:
        """The first `needs` rows, each value as often as it is there."""
        each = F.transform(
            known[KEPT], lambda e: F.array_repeat(e[VALUE], F.least(e[COUNT], F.lit(self.needs)).cast("int"))
        )
        floor = F.when(known[FLOOR].isNull(), F.array().cast(ArrayType(self.type))).otherwise(F.array(known[FLOOR]))
        return F.slice(F.concat(F.flatten(each), floor), 1, self.needs)

    def _state(self, given: Column) -> Column:
        kept, floor, fit = given["of"][KEPT], given["of"][FLOOR], given["fit"]
        whole = fit >= F.size(kept)
        # Where all values are needed, some of them are of no use; the first then says that there are others.
        rest = F.get(kept, F.lit(0) if self.needs <= 0 else fit)[VALUE]
        floor = F.when(whole, floor).otherwise(rest).cast(self.type)
        kept = F.when(whole, kept).otherwise(self._nothing if self.needs <= 0 else F.slice(kept, F.lit(1), fit))
        return F.struct(kept.cast(self.kept_type).alias(KEPT), floor.alias(FLOOR))

    def _fitting(self, kept: Column) -> Column:
        """How many of the first entries are kept."""
        if self.bound is None:
            return F.size(kept)
        width = _width(self.type)
        if width is not None:
            fit = F.least(F.size(kept), F.lit(min(self.bound, BYTES // (width + 8))))
        else:
            fit = F.least(_fit(kept), F.lit(self.bound))
        return F.least(F.size(kept), F.greatest(fit, F.lit(self.needs - 1)))

    def _netted(self, both: Column) -> Column:
        """Sorted entries in which a value may come twice, as entries: counts added, what went left out."""
        names = [entry.name for entry in self.kept_type.elementType.fields[1:]]  # type: ignore[attr-defined]

        def added(entry: Column, index: Column) -> Column:
            before, after = F.get(both, index - 1)[VALUE], F.get(both, index + 1)
            twice = after[VALUE].eqNullSafe(entry[VALUE])
            sums = [(entry[name] + F.when(twice, after[name]).otherwise(F.lit(0))).alias(name) for name in names]
            return F.when(~before.eqNullSafe(entry[VALUE]), F.struct(entry[VALUE].alias(VALUE), *sums))

        return F.filter(F.transform(both, added), lambda e: e.isNotNull() & any_not_zero(e, names))

    def _before(self, entry: Column, floor: Column) -> Column:
        return entry[VALUE] > floor if self.descending else entry[VALUE] < floor

    @property
    def _nothing(self) -> Column:
        return F.array().cast(self.kept_type)

    def _known(self, kept: Column, floor: Column, distinct: Column) -> Column:
        return F.struct(kept.alias(KEPT), floor.alias(FLOOR), distinct.cast("bigint").alias(DISTINCT))


def any_not_zero(entry: Column, names: list[str]) -> Column:
    """Whether any of these fields is not 0."""
    found = entry[names[0]] != 0
    for name in names[1:]:
        found = found | (entry[name] != 0)
    return found


def _rows(entries: Column) -> Column:
    return F.aggregate(entries, F.lit(0).cast("bigint"), lambda total, entry: total + entry[COUNT])


def _width(kind: DataType) -> int | None:
    """The bytes of a value of this type; None where they depend on the value."""
    if isinstance(kind, StructType):
        each = [_width(part.dataType) for part in kind.fields]
        return None if None in each else sum(width or 0 for width in each)
    return WIDTHS.get(type(kind))


def _fit(kept: Column) -> Column:
    """How many of the first entries fit into the bytes, by the length of their values as texts."""

    def more(fitted: Column, entry: Column) -> Column:
        size = fitted["bytes"] + F.coalesce(F.octet_length(entry[VALUE].cast("string")), F.lit(0)) + 8
        return F.struct((fitted["fit"] + (size <= BYTES).cast("int")).alias("fit"), size.alias("bytes"))

    return F.aggregate(kept, F.struct(F.lit(0).alias("fit"), F.lit(0).alias("bytes")), more, lambda f: f["fit"])
