"""map -> combine -> shuffle -> reduce, over whole tables and over changes alike: DataFrames in, DataFrames out.

A change is a row with a weight. The map runs on the added and on the removed rows separately and the weight is
attached afterwards, so that a map cannot see or spoil it; a rebuild is the same with nothing removed.
"""

from collections.abc import Iterable
from functools import reduce

from pyspark.sql import Column, DataFrame, GroupedData, functions as F

from lakemill.core.reduction import Reduction
from lakemill.reducers import Part
from lakemill.reducers.count import ROWS
from lakemill.reducers.reducer import column, quoted

WEIGHT = "_weight"
SUMS, ADDED, REMOVED = "_sums", "_added", "_removed"
FOUND, AT_RISK, GONE = "_found", "_at_risk", "_gone"


def weigh(added: DataFrame, removed: DataFrame | None) -> DataFrame:
    """Mapped rows with their weight: +1 for each added one, -1 for each removed one."""
    weighed = added.withColumn(WEIGHT, F.lit(1))
    return weighed if removed is None else weighed.unionAll(removed.withColumn(WEIGHT, F.lit(-1)))


def totals(mapped: DataFrame, reduction: Reduction) -> DataFrame:
    """One row a key: the key, and each part added up over all rows (weight +1 each)."""
    values = [_typed(part, part.plus.over(part.value)).alias(name) for name, part in reduction.parts.items()]
    return _by_key(mapped, reduction).agg(*values)


def target_rows(parts: DataFrame, reduction: Reduction, with_gone: bool = False) -> DataFrame:
    """The target's rows, `_state` last, from one row of added-up parts a key; `_gone` marks those without rows."""
    shown = reduction.present({name: column(name) for name in reduction.parts})
    names = [*reduction.columns, *(name for name in shown if name not in reduction.columns)]
    gone = [(column(ROWS) == 0).alias(GONE)] if with_gone else []
    return parts.select(*[(shown[name] if name in shown else column(name)).alias(name) for name in names], *gone)


def delta(change: DataFrame, reduction: Reduction) -> DataFrame:
    """One row a touched key: what to add to its sums, and the best of what came and of what went.

    Columns: the key, `_sums`, and where the job has extremes `_added` and `_removed` (structs of parts). Equal values
    are netted first, so that a row that came and went within the change is neither. Keys without effect are left out.
    """
    signed = {name: F.sum(_signed(part)) for name, part in reduction.sums.items()}
    if not reduction.extremes:
        deltas = _by_key(change, reduction).agg(_struct(signed, reduction).alias(SUMS))
    else:
        deltas = _extremes(_net(change, reduction, signed), reduction)
    return deltas.where(_effect(deltas))


def of_keys(frame: DataFrame, keys: DataFrame, reduction: Reduction, few: bool) -> DataFrame:
    """The rows of these keys alone; few keys go to where the rows are."""
    named = keys.select(*[column(name) for name in reduction.key])
    sought = (F.broadcast(named) if few else named).alias("k")
    return frame.alias("f").join(sought, same_key(reduction.key, "f", "k"), "left_semi")


def advance(deltas: DataFrame, old: DataFrame, reduction: Reduction) -> DataFrame:
    """One row a touched key, as `totals` has it: its stored parts, with what came added and what went taken away.

    `old`: the target's rows of these keys. `_at_risk` marks the keys that still have rows and whose extreme a removal
    may have taken: their parts are not known from this.
    """
    stored = old.withColumn(FOUND, F.lit(True)).alias("t")
    joined = deltas.alias("d").join(stored, same_key(reduction.key, "d", "t"), "left")
    was = {name: F.when(F.col(f"t.{FOUND}"), part) for name, part in reduction.stored("t").items()}
    now = {
        name: _typed(part, part.two(_known(part, was[name]), _came(name, part)))
        for name, part in reduction.parts.items()
    }
    parts = [now[name].alias(name) for name in reduction.parts]
    risk = F.coalesce(F.col(f"t.{FOUND}") & (now[ROWS] > 0) & _risk(was, reduction), F.lit(False))
    return joined.select(*[F.col(f"d.{quoted(name)}") for name in reduction.key], *parts, risk.alias(AT_RISK))


def settle(advanced: DataFrame, recomputed: DataFrame, reduction: Reduction) -> DataFrame:
    """The advanced keys, with those at risk as they were recomputed; one that is not there any more has no rows."""
    sure = advanced.where(~F.col(AT_RISK)).drop(AT_RISK)
    keys = advanced.where(AT_RISK).select(*[column(name) for name in reduction.key]).alias("k")
    joined = keys.join(recomputed.alias("p"), same_key(reduction.key, "k", "p"), "left")
    parts = [_typed(part, F.col(f"p.{quoted(name)}")).alias(name) for name, part in reduction.parts.items()]
    return sure.unionByName(joined.select(*[F.col(f"k.{quoted(name)}") for name in reduction.key], *parts))


def _came(name: str, part: Part) -> Column:
    return F.col(f"d.{SUMS if part.plus.can_take_away else ADDED}.{quoted(name)}")


def _known(part: Part, stored: Column) -> Column:
    return F.coalesce(stored, F.lit(0).cast(part.type)) if part.plus.can_take_away else stored


def _risk(was: dict[str, Column], reduction: Reduction) -> Column:
    risks = [
        part.plus.may_lose(was[name], _came(name, part), F.col(f"d.{REMOVED}.{quoted(name)}"))
        for name, part in reduction.extremes.items()
    ]
    return reduce(lambda one, other: one | other, risks, F.lit(False))


def same_key(key: Iterable[str], left: str, right: str) -> Column:
    """Whether two rows meet: NULL meets NULL. An empty key is one key."""
    pairs = [F.col(f"{left}.{quoted(name)}").eqNullSafe(F.col(f"{right}.{quoted(name)}")) for name in key]
    return reduce(lambda one, other: one & other, pairs, F.lit(True))


def _net(change: DataFrame, reduction: Reduction, signed: dict[str, Column]) -> DataFrame:
    """Sums and weight of each (key, value of every extreme part)."""
    values = [part.value.alias(_value(name)) for name, part in reduction.extremes.items()]
    keys = [column(name) for name in reduction.key]
    sums = [_typed(reduction.parts[name], value).alias(name) for name, value in signed.items()]
    net = change.groupBy(*keys, *values).agg(*sums, F.sum(WEIGHT).alias(WEIGHT))
    return net.where(_any_not_zero([column(WEIGHT), *[column(name) for name in signed]]))


def _extremes(net: DataFrame, reduction: Reduction) -> DataFrame:
    def best(sign: Column) -> Column:
        values = {name: part.plus.over(F.when(sign, column(_value(name)))) for name, part in reduction.extremes.items()}
        return _struct(values, reduction)

    sums = _struct({name: F.sum(column(name)) for name in reduction.sums}, reduction)
    weight = F.col(WEIGHT)
    return _by_key(net, reduction).agg(sums.alias(SUMS), best(weight > 0).alias(ADDED), best(weight < 0).alias(REMOVED))


def _struct(values: dict[str, Column], reduction: Reduction) -> Column:
    return F.struct(*[_typed(reduction.parts[name], value).alias(name) for name, value in values.items()])


def _effect(deltas: DataFrame) -> Column:
    """Whether a key's added and removed rows do more than cancel."""
    effects = [F.col(f"{SUMS}.{quoted(name)}") != 0 for name in _fields(deltas, SUMS)]
    for struct in (ADDED, REMOVED):
        if struct in deltas.columns:
            effects += [F.col(f"{struct}.{quoted(name)}").isNotNull() for name in _fields(deltas, struct)]
    return reduce(lambda one, other: one | other, effects)


def _fields(frame: DataFrame, struct: str) -> list[str]:
    return [field.name for field in frame.schema[struct].dataType.fields]  # type: ignore[attr-defined]


def _any_not_zero(values: list[Column]) -> Column:
    return reduce(lambda one, other: one | other, [value != 0 for value in values])


def _signed(part: Part) -> Column:
    """The part, or its opposite for a removed row; never a product, which would cost decimals their scale."""
    return F.when(F.col(WEIGHT) > 0, part.value).otherwise(-part.value)


def _typed(part: Part, added_up: Column) -> Column:
    """In the type that the part is kept in; a sum of no values is 0."""
    if part.plus.can_take_away:
        return F.coalesce(added_up.cast(part.type), F.lit(0).cast(part.type))
    return added_up.cast(part.type)


def _by_key(frame: DataFrame, reduction: Reduction) -> GroupedData:
    """Grouped by the key; an empty key is one group, and none where there are no rows."""
    return frame.groupBy(*([column(name) for name in reduction.key] or [F.lit(True).alias("_all")]))


def _value(part: str) -> str:
    return f"_value_{part}"
