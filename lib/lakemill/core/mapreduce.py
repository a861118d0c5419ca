"""map -> combine -> shuffle -> reduce, over whole tables and over changes alike: DataFrames in, DataFrames out.

A change is a row with a weight. The map runs on the added and on the removed rows separately and the weight is
attached afterwards, so that a map can neither see nor spoil it. A rebuild is the same with nothing removed.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Row, functions as F

from lakemill.columns import any_not_zero, column, quoted
from lakemill.core.collect import Collecting, distinct_of, entries_of
from lakemill.core.keys import by_key, same_key
from lakemill.core.reduction import OWN_STATE, STATE, Reduction
from lakemill.core.weights import WEIGHT, weigh
from lakemill.reducers import Collected, Part, Total
from lakemill.reducers.count import ROWS

SUMS, ENTRIES, WAS = "_sums", "_entries", "_was"
FOUND, AT_RISK, GONE = "_found", "_at_risk", "_gone"


def totals(mapped: DataFrame, reduction: Reduction, complete: bool = False) -> DataFrame:
    """One row a key: the key, and each part as it is known from all rows of the key.

    complete: also what a rebuild does without, such as the values behind an extreme. A key that is computed anew
    because a removal left it unknown gets these, so that the next removal finds them.
    """
    best = {
        name: part.best(part.value)
        for name, part in reduction.collected.items()
        if not (complete and part.keeps_entries)
    }
    enough = {name: reduction.collected[name].behind(value) for name, value in best.items() if value is not None}
    if len(enough) == len(reduction.collected):
        sums = {name: part.typed(F.sum(part.value)) for name, part in reduction.totals.items()}
        return by_key(mapped, reduction.key).agg(*_parts({**sums, **enough}, reduction))
    parts = {name: part for name, part in reduction.collected.items() if name not in enough}
    lists = Collecting(reduction, parts, list(enough), limited=True).collect(weigh(mapped, None))
    known = {name: part.of(column(entries_of(name)), column(distinct_of(name))) for name, part in parts.items()}
    whole = {name: column(name) for name in (*reduction.totals, *enough)}
    return lists.select(*_key(reduction), *_parts({**whole, **known}, reduction))


def target_rows(parts: DataFrame, reduction: Reduction, with_gone: bool = False) -> DataFrame:
    """The target's rows, `_state` last, from one row of known parts a key.

    with_gone: also the keys that have no rows any more, marked `_gone`, with nothing but their key. They are apart, as
    what a reducer presents of no rows is not defined: it may divide by their number.
    """
    shown = reduction.present({name: column(name) for name in reduction.parts})
    names = [*reduction.columns, *(name for name in shown if name not in reduction.columns)]
    there = parts.where(column(ROWS) != 0) if with_gone else parts
    rows = there.select(*[_shown(shown.get(name, column(name)), name) for name in names])
    if not with_gone:
        return rows
    gone = [
        (column(field.name) if field.name in reduction.key else F.lit(None).cast(field.dataType)).alias(field.name)
        for field in rows.schema.fields
    ]
    none = parts.where(column(ROWS) == 0).select(*gone, F.lit(True).alias(GONE))
    return rows.withColumn(GONE, F.lit(False)).unionAll(none)


def delta(change: DataFrame, reduction: Reduction) -> DataFrame:
    """One row a touched key: what to add to its totals, and which values came and went.

    The columns are the key, `_sums` (a struct of totals) and, where the job collects, `_entries` (a struct of arrays).
    What came and went within the change is in neither, and keys on which it has no effect are left out.
    """
    if not reduction.collected:
        signed = {name: part.typed(F.sum(part.signed(F.col(WEIGHT)))) for name, part in reduction.totals.items()}
        deltas = by_key(change, reduction.key).agg(F.struct(*_parts(signed, reduction)).alias(SUMS))
        return deltas.where(_effect(reduction))
    lists = Collecting(reduction, reduction.collected).collect(change)
    sums = F.struct(*[column(name) for name in reduction.totals]).alias(SUMS)
    entries = F.struct(*[column(entries_of(name)).alias(name) for name in reduction.collected]).alias(ENTRIES)
    return lists.select(*_key(reduction), sums, entries).where(_effect(reduction))


def advance(deltas: DataFrame, old: DataFrame, reduction: Reduction, few: bool = False) -> DataFrame:
    """One row a touched key, as `totals` has it: its stored parts, with what came added and what went taken away.

    old: the target's rows of these keys.   few: they may come to the driver.   `_at_risk` marks the keys that still
    have rows and of which a part is not known from this: they are recomputed from the sources.
    """
    stored = old.withColumn(FOUND, F.lit(True))
    joined = deltas.alias("d").join(
        (F.broadcast(stored) if few else stored).alias("t"), same_key(reduction.key, "d", "t"), "left"
    )
    there, known = F.coalesce(F.col(f"t.{FOUND}"), F.lit(False)), reduction.stored("t")
    was = [F.when(there, known[name]).otherwise(_none(part)).alias(name) for name, part in reduction.parts.items()]
    met = joined.select(
        *[F.col(f"d.{quoted(name)}") for name in reduction.key],
        *[F.col(f"d.{name}") for name in (SUMS, ENTRIES) if name in deltas.columns],
        F.struct(*was).alias(WAS),
        there.alias(FOUND),
    )
    now = {name: part.two(_field(WAS, name), _came(name, part)) for name, part in reduction.parts.items()}
    risks = [part.at_risk(_field(WAS, name), _came(name, part)) for name, part in reduction.collected.items()]
    # A new key has no past that could be unknown, and one without rows is gone, whatever is not known of it.
    risk = F.col(FOUND) & (now[ROWS] > 0) & reduce(lambda some, more: some | more, risks, F.lit(False))
    return met.select(*_key(reduction), *_parts(now, reduction), F.coalesce(risk, F.lit(False)).alias(AT_RISK))


def overdrawn(advanced: DataFrame, reduction: Reduction) -> DataFrame:
    """The keys of which the change takes away more than there was: a damaged feed, or a target that others wrote."""
    below = lacking({name: column(name) for name in reduction.totals}, reduction)
    for name, part in reduction.collected.items():
        below |= ~F.col(AT_RISK) & part.negative(column(name))
    return advanced.where(below)


def lacking(parts: Mapping[str, Column], reduction: Reduction) -> Column:
    """Whether a total that counts rows is less than nothing."""
    counts = [parts[name] < 0 for name, total in reduction.totals.items() if total.counts]
    return reduce(lambda some, more: some | more, counts, F.lit(False))


def lack(row: Row, reduction: Reduction) -> str:
    """What an overdrawn row has less than nothing of, for people."""
    below = [f"{name} would be {row[name]}" for name, part in reduction.totals.items() if part.counts and row[name] < 0]
    return below[0] if below else "a value would be there less than 0 times"


def settle(advanced: DataFrame, recomputed: DataFrame, reduction: Reduction) -> DataFrame:
    """The advanced keys, with those at risk as they were recomputed; one that is not there any more has no rows."""
    sure = advanced.where(~F.col(AT_RISK)).drop(AT_RISK)
    keys = advanced.where(AT_RISK).select(*_key(reduction)).alias("k")
    joined = keys.join(recomputed.alias("p"), same_key(reduction.key, "k", "p"), "left")
    parts = {name: F.coalesce(F.col(f"p.{quoted(name)}"), _none(part)) for name, part in reduction.parts.items()}
    return sure.unionByName(
        joined.select(*[F.col(f"k.{quoted(name)}") for name in reduction.key], *_parts(parts, reduction))
    )


def _shown(value: Column, name: str) -> Column:
    """A column of the target; the state is marked, so that it is never taken for a user's column of its name."""
    return value.alias(name, metadata=OWN_STATE) if name == STATE else value.alias(name)


def _effect(reduction: Reduction) -> Column:
    """Whether a key's added and removed rows do more than cancel."""
    effect = any_not_zero([_field(SUMS, name) for name in reduction.totals])
    for name in reduction.collected:
        effect |= F.size(_field(ENTRIES, name)) > 0
    return effect


def _came(name: str, part: Part) -> Column:
    return _field(SUMS if isinstance(part, Total) else ENTRIES, name)


def _none(part: Part) -> Column:
    return part.none if isinstance(part, Collected) else part.zero


def _parts(values: dict[str, Column], reduction: Reduction) -> list[Column]:
    """Columns by the names and in the order of the reduction's parts."""
    return [values[name].alias(name) for name in reduction.parts if name in values]


def _key(reduction: Reduction) -> list[Column]:
    return [column(name) for name in reduction.key]


def _field(struct: str, name: str) -> Column:
    return F.col(f"{struct}.{quoted(name)}")
