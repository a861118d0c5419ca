"""A map's Python functions tried on a few rows before its first rebuild: what pure promises shows in no plan."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

from pyspark.sql import DataFrame

from lakemill.columns import column, has_no_order
from lakemill.core.bags import SIGN, unequal
from lakemill.core.local import local_frame, to_local
from lakemill.errors import UsageError, row_text
from lakemill.job import Job
from lakemill.maps.rowwise import CheckedMap
from lakemill.python.pure import marked
from lakemill.trials.sample import TRIED_ROWS


def check_pure(job: Job, mapped: CheckedMap, frames: Sequence[DataFrame]) -> None:
    """Map some rows at once, and in two halves, last first; rows of several sources only in another order.

    Raises UsageError, showing a row, where that gives other rows: a function looks at the rows around its own, or its
    value is by chance.
    """
    if not marked(mapped.plan):
        return
    first, others = frames[0], [to_local(frame.limit(TRIED_ROWS))[0] for frame in frames[1:]]
    spark, rows = first.sparkSession, first.limit(TRIED_ROWS)._jdf.collectAsList()
    lists, middle = spark._jvm.java.util, rows.size() // 2  # type: ignore[union-attr]
    ends = [0, rows.size()] if others else [0, middle, rows.size()]  # halves of a union would double its other side
    parts = [lists.ArrayList(rows.subList(*two)) for two in pairwise(ends)]
    for part in parts:
        lists.Collections.reverse(part)
    whole, *again = [job.mapped(local_frame(spark, first.schema, part), *others) for part in (rows, *parts)]
    names = [column(field.name) for field in mapped.schema.fields if not has_no_order(field.dataType)]
    differing = unequal(whole.select(*names), reduce(DataFrame.unionAll, again).select(*names)).limit(1).collect()
    if differing:
        shown = row_text({name: value for name, value in differing[0].asDict().items() if name != SIGN})
        raise UsageError(
            f"{job.target}: a Python function of its map is refused: NOT_PURE: tried on the same few rows twice, in "
            f"another order and company, it gave {shown} only once. Its value may depend on nothing but its arguments."
        )
