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
    """there: the columns, besides the key, of a key that the target has.   gone: whether it has no rows any more.

    new: the columns of a key that the target does not have.   came: whether that has rows now.
    """

    there: Mapping[str, Column]
    gone: Column
    new: Mapping[str, Column]
    came: Column


def addition(reduction: Reduction, target: str, deltas: str) -> Addition:
    """What each key's delta does to its row; `target` and `deltas` are the aliases of the two DataFrames."""
    added = {name: F.col(f"{deltas}.{SUMS}.{quoted(name)}") for name in reduction.totals}
    was = reduction.stored(target)
    there = {name: part.two(was[name], added[name]) for name, part in reduction.totals.items()}
    new = {name: part.two(part.zero, added[name]) for name, part in reduction.totals.items()}
    return Addition(
        reduction.present(there),
        _checked(there, there[ROWS] == 0, reduction),
        reduction.present(new),
        _checked(new, new[ROWS] != 0, reduction),
    )


def _checked(parts: Mapping[str, Column], condition: Column, reduction: Reduction) -> Column:
    """The condition, which fails where more was taken away than there was."""
    return F.when(lacking(parts, reduction), F.raise_error(F.lit(OVERDRAWN))).otherwise(condition)
