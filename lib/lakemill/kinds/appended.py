"""Rows that are kept as they come: a job without a key. Equal rows are as many rows."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql.types import DoubleType, FloatType, StructType

from lakemill.columns import has_no_order, holds
from lakemill.core import bags
from lakemill.core.local import Held
from lakemill.core.weights import WEIGHT
from lakemill.kinds.kind import Kind, Work, Write
from lakemill.lake.merge import merge_rows
from lakemill.lake.tables import Table, append


@dataclass(frozen=True)
class Appended(Kind):
    """The target's rows are the mapped ones.   columns_mapped: which the map gives."""

    columns_mapped: StructType

    @property
    def removal(self) -> str:
        if self.follows_removals:
            return "looks its rows up in the target and takes as many away"
        return "appends only, as rows of its columns cannot be told apart; a removal rebuilds the table"

    @property
    def follows_removals(self) -> bool:
        kinds = [field.dataType for field in self.columns_mapped.fields]
        # A MERGE takes a double's two zeros for equal, and would take the rows of both away.
        return not any(has_no_order(kind) or holds(kind, DoubleType | FloatType) for kind in kinds)

    def rows(self, mapped: DataFrame) -> DataFrame:
        return mapped

    def expected(self, mapped: DataFrame) -> DataFrame:
        return mapped

    def reduced(self, change: DataFrame) -> DataFrame:
        return change

    def difference(self, target: Table, stored: DataFrame, rows: DataFrame, held: Held) -> Write:
        changed, _ = held.hold(bags.difference(stored, rows))
        return lambda target: merge_rows(target, changed)

    def update(self, work: Work) -> Write:
        if not work.removes:
            return lambda target: append(target, work.change.drop(WEIGHT))
        with work.stage("touched"):
            change, count = work.held.hold(work.change)
            if not count:
                return lambda target: append(target, change.drop(WEIGHT))
            rows, _ = work.held.hold(bags.advanced_rows(work.stored(), change, work.held.small))
        return lambda target: merge_rows(target, rows)
