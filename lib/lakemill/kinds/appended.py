"""Rows that are only added: a job without a key."""

from pyspark.sql import DataFrame

from lakemill.core import bags
from lakemill.core.local import Held
from lakemill.core.weights import WEIGHT
from lakemill.kinds.kind import Kind, Work, Write
from lakemill.lake.merge import merge_rows
from lakemill.lake.tables import Table, append


class Appended(Kind):
    """The target's rows are the mapped ones."""

    @property
    def removal(self) -> str:
        return "appends only; a removal rebuilds the table"

    @property
    def follows_removals(self) -> bool:
        return False

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
        rows = work.change.drop(WEIGHT)
        return lambda target: append(target, rows)
