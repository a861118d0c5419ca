"""The tables of by_hand.py as Spark's declarative pipelines run them: each a materialized view.

Run by `spark-pipelines`, which imports this file; the environment says where the bronze tables' files are.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pyspark import pipelines
from pyspark.sql import DataFrame, SparkSession

sys.path.insert(0, str(Path(__file__).parent))

from by_hand import TABLES, Read

BRONZE = json.loads(os.environ["BRONZE_FILES"])


def read(name: str) -> DataFrame:
    """A bronze table's files, or a view of this pipeline."""
    spark = SparkSession.active()
    return spark.read.parquet(*BRONZE[name]) if name in BRONZE else spark.table(name.replace(".", "_"))


def declare(name: str, make: Callable[[Read], DataFrame]) -> None:
    """One materialized view."""

    @pipelines.materialized_view(name=name.replace(".", "_"))
    def view() -> DataFrame:
        return make(read)


for table, function in TABLES.items():
    declare(table, function)
