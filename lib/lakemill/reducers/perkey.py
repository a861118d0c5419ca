"""A function of all rows of a key: what no sum can say, such as histories, sessions and ranks."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame

from lakemill.errors import UsageError


@dataclass(frozen=True)
class PerKey:
    """A DataFrame function over all rows of a key, as a job's `reduce`: any number of rows a key.

    `fn` takes the mapped rows and gives the target's. Its result has the key's columns, unchanged, and the rows of a
    key follow from the rows of that key alone: windows are partitioned by the key (or more), groupBy and
    applyInPandas group by it, joins of the rows with themselves meet on it. What cannot be computed key by key is
    refused by name before anything is written. An update computes the touched keys anew and writes what differs.

    The history of a customer's addresses (SCD2): each row holds until the next one.

        def history(rows: DataFrame) -> DataFrame:
            by_time = Window.partitionBy("customer_id").orderBy("changed_at", "change_id")
            return rows.select(
                "customer_id", "address",
                F.col("changed_at").alias("valid_from"),
                F.lead("changed_at").over(by_time).alias("valid_to"),
            )

        job = Job(source="silver.addresses", key=["customer_id"], reduce=PerKey(history), target="gold.addresses")

    (7, "Ulm", May 1) and (7, "Bonn", May 4) become (7, "Ulm", May 1, May 4) and (7, "Bonn", May 4, NULL). When
    (7, "Kiel", May 2) arrives late, customer 7 alone is computed anew: the row of Ulm ends on May 2, that of Kiel is
    new, and that of Bonn is not touched.

    The same rows must give the same result in any order: order windows by so many columns that no two rows tie, sort
    inside of a pandas function, and add up decimals: sums and means of doubles, and stddev and its like of all numbers,
    round as rows come, and are refused where no window orders the rows. Raises UsageError where `fn` is no function.
    """

    fn: Callable[[DataFrame], DataFrame]

    def __post_init__(self) -> None:
        if not callable(self.fn):
            raise UsageError(f"PerKey takes a function of a DataFrame, as in PerKey(history), not {self.fn!r}.")

    def rows(self, mapped: DataFrame) -> DataFrame:
        """The target's rows, from mapped rows of whole keys; raises UsageError where it gives something else."""
        made = self.fn(mapped)
        if not isinstance(made, DataFrame):
            raise UsageError(f"{self} gave {type(made).__name__}, not a DataFrame")
        return made

    def __str__(self) -> str:
        return f"PerKey({getattr(self.fn, '__name__', type(self.fn).__name__)})"
