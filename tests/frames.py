"""Comparing DataFrames: chispa through one door, with the rules that hold everywhere here."""

from collections.abc import Sequence

from chispa import assert_df_equality
from pyspark.sql import DataFrame


def assert_same(found: DataFrame, expected: DataFrame) -> None:
    """The same rows and columns; neither the order of rows nor what may be NULL matters."""
    assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True, allow_nan_equality=True)


def assert_rows(found: DataFrame, rows: Sequence[tuple], schema: str) -> None:
    """The same as these rows."""
    assert_same(found, found.sparkSession.createDataFrame(list(rows), schema))
