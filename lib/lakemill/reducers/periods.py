"""The history of a key (SCD2): what was said of it day by day, as the periods in which it stayed the same."""

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame, Window, functions as F

from lakemill.columns import column

NEXT, BEFORE = "_next_since", "_values_before"


def periods(key: Sequence[str], since: str, then: Sequence[str] = ()) -> Callable[[DataFrame], DataFrame]:
    """A function for PerKey: one row a key and period in which all its values stayed the same.

    A row says its values from `since` on, a day or a time; of several rows of one `since` the last by `then` counts
    (no two rows that differ may tie in both). Values are all other columns. The periods have the key, the values, and

    - valid_from: when they were first said,
    - valid_to: when they no longer held, NULL as long as they do; a period ends where the next begins and does not
      hold at its end: `valid_from <= day and (valid_to is null or day < valid_to)` finds one row a key, or none
      before it was known,
    - is_current: whether they still hold.

    Rows may come in any order, late or twice. A key that a later snapshot does not have stays as it was last said:
    nothing tells a key that went from one that was left out.

        job = Job(source="bronze.prices", key=["product"], reduce=PerKey(periods(["product"], since="day")), ...)

    (7, 1.20, May 1), (7, 1.20, May 2) and (7, 1.50, May 4) become (7, 1.20, May 1, May 4, false) and
    (7, 1.50, May 4, NULL, true).
    """

    def periods(rows: DataFrame) -> DataFrame:
        values = [column(name) for name in rows.columns if name not in (*key, since, *then)]
        by_time = Window.partitionBy(*map(column, key)).orderBy(column(since), *map(column, then))
        # In a struct, a `since` of NULL differs from there being no next row.
        time, state = F.struct(column(since).alias("since")), F.struct(*values)
        last = rows.withColumn(NEXT, F.lead(time).over(by_time)).where(~F.col(NEXT).eqNullSafe(time))
        begun = last.withColumn(BEFORE, F.lag(state).over(by_time)).where(~F.col(BEFORE).eqNullSafe(state))
        until = F.lead(time).over(by_time)
        return begun.select(
            *map(column, key),
            *values,
            column(since).alias("valid_from"),
            until["since"].alias("valid_to"),
            until.isNull().alias("is_current"),
        )

    return periods
