"""Rows that are reduced by key: each part of a key's row is advanced by what came and went."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import StructField

from lakemill.columns import column, one_zero
from lakemill.core import mapreduce
from lakemill.core.addition import OVERDRAWN, addition
from lakemill.core.keys import of_keys, same_key
from lakemill.core.local import Held
from lakemill.core.near import Near
from lakemill.core.reduction import Reduction
from lakemill.errors import CorruptFeed, row_text
from lakemill.kinds.expected import aggregated_rows, with_totals
from lakemill.kinds.kind import Kind, Work, Write
from lakemill.kinds.states import wrong_states
from lakemill.lake.layout import clustering
from lakemill.lake.merge import merge_additions, merge_difference, merge_keys
from lakemill.lake.tables import Table
from lakemill.observe.runs import Run
from lakemill.reducers import Collected, Latest, Part, Reducer, Total
from lakemill.reducers.part import ON_REMOVAL
from lakemill.trials.laws import check_laws, strangers


@dataclass(frozen=True)
class Reduced(Kind):
    """The target has one row a key: the key, what the reducers present, and the state that they keep."""

    reduction: Reduction

    @property
    def removal(self) -> str:
        if all(part.kind == "group" for part in self.reduction.collected.values()):
            return "subtracts it; the source is not read again"
        return "subtracts it where the kept state tells the result, else recomputes those keys from the source"

    @property
    def has_own(self) -> bool:
        return bool(strangers(self.job))

    @property
    def reducers(self) -> Mapping[str, Reducer | Latest]:
        """What reduces, by what it is called."""
        return self.job.reducers

    def read(self, mapped: Iterable[StructField]) -> list[StructField]:
        names = {*self.reduction.key, *(name for reducer in self.job.reducers.values() for name in reducer.columns)}
        return [field for field in mapped if field.name in names]

    def words(self) -> Mapping[str, str]:
        types = self.reduction.types
        return {name: f"{reducer}: {self._class(reducer.prepare(types))}" for name, reducer in self.reducers.items()}

    def try_on(self, mapped: DataFrame) -> None:
        check_laws(self.job, mapped)

    def rows(self, mapped: DataFrame) -> DataFrame:
        return mapreduce.target_rows(mapreduce.totals(mapped, self.reduction), self.reduction)

    def expected(self, mapped: DataFrame) -> DataFrame:
        return aggregated_rows(mapped, self.reduction)

    def comparable(self, stored: DataFrame) -> DataFrame:
        return with_totals(stored, self.reduction)

    def wrong_states(self, stored: DataFrame, mapped: DataFrame) -> DataFrame | None:
        return wrong_states(stored, mapped, self.reduction)

    def reduced(self, change: DataFrame) -> DataFrame:
        return mapreduce.delta(change, self.reduction)

    def difference(self, target: Table, stored: DataFrame, rows: DataFrame, held: Held) -> Write | None:
        if not target.has_one_row_a(self.reduction.key):
            return None
        return lambda target: merge_difference(target, rows, self._order(rows))

    def update(self, work: Work) -> Write:
        with work.stage("change"):
            deltas, held = work.touched(self.reduced(work.change))
        with work.stage("touched"):
            place = work.near(deltas, held.small, sources=bool(self.reduction.collected))
            if not self.reduction.collected:
                return self._added(work, deltas, place)
            stored = work.stored().alias("t").where(place.of("t"))
            old = of_keys(stored, deltas, self.reduction.key, held.small)
            advanced, _ = held.hold(mapreduce.advance(deltas, old, self.reduction, held.small))
            self._refuse_negative(advanced)
        with work.stage("recompute"):
            parts = self._recomputed(work, advanced, place, held)
        rows = mapreduce.target_rows(parts, self.reduction, with_gone=True)
        if held.small:  # else each clause of the MERGE would hold every column's whole expression
            rows, _ = held.hold(rows)
        return lambda target: merge_keys(target, rows, self._order(rows), place.of("t"))

    def restate(self, mapped: DataFrame, old: DataFrame, where: Column, held: Held, run: Run) -> Write:
        now = self.rows(_one_zero(mapped, self.reduction.key).where(where))
        met = same_key(self.reduction.key, "t", "s")
        gone = old.alias("t").join(now.alias("s"), met, "left_anti").withColumn(mapreduce.GONE, F.lit(True))
        whole = now.withColumn(mapreduce.GONE, F.lit(False)).unionByName(gone)
        rows, run.keys_recomputed = held.hold(whole)
        return lambda target: merge_keys(target, rows, self._order(rows))

    def _order(self, rows: DataFrame) -> tuple[str, ...]:
        """The key's columns, in the order in which the table's rows are laid out."""
        return clustering(self.reduction.key, rows.schema, self.job.cluster)

    def _added(self, work: Work, deltas: DataFrame, place: Near) -> Write:
        """Of totals alone, the write is all: nothing of the target is read before."""
        work.run.keys_recomputed = 0
        key, rows = self.reduction.key, addition(self.reduction, "t", "s")

        def write(target: Table) -> None:
            try:
                merge_additions(target, deltas, self._order(deltas), rows, place.of("t"))
            except (PySparkException, Py4JJavaError) as error:
                if OVERDRAWN in str(error):  # then it is worth to look which key it was
                    stored = of_keys(work.stored().alias("t").where(place.of("t")), deltas, key, few=False)
                    self._refuse_negative(mapreduce.advance(deltas, stored, self.reduction))
                raise

        return write

    def _recomputed(self, work: Work, advanced: DataFrame, place: Near, held: Held) -> DataFrame:
        """The touched keys' parts; those that a removal left unknown are recomputed from the sources as they are."""
        work.run.keys_recomputed = 0
        if not self.reduction.collected:
            return advanced.drop(mapreduce.AT_RISK)
        risky, work.run.keys_recomputed = held.hold(advanced.where(mapreduce.AT_RISK))
        if not work.run.keys_recomputed:
            return advanced.drop(mapreduce.AT_RISK)
        parts = mapreduce.totals(work.mapped_now(risky, place, held.small), self.reduction, complete=True)
        return mapreduce.settle(advanced, held.hold(parts)[0], self.reduction)

    def _refuse_negative(self, advanced: DataFrame) -> None:
        """A key of less than no rows, or of a value less than none, is a damaged feed; it is never clamped."""
        overdrawn = mapreduce.overdrawn(advanced, self.reduction).limit(1).collect()
        if overdrawn:
            key, target = row_text({name: overdrawn[0][name] for name in self.reduction.key}), self.job.target
            raise CorruptFeed(
                f"{target}: the change feed of {', '.join(self.job.sources)} takes away rows of {key} that were "
                f"not there ({mapreduce.lack(overdrawn[0], self.reduction)}). Nothing was written. Look at the source; "
                f"`lakemill run {target} --policy rebuild` makes the table anew from it."
            )

    def _class(self, parts: Mapping[str, Part]) -> str:
        """The class of a reducer, which is that of its weakest part, what it keeps, and what a removal does."""
        kind = max((part.kind for part in parts.values()), key=list(ON_REMOVAL).index)
        kept = [part for name, part in parts.items() if name in self.reduction.kept]
        fixed = sum(part.bytes for part in kept if isinstance(part, Total))
        sizes = [f"{fixed} bytes"] if fixed else []
        sizes += [part.size for part in kept if isinstance(part, Collected)]
        state = " and ".join(sizes) or "nothing besides the column"
        return f"{kind}; keeps {state} a key; a removal {ON_REMOVAL[kind]}"


def _one_zero(mapped: DataFrame, key: Sequence[str]) -> DataFrame:
    """The mapped rows with the keys that the table has, so that a condition means the same rows in both."""
    return mapped.withColumns({name: one_zero(column(name), mapped.schema[name].dataType) for name in key})
