"""What a table should hold, by ordinary Spark aggregates: the second opinion on what updates make.

No weights, no change feed, no merge. Only the map and the reducers' own statement of what they mean (`plain`) are the
job's.
"""

from pyspark.sql import Column, DataFrame, Window, functions as F

from lakemill.columns import column, quoted
from lakemill.core.reduction import STATE, Reduction, state_field
from lakemill.reducers import Latest, Total


def aggregated_rows(mapped: DataFrame, reduction: Reduction) -> DataFrame:
    """The rows of a table with reducers, its state's totals included, from its mapped source rows."""
    values = [reducer.plain(reduction.types).alias(name) for name, reducer in reduction.job.reducers.items()]
    state = _plain_state(reduction)
    states = [] if state is None else [state]
    keys = [column(name) for name in reduction.key]
    grouped = mapped.groupBy(*(keys or [F.lit(1).alias("_one")]))
    rows = grouped.agg(*values, *states, F.count(F.lit(1)).alias("_count"))
    shown = [*reduction.job.reducers, *([STATE] if states else [])]
    return rows.select(*keys, *[column(name) for name in shown])


def newest_rows(mapped: DataFrame, reduction: Reduction, latest: Latest) -> DataFrame:
    """The newest row of each key, its state included, from the mapped source rows."""
    keys = [column(name) for name in reduction.key]
    newest_first = [column(name).desc_nulls_last() for name in latest.order(reduction.types)]
    place = F.row_number().over(Window.partitionBy(*keys).orderBy(*newest_first))
    rows = F.count(F.lit(1)).over(Window.partitionBy(*keys))
    placed = mapped.select("*", place.alias("_place"), rows.alias("_rows")).where(F.col("_place") == 1)
    state = F.struct(F.col("_rows").alias("rows")).alias(STATE)
    return placed.select(*[column(name) for name in reduction.columns], state)


def with_totals(stored: DataFrame, reduction: Reduction) -> DataFrame:
    """The target with its state's totals alone, as the expected rows have them: what else is kept is not one value."""
    if STATE not in stored.columns:
        return stored
    fields = [state_field(name) for name in _kept_totals(reduction)]
    totals = [F.col(f"{STATE}.{quoted(name)}").alias(name) for name in fields]
    return stored.withColumn(STATE, F.struct(*totals)) if totals else stored.drop(STATE)


def _plain_state(reduction: Reduction) -> Column | None:
    totals = _kept_totals(reduction)
    fields = [part.typed(F.sum(part.value)).alias(state_field(name)) for name, part in totals.items()]
    return F.struct(*fields).alias(STATE) if fields else None


def _kept_totals(reduction: Reduction) -> dict[str, Total]:
    return {name: part for name, part in reduction.totals.items() if name in reduction.kept}
