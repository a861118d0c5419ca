"""Whether the state that a target keeps is what its source's rows say, so that the next update starts from truth.

How much of a bag is kept depends on the table's history, so a state is not compared with another one: what it claims
is looked up among the rows, by ordinary Spark aggregates.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame, functions as F

from lakemill.columns import column, quoted
from lakemill.core.keys import by_key, same_key
from lakemill.core.reduction import STATE, Reduction, state_field
from lakemill.reducers import Bag, Collected
from lakemill.reducers.bag import FLOOR, KEPT
from lakemill.reducers.fold import Folded
from lakemill.reducers.part import COUNT, VALUE
from lakemill.reducers.registers import REGISTER_SIZE, Registers

SAID, TRUE, HELD, AT_FLOOR = "_said", "_true", "_held", "_at_floor"
ROW_VALUE, ROW_COUNT = "_value", "_count"
"""The value of a row, and how many rows have it."""


def wrong_states(stored: DataFrame, mapped: DataFrame, made: Reduction) -> DataFrame | None:
    """The keys whose collected state is not what the rows say: the key, `_part`, `_said` and `_true` (texts).

    None where no such state is kept.   stored: the target with `_state`.   mapped: the mapped rows that it was made
    from.
    """
    parts = [name for name in made.kept if name in made.collected]
    damaged = [_damaged(stored, mapped, made, name, made.collected[name]) for name in parts]
    return reduce(DataFrame.unionAll, damaged) if damaged else None


def _damaged(stored: DataFrame, mapped: DataFrame, made: Reduction, name: str, part: Collected) -> DataFrame:
    keys = [column(key) for key in made.key]
    said = stored.select(*keys, F.col(f"{STATE}.{quoted(state_field(name))}").alias(SAID)).alias("t")
    value = part.value.cast(part.type)
    values = mapped.select("*", value.alias(ROW_VALUE)).where(column(ROW_VALUE).isNotNull())
    sums = [total.alias(_sum(of)) for of, total in part.sums(column(ROW_VALUE)).items()]
    given = values.select(*keys, column(ROW_VALUE), *sums).alias("v")
    met = given.join(said, same_key(made.key, "v", "t")).select("v.*", f"t.{SAID}")
    true = _true(met, made, part)
    both = said.join(true.alias("e"), same_key(made.key, "t", "e"), "left")
    shown = [F.col(f"t.{quoted(key)}") for key in made.key]
    texts = [F.col(f"t.{SAID}").cast("string").alias(SAID), F.col(f"e.{TRUE}").cast("string").alias(TRUE)]
    return both.where(~_right(part)).select(*shown, F.lit(name).alias("_part"), *texts)


def _right(part: Collected) -> Column:
    """Whether what is said (t) is true (e); a key of which no row has a value has no true state."""
    said, true = F.col(f"t.{SAID}"), F.col(f"e.{TRUE}")
    if not isinstance(part, Bag):
        return said.eqNullSafe(F.coalesce(true, part.state(part.none)))
    kept = said[KEPT].eqNullSafe(F.coalesce(true, F.array().cast(part.kept_type)))
    return kept & (said[FLOOR].isNull() | F.coalesce(F.col(f"e.{HELD}"), F.lit(False)))


def _true(met: DataFrame, made: Reduction, part: Collected) -> DataFrame:
    if isinstance(part, Bag):
        return _true_bag(met, made, part)
    if isinstance(part, Registers):
        return _true_registers(met, made)
    assert isinstance(part, Folded)
    rows = F.sort_array(F.collect_list(column(ROW_VALUE)))
    return by_key(met, made.key).agg(rows.alias("_rows")).withColumn(TRUE, part.all_at_once(F.col("_rows")))


def _true_bag(met: DataFrame, made: Reduction, bag: Bag) -> DataFrame:
    """What is before the floor, counted, and whether the floor is there."""
    value, floor = column(ROW_VALUE), F.col(f"{SAID}.{FLOOR}")
    before = value > floor if bag.descending else value < floor
    near = met.where(floor.isNull() | before | (value == floor))
    sums = list(bag.sums(F.lit(None).cast(bag.type)))
    aggregates = [F.count(F.lit(1)).alias(ROW_COUNT), *[F.sum(_sum(of)).alias(_sum(of)) for of in sums]]
    keys = [column(key) for key in made.key]
    counted = near.groupBy(*keys, value, (value == floor).alias(AT_FLOOR)).agg(*aggregates)
    entry = F.struct(value.alias(VALUE), F.col(ROW_COUNT).alias(COUNT), *[F.col(_sum(of)).alias(of) for of in sums])
    entries = F.sort_array(F.collect_list(F.when(~F.coalesce(AT_FLOOR, F.lit(False)), entry)), asc=not bag.descending)
    held = F.coalesce(F.bool_or(AT_FLOOR), F.lit(False))
    return by_key(counted, made.key).agg(entries.alias(TRUE), held.alias(HELD))


def _true_registers(met: DataFrame, made: Reduction) -> DataFrame:
    """The greatest number of each register."""
    keys = [column(key) for key in made.key]
    greatest = met.groupBy(*keys, F.floor(column(ROW_VALUE) / REGISTER_SIZE).alias("_register")).agg(
        F.max(ROW_VALUE).alias(ROW_VALUE)
    )
    return by_key(greatest, made.key).agg(F.sort_array(F.collect_list(ROW_VALUE)).alias(TRUE))


def _sum(of: str) -> str:
    """The column of a further sum of each value."""
    return f"_sum_{of}"
