"""Addition: a touched key's new row from its old one and its delta, where all parts are totals.

Totals add up where they stand, so an update reads nothing of the target before it writes: a MERGE of the deltas, with
these expressions in its clauses, is all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F

from lakemill.columns import quoted
from lakemill.core.mapreduce import SUMS, lacking
from lakemill.core.reduction import Reduction
from lakemill.reducers.count import ROWS

OVERDRAWN = "LAKEMILL_OVERDRAWN"
"""What the write fails with where a change takes away more than there was."""


@dataclass(frozen=True)
class Addition:
    """How deltas are added to a table, of its row and a delta of one key.

    there: the columns of a key that the table has.   gone: whether the key has no rows any more.
    new: all columns of a key that the table does not have.   came: whether that has rows now.
    """

    there: Mapping[str, Column]
    gone: Column
    new: Mapping[str, Column]
    came: Column


def addition(reduction: Reduction, target: str, deltas: str) -> Addition:
    """What each key's delta does to its row; `target` and `deltas` are the aliases of the two DataFrames.

    Delta computes every condition of a MERGE for every row, matched or not, and what a clause assigns for the rows of
    that clause alone. So what is taken away from a key that was not there fails where it is assigned; that of one which
    was there may fail in the condition, which is NULL for other rows.
    """
    added = {name: F.col(f"{deltas}.{SUMS}.{quoted(name)}") for name in reduction.totals}
    was = reduction.stored(target)
    there = {name: part.two(was[name], added[name]) for name, part in reduction.totals.items()}
    new = {name: part.two(part.zero, added[name]) for name, part in reduction.totals.items()}
    refused, keys = lacking(new, reduction), {name: F.col(f"{deltas}.{quoted(name)}") for name in reduction.key}
    return Addition(
        reduction.present(there),
        _unless(lacking(there, reduction), there[ROWS] == 0),
        {name: _unless(refused, value) for name, value in {**keys, **reduction.present(new)}.items()},
        (new[ROWS] != 0) | refused,
    )


def _unless(refused: Column, value: Column) -> Column:
    """The value, which fails where more was taken away than there was."""
    return F.when(refused, F.raise_error(F.lit(OVERDRAWN))).otherwise(value)
