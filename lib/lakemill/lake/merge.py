"""One MERGE: what a run changes of its target, in one commit.

Where a MERGE takes a key, its columns come in the order in which the table's rows are laid out.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

from delta.tables import DeltaMergeBuilder
from pyspark.sql import Column, DataFrame, functions as F

from lakemill.columns import quoted
from lakemill.core.addition import Addition
from lakemill.core.keys import same_key
from lakemill.core.mapreduce import GONE
from lakemill.lake.layout import MAX_ROWS
from lakemill.lake.tables import Table
from lakemill.lake.with_settings import with_settings


def merge_keys(table: Table, rows: DataFrame, key: Sequence[str], where: Column | None = None) -> None:
    """Bring these keys up to date: deleted where `_gone`, else written where anything differs.

    `where`: holds for the row of each of these keys in the target, aliased `t`, so that files can be skipped.
    """
    values = {name: F.col(f"s.{quoted(name)}") for name in rows.columns if name != GONE}
    gone = F.col(f"s.{GONE}")
    merge = (
        table.delta()
        .alias("t")
        .merge(rows.alias("s"), _near(same_key(key, "t", "s"), where))
        .whenMatchedDelete(gone)
        .whenMatchedUpdate(_differs(values), _assign(values))
        .whenNotMatchedInsert(~gone, _assign(values))
    )
    _execute(table, merge)


def merge_additions(
    table: Table, deltas: DataFrame, key: Sequence[str], addition: Addition, where: Column | None = None
) -> None:
    """Add each key's delta to its row; `addition`: how, of the target aliased `t` and the deltas aliased `s`.

    Each delta has an effect, so that every row that is written differs from what was there.
    where: holds for the row of each of these keys in the target, aliased `t`, so that files can be skipped.
    """
    merge = (
        table.delta()
        .alias("t")
        .merge(deltas.alias("s"), _near(same_key(key, "t", "s"), where))
        .whenMatchedDelete(addition.gone)
        .whenMatchedUpdate(set=_assign(addition.there))
        .whenNotMatchedInsert(addition.came, _assign(addition.new))
    )
    _execute(table, merge)


def merge_difference(table: Table, rows: DataFrame, key: Sequence[str]) -> None:
    """Make the table hold exactly these rows, writing only where it does not yet; its feed then is the difference."""
    values = {name: F.col(f"s.{quoted(name)}") for name in rows.columns}
    merge = (
        table.delta()
        .alias("t")
        .merge(rows.alias("s"), same_key(key, "t", "s"))
        .whenMatchedUpdate(_differs(values), _assign(values))
        .whenNotMatchedInsert(values=_assign(values))
        .whenNotMatchedBySourceDelete()
    )
    _execute(table, merge)


def merge_rows(table: Table, rows: DataFrame, where: Column | None = None) -> None:
    """Insert rows, and delete all copies of those that are `_gone`: a difference of bags, for tables without a key.

    `where`: holds for each row to delete, in the target aliased `t`, so that files can be skipped.
    """
    names = [name for name in rows.columns if name != GONE]
    gone = F.col(f"s.{GONE}")
    merge = (
        table.delta()
        .alias("t")
        .merge(rows.alias("s"), _near(gone & same_key(names, "t", "s"), where))
        .whenMatchedDelete()
        .whenNotMatchedInsert(~gone, _assign({name: F.col(f"s.{quoted(name)}") for name in names}))
    )
    _execute(table, merge)


def _execute(table: Table, merge: DeltaMergeBuilder) -> None:
    """Merge; what is written is cut into files as the table's layout has them."""
    with with_settings(table.spark, {MAX_ROWS: str(table.rows_a_file)}):
        merge.execute()


def _near(met: Column, where: Column | None) -> Column:
    return met if where is None else met & where


def _assign(values: Mapping[str, Column]) -> dict[str, str | Column]:
    return {quoted(name): value for name, value in values.items()}


def _differs(values: Mapping[str, Column]) -> Column:
    same = [F.col(f"t.{quoted(name)}").eqNullSafe(value) for name, value in values.items()]
    return ~reduce(lambda left, right: left & right, same, F.lit(True))
