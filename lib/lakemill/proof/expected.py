"""Verify: what a table should hold, by ordinary Spark aggregates, and where it differs from what it does hold.

The second opinion on updates: no weights, no change feed, no merge. Only the map and the reducers' own statement of
what they mean (`plain`) are the job's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window, functions as F
from pyspark.sql.types import StructType

from lakemill.columns import column, quoted
from lakemill.core.bags import SIGN
from lakemill.core.reduction import STATE, Reduction, state_field
from lakemill.errors import row_text, value_text
from lakemill.job import RESERVED
from lakemill.reducers import Latest, PerKey, Total

SHOWN = 200
PARTS = 1_000_000
"""Into how many parts keys fall by their hash: the least sample is one of them."""


@dataclass(frozen=True)
class Difference:
    """One key, or row, that is not as it should be. kind: missing row, extra row, or the column that differs."""

    kind: str
    row: str
    stored: str
    expected: str


def sampled(frame: DataFrame, names: Sequence[str], kinds: StructType, fraction: float) -> DataFrame:
    """The rows of about this fraction of the keys, always of the same ones; `names`: the key, of these types."""
    if fraction == 1:
        return frame
    told = F.xxhash64(*[column(name).cast(kinds[name].dataType) for name in names])
    return frame.where(F.pmod(told, F.lit(PARTS)) < round(fraction * PARTS))


def expected_rows(mapped: DataFrame, made: Reduction | PerKey | None) -> DataFrame:
    """The rows that a table should hold, `_state` included, from its mapped source rows.

    PerKey's function is the only statement of what it means: there verify checks the updates, not the function.
    """
    if isinstance(made, PerKey):
        return made.rows(mapped)
    if made is None:
        return mapped
    if isinstance(made.job.reduce, Latest):
        return _newest(mapped, made, made.job.reduce)
    values = [reducer.plain(made.types).alias(name) for name, reducer in made.job.reducers.items()]
    state = _plain_state(made)
    keys = [column(name) for name in made.key]
    grouped = mapped.groupBy(*(keys or [F.lit(1).alias("_one")]))
    rows = grouped.agg(*values, *([state] if state is not None else []), F.count(F.lit(1)).alias("_count"))
    return rows.select(*keys, *[column(name) for name in [*made.job.reducers, *([STATE] if state is not None else [])]])


def _newest(mapped: DataFrame, made: Reduction, latest: Latest) -> DataFrame:
    keys = [column(name) for name in made.key]
    newest_first = [column(name).desc_nulls_last() for name in latest.order(made.types)]
    place = F.row_number().over(Window.partitionBy(*keys).orderBy(*newest_first))
    rows = F.count(F.lit(1)).over(Window.partitionBy(*keys))
    found = mapped.select("*", place.alias("_place"), rows.alias("_rows")).where(F.col("_place") == 1)
    return found.select(*[column(name) for name in made.columns], F.struct(F.col("_rows").alias("rows")).alias(STATE))


def _plain_state(made: Reduction) -> Column | None:
    fields = [part.typed(F.sum(part.value)).alias(state_field(name)) for name, part in _kept_totals(made).items()]
    return F.struct(*fields).alias(STATE) if fields else None


def _kept_totals(made: Reduction) -> dict[str, Total]:
    return {name: part for name, part in made.totals.items() if name in made.kept}


def with_totals(stored: DataFrame, made: Reduction) -> DataFrame:
    """The target with its state's totals alone, as `expected_rows` has them: what else is kept is not one value."""
    if STATE not in stored.columns:
        return stored
    fields = [state_field(name) for name in _kept_totals(made)]
    totals = [F.col(f"{STATE}.{quoted(name)}").alias(name) for name in fields]
    return stored.withColumn(STATE, F.struct(*totals)) if totals else stored.drop(STATE)


def differences(unequals: DataFrame, key: tuple[str, ...]) -> tuple[int, list[Difference]]:
    """How many rows differ, and the first of them in words. Rows of one key are shown as one difference a column."""
    count, rows = first_rows(unequals, key)
    return count, _in_words(rows, key)


def damaged(states: DataFrame, key: tuple[str, ...]) -> tuple[int, list[Difference]]:
    """How many states are wrong, and the first of them in words."""
    count, rows = first_rows(states, key)
    return count, [
        Difference(
            "damaged state",
            row_text({name: row[name] for name in key}),
            f"{row['_part']} {value_text(row['_said'])}",
            value_text(row["_true"]),
        )
        for row in rows
    ]


def first_rows(frame: DataFrame, key: tuple[str, ...]) -> tuple[int, list[dict[str, object]]]:
    """How many rows there are, and the first of them by key."""
    kept = frame.persist()
    try:
        count = kept.count()
        first = kept.orderBy(*[column(name) for name in key]) if key else kept
        rows = first.limit(SHOWN).collect() if count else []
    finally:
        kept.unpersist()
    return count, [row.asDict(recursive=True) for row in rows]


def _in_words(rows: list[dict[str, object]], key: tuple[str, ...]) -> list[Difference]:
    pairs: dict[str, tuple[str, dict[bool, dict[str, object]]]] = {}
    for row in rows:
        named = {name: row[name] for name in key or row if name != SIGN}
        _, pair = pairs.setdefault(repr(named), (row_text(named), {}))
        pair[int(str(row[SIGN])) > 0] = row
    return [found for said, pair in pairs.values() for found in _pair_in_words(said, pair)]


def _pair_in_words(said: str, pair: dict[bool, dict[str, object]]) -> list[Difference]:
    stored, expected = pair.get(True), pair.get(False)
    if stored is None:
        return [Difference("missing row", said, "", "a row")]
    if expected is None:
        return [Difference("extra row", said, "a row", "")]
    return [
        Difference(
            "damaged state" if name == RESERVED else f"column {name}",
            said,
            value_text(value),
            value_text(expected[name]),
        )
        for name, value in stored.items()
        if name != SIGN and value != expected[name]
    ]
