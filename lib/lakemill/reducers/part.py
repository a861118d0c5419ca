"""Parts: what the rows of a key add up to, of the few kinds that the core knows.

A Total is a number that rows are added to and taken from. A Collected part is made from the distinct values of a key,
each with how often it is there (its entries). What is kept of it is bounded, and it tells when a change leaves it
unknown, so that the key has to be recomputed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, DecimalType, IntegralType

from lakemill.columns import column_text
from lakemill.errors import UsageError

VALUE, COUNT = "value", "count"
ON_REMOVAL = {
    "group": "is subtracted",
    "counted, then buffered": "is subtracted while the first values are kept, else recomputes its key",
    "counted": "is subtracted while all values are kept, else recomputes its key",
    "monoid": "recomputes its key if the value that went was the one that counted",
    "opaque": "recomputes its key",
}
"""What a removal does to a part of each class, strongest first: for people."""


@dataclass(frozen=True)
class Total:
    """A sum over the rows of a key, exact, so that a removed row is undone by its opposite (an abelian group).

    `value` is what one row adds (NULL: nothing), `type` the type that the total is kept in: an integer or a decimal.
    counts: a row adds 0 or 1, so that a total below 0 tells of rows taken away that were never there.
    """

    value: Column
    type: DataType
    counts: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.type, IntegralType | DecimalType):
            raise UsageError(
                f"adds up {self.type.simpleString()}: only integers and decimals add to the same total in every order."
            )
        if isinstance(self.type, DecimalType) and self.type.scale > 36:
            shown = self.type.simpleString()
            raise UsageError(f"adds up {shown}, which has no room for a sum; 36 places are the most.")

    @property
    def kind(self) -> str:
        """Its class."""
        return "group"

    @property
    def bytes(self) -> int:
        """What it takes to keep for a key."""
        return 16 if isinstance(self.type, DecimalType) else 8

    @property
    def definition(self) -> str:
        """All that decides its total, as a text."""
        return f"total {self.type.simpleString()} of {column_text(self.value)}"

    @property
    def zero(self) -> Column:
        """The total of no rows."""
        return F.lit(0).cast(self.type)

    def typed(self, total: Column) -> Column:
        """A total in the type that it is kept in; of no values it is 0."""
        return F.coalesce(total.cast(self.type), self.zero)

    def signed(self, weight: Column) -> Column:
        """What a row adds or, where its weight is negative, takes away.

        It is never the product of value and weight: Spark gives the product of a decimal(38, s) and a number fewer
        decimal places than s, and rounds to them.
        """
        return F.when(weight > 0, self.value).otherwise(-self.value)

    def two(self, left: Column, right: Column) -> Column:
        """Two totals, added.

        Spark types the sum of two decimal(38, s) as decimal(38, s - 1) and rounds it: with a digit to spare on both
        sides it is exact, and a total that needs that digit fails aloud.
        """
        if isinstance(self.type, DecimalType):
            spare = DecimalType(37, self.type.scale)
            left, right = left.cast(spare), right.cast(spare)
        return self.typed(left + right)


class Collected(ABC):
    """A part made from entries: array<struct<value, count: bigint, ...>>, sorted, each value once.

    `value` is the value of one row (NULL: the row is no part of it), `type` its type. What is *known* of a key while a
    run works on it is a column that `of`, `two` or `known` gives; what the target keeps of it is its *state*.
    """

    value: Column
    type: DataType

    @property
    @abstractmethod
    def kind(self) -> str:
        """Its class: one of those in ON_REMOVAL."""

    @property
    @abstractmethod
    def size(self) -> str:
        """What it takes to keep for a key, for people."""

    @property
    @abstractmethod
    def definition(self) -> str:
        """All that decides what is known and kept of it, as a text."""

    @property
    def descending(self) -> bool:
        """Whether the greatest value comes first."""
        return False

    @property
    def limit(self) -> int | None:
        """How many of a key's first values are enough to know what is presented and kept; None for all."""
        return None

    @property
    def keeps_state(self) -> bool:
        """Whether the target keeps anything of it."""
        return True

    @property
    def keeps_entries(self) -> bool:
        """Whether knowing more than `best` is of use to later changes."""
        return True

    def sums(self, value: Column) -> Mapping[str, Column]:
        """Further bigints of a row, by name, that are summed beside the count of each value."""
        return {}

    def best(self, value: Column) -> Column | None:
        """The aggregate of one value that a rebuild can do with; None where it takes all entries."""
        return None

    def behind(self, best: Column) -> Column:
        """The known part of a key of which only `best` is known."""
        raise NotImplementedError(f"{type(self).__name__} is not known from one value")

    @abstractmethod
    def of(self, entries: Column, distinct: Column) -> Column:
        """The known part of a key with these entries (only the first, where limited) of so many distinct values."""

    @abstractmethod
    def two(self, known: Column, entries: Column) -> Column:
        """The known part with the entries of a change added; counts below zero take away."""

    @abstractmethod
    def at_risk(self, known: Column, entries: Column) -> Column:
        """Whether the part of a key that was there before is not known after the change, so that it must be recomputed.

        The change is one of the key's rows; where it did not touch this part, there are no entries.
        """

    @abstractmethod
    def negative(self, known: Column) -> Column:
        """Whether more was taken away than there was, as far as it is known how much there was."""

    @abstractmethod
    def state(self, known: Column) -> Column:
        """What the target keeps."""

    @abstractmethod
    def known(self, state: Column) -> Column:
        """The known part from what the target keeps."""

    @property
    @abstractmethod
    def none(self) -> Column:
        """The known part of a key without rows."""


Part = Total | Collected
