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

STORED, EXPECTED, AT_FLOOR, FLOOR_THERE = "_stored", "_expected", "_at_floor", "_floor_there"
"""What a target keeps and what the rows say; whether a value is the floor of a bag, and whether the rows have one."""
ROW_VALUE, ROW_COUNT = "_value", "_count"
"""The value of a row, and how many rows have it."""


def wrong_states(stored: DataFrame, mapped: DataFrame, made: Reduction) -> DataFrame | None:
    """The keys whose collected state is not what the rows say: the key, `_part`, `_stored` and `_expected` (texts).

    None where no such state is kept.   stored: the target with `_state`.   mapped: the mapped rows that it was made
    from.
    """
    parts = [name for name in made.kept if name in made.collected]
    damaged = [_damaged(stored, mapped, made, name, made.collected[name]) for name in parts]
    return reduce(DataFrame.unionAll, damaged) if damaged else None


def _damaged(stored: DataFrame, mapped: DataFrame, made: Reduction, name: str, part: Collected) -> DataFrame:
    keys = [column(key) for key in made.key]
    states = stored.select(*keys, F.col(f"{STATE}.{quoted(state_field(name))}").alias(STORED)).alias("t")
    value = part.value.cast(part.type)
    values = mapped.select("*", value.alias(ROW_VALUE)).where(column(ROW_VALUE).isNotNull())
    sums = [total.alias(_sum(of)) for of, total in part.sums(column(ROW_VALUE)).items()]
    given = values.select(*keys, column(ROW_VALUE), *sums).alias("v")
    met = given.join(states, same_key(made.key, "v", "t")).select("v.*", f"t.{STORED}")
    expected = _expected(met, made, part)
    both = states.join(expected.alias("e"), same_key(made.key, "t", "e"), "left")
    shown = [F.col(f"t.{quoted(key)}") for key in made.key]
    texts = [F.col(f"t.{STORED}").cast("string").alias(STORED), F.col(f"e.{EXPECTED}").cast("string").alias(EXPECTED)]
    return both.where(~_right(part)).select(*shown, F.lit(name).alias("_part"), *texts)


def _right(part: Collected) -> Column:
    """Whether the stored state (t) is the expected one (e); none is expected of a key of which no row has a value."""
    stored, expected = F.col(f"t.{STORED}"), F.col(f"e.{EXPECTED}")
    if not isinstance(part, Bag):
        return stored.eqNullSafe(F.coalesce(expected, part.state(part.none)))
    kept = stored[KEPT].eqNullSafe(F.coalesce(expected, F.array().cast(part.kept_type)))
    return kept & (stored[FLOOR].isNull() | F.coalesce(F.col(f"e.{FLOOR_THERE}"), F.lit(False)))


def _expected(met: DataFrame, made: Reduction, part: Collected) -> DataFrame:
    if isinstance(part, Bag):
        return _expected_bag(met, made, part)
    if isinstance(part, Registers):
        return _expected_registers(met, made)
    assert isinstance(part, Folded)
    rows = F.sort_array(F.collect_list(column(ROW_VALUE)))
    return by_key(met, made.key).agg(rows.alias("_rows")).withColumn(EXPECTED, part.all_at_once(F.col("_rows")))


def _expected_bag(met: DataFrame, made: Reduction, bag: Bag) -> DataFrame:
    """What is before the floor, counted, and whether the floor is there."""
    value, floor = column(ROW_VALUE), F.col(f"{STORED}.{FLOOR}")
    before = value > floor if bag.descending else value < floor
    near = met.where(floor.isNull() | before | (value == floor))
    sums = list(bag.sums(F.lit(None).cast(bag.type)))
    aggregates = [F.count(F.lit(1)).alias(ROW_COUNT), *[F.sum(_sum(of)).alias(_sum(of)) for of in sums]]
    keys = [column(key) for key in made.key]
    counted = near.groupBy(*keys, value, (value == floor).alias(AT_FLOOR)).agg(*aggregates)
    entry = F.struct(value.alias(VALUE), F.col(ROW_COUNT).alias(COUNT), *[F.col(_sum(of)).alias(of) for of in sums])
    entries = F.sort_array(F.collect_list(F.when(~F.coalesce(AT_FLOOR, F.lit(False)), entry)), asc=not bag.descending)
    there = F.coalesce(F.bool_or(AT_FLOOR), F.lit(False))
    return by_key(counted, made.key).agg(entries.alias(EXPECTED), there.alias(FLOOR_THERE))


def _expected_registers(met: DataFrame, made: Reduction) -> DataFrame:
    """The greatest number of each register."""
    keys = [column(key) for key in made.key]
    greatest = met.groupBy(*keys, F.floor(column(ROW_VALUE) / REGISTER_SIZE).alias("_register")).agg(
        F.max(ROW_VALUE).alias(ROW_VALUE)
    )
    return by_key(greatest, made.key).agg(F.sort_array(F.collect_list(ROW_VALUE)).alias(EXPECTED))


def _sum(of: str) -> str:
    """The column of a further sum of each value."""
    return f"_sum_{of}"
