"""Bag: the distinct values of a key with their counts, sorted, as far as they fit; and a floor where they do not.

State: struct<kept: array<struct<value, count: bigint, ...>>, floor>. `kept` has the first values, each with its exact
count. A floor that is not NULL is the first value of which only the presence is known; every value before it is in
`kept`. A floor of NULL says that nothing is missing. While a run works on a key there is also `distinct`, the number of
its distinct values.

The floor is what keeps a bounded bag honest. A key may have millions of values, so only the first are kept. When these
are taken away one by one, a bag without a floor would pass off the next value that comes as the first, although a
better one that never fitted may lie in the source. With a floor it is known how far `kept` can be believed: what comes
behind the floor changes nothing, and a key whose floor itself is asked for is recomputed from the source.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, functions as F
from pyspark.sql.types import ArrayType, DataType, LongType, StructField, StructType

from lakemill.columns import any_not_zero, column_text, let, null, width
from lakemill.reducers.part import COUNT, VALUE, Collected

KEPT, FLOOR, DISTINCT = "kept", "floor", "distinct"
BOUND = 256
"""Values that a key keeps at most."""
BYTES = 16 * 1024
"""Bytes that the kept values of a key have at most, each with the 8 of its count."""
ALL_ROWS = -1
"""How many of the first rows are needed: all of them."""


def _no_sums(value: Column) -> Mapping[str, Column]:
    return {}


@dataclass(frozen=True)
class Bag(Collected):
    """A bag of values.

    needs: how many of the first rows decide what is presented; ALL_ROWS, or 0 where the number of distinct values does.
    bound: how many values are kept at most; None where the kind of value bounds it (few digits, buckets), so that the
    bag is never incomplete.   descending: whether the greatest value comes first.   more: further bigints that are
    summed for each value.

    A bag that needs all rows, or their number, can't present anything of an incomplete key: every change recomputes
    it, also one that touches only other columns. One that needs some rows is recomputed only where a removal leaves too
    few of them known.
    """

    value: Column
    type: DataType
    needs: int = ALL_ROWS
    bound: int | None = BOUND
    descending: bool = False
    more: Callable[[Column], Mapping[str, Column]] = field(default=_no_sums)

    @property
    def kind(self) -> str:
        if self.bound is None:
            return "group"
        if self.bound == 0:
            return "opaque" if self.needs == ALL_ROWS else "monoid"
        return "counted" if self.needs <= 0 else "counted, then buffered"

    @property
    def size(self) -> str:
        if not self.bound:
            return "16 bytes and more for each distinct value" if self.bound is None else "nothing"
        return f"at most {self.bound} values and {BYTES // 1024} KiB"

    @property
    def definition(self) -> str:
        kind = f"bag {self.needs} {self.bound} {self.descending} {self.type.simpleString()}"
        sums = [f"; {name} {column_text(sum)}" for name, sum in self.more(F.col(VALUE)).items()]
        return f"{kind} of {column_text(self.value)}{''.join(sums)}"

    @property
    def limit(self) -> int | None:
        return None if self.bound is None or self.needs == ALL_ROWS else max(self.bound, self.needs) + 1

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
        """The extreme value where one row is needed; it is cheaper, and enough until a removal takes it away."""
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
        if not self.keeps_state:  # Nothing was kept, so nothing is known, also where only other columns changed.
            return F.lit(True)
        if self.needs <= 0:  # An incomplete bag of this kind does not even know what it presented.
            return floor.isNotNull()
        taken = F.exists(entries, lambda e: e[VALUE].eqNullSafe(floor) & (e[COUNT] < 0))
        if self.needs > 1:  # The floor itself is known to be there, once at least: one row more.
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
        repeated = F.transform(
            known[KEPT], lambda e: F.array_repeat(e[VALUE], F.least(e[COUNT], F.lit(self.needs)).cast("int"))
        )
        floor = F.when(known[FLOOR].isNull(), F.array().cast(ArrayType(self.type))).otherwise(F.array(known[FLOOR]))
        return F.slice(F.concat(F.flatten(repeated), floor), 1, self.needs)

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
        bytes_each = width(self.type)
        if bytes_each is not None:
            fit = F.least(F.size(kept), F.lit(min(self.bound, BYTES // (bytes_each + 8))))
        else:
            fit = F.least(_fit(kept), F.lit(self.bound))
        return F.least(F.size(kept), F.greatest(fit, F.lit(self.needs - 1)))

    def _netted(self, both: Column) -> Column:
        """Sorted entries of which two may have the same value, with the counts of such added, and none that are gone.

        Stored entries and those of a change each have a value once, so at most two neighbours are equal.
        """
        names = [entry.name for entry in self.kept_type.elementType.fields[1:]]  # type: ignore[attr-defined]

        def added(entry: Column, index: Column) -> Column:
            before, after = F.get(both, index - 1)[VALUE], F.get(both, index + 1)
            twice = after[VALUE].eqNullSafe(entry[VALUE])
            sums = [(entry[name] + F.when(twice, after[name]).otherwise(F.lit(0))).alias(name) for name in names]
            return F.when(~before.eqNullSafe(entry[VALUE]), F.struct(entry[VALUE].alias(VALUE), *sums))

        return F.filter(F.transform(both, added), lambda e: e.isNotNull() & any_not_zero([e[name] for name in names]))

    def _before(self, entry: Column, floor: Column) -> Column:
        return entry[VALUE] > floor if self.descending else entry[VALUE] < floor

    @property
    def _nothing(self) -> Column:
        return F.array().cast(self.kept_type)

    def _known(self, kept: Column, floor: Column, distinct: Column) -> Column:
        return F.struct(kept.alias(KEPT), floor.alias(FLOOR), distinct.cast("bigint").alias(DISTINCT))


def _rows(entries: Column) -> Column:
    return F.aggregate(entries, F.lit(0).cast("bigint"), lambda total, entry: total + entry[COUNT])


def _fit(kept: Column) -> Column:
    """How many of the first entries fit into the bytes, by the length of their values as texts."""

    def more(fitted: Column, entry: Column) -> Column:
        size = fitted["bytes"] + F.coalesce(F.octet_length(entry[VALUE].cast("string")), F.lit(0)) + 8
        return F.struct((fitted["fit"] + (size <= BYTES).cast("int")).alias("fit"), size.alias("bytes"))

    return F.aggregate(kept, F.struct(F.lit(0).alias("fit"), F.lit(0).alias("bytes")), more, lambda f: f["fit"])
