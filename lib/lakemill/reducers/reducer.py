"""What a reducer is: how a row is prepared into parts, and how the added-up parts are presented."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql.types import DataType

from lakemill.reducers.part import Part


class Reducer(ABC):
    """A named column of the target. Everything else (can it be updated, how) follows from its parts."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns of the map that it reads."""

    @abstractmethod
    def prepare(self, types: Mapping[str, DataType]) -> Mapping[str, Part]:
        """The parts of one row by name; equal names are shared between reducers of a job.

        `types` are those of the map's columns. Raises UsageError where a type is not one it can reduce exactly.
        """

    @abstractmethod
    def present(self, parts: Mapping[str, Column], types: Mapping[str, DataType]) -> Column:
        """The target's column, from the added-up parts alone; `types` are those of the map's columns.

        A Total is its number; a Bag is read with the bag's own `extreme`, `first` or fields.
        """

    @abstractmethod
    def plain(self, types: Mapping[str, DataType]) -> Column:
        """The same column as one ordinary Spark aggregate: the second opinion that verify asks for."""

    @property
    def definition(self) -> str:
        """What decides its column and cannot be seen in its parts and columns: a Python function's digest."""
        return ""

    def recover(self, presented: Column) -> Mapping[str, Column]:
        """The totals that can be read back from the presented column (a NULL sum is 0); they are not kept twice."""
        return {}

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.columns)})"
