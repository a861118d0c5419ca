"""lakemill keeps a lakehouse of Delta tables right, fresh and cheap on plain Apache Spark.

Everything a job file needs is one import line:

    from lakemill import Count, Job, Max, Mean, Sum, run

A name is imported when it is asked for, so the command line hears signals before Spark's own modules are loaded.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from lakemill.modules import find_for_main

if TYPE_CHECKING:
    from lakemill.job import Dump, Job
    from lakemill.python.pure import pure
    from lakemill.reducers import (
        All,
        Any,
        ApproxCountDistinct,
        ApproxQuantile,
        ArgMax,
        ArgMin,
        Bag,
        CollectSet,
        Count,
        CountDistinct,
        CountIf,
        First,
        Fold,
        Histogram,
        Last,
        Latest,
        Max,
        Mean,
        Median,
        Min,
        Mode,
        PerKey,
        Quantile,
        Reducer,
        StdDev,
        Sum,
        TopK,
        Total,
        Variance,
        periods,
    )
    from lakemill.start import run
    from lakemill.version import __version__

HOMES = ("lakemill.version", "lakemill.reducers", "lakemill.job", "lakemill.python.pure", "lakemill.start")
"""Where the names below are; the first that has one, since pure.py, for one, knows typing's Any."""

__all__ = [
    "All", "Any", "ApproxCountDistinct", "ApproxQuantile", "ArgMax", "ArgMin", "Bag", "CollectSet", "Count",
    "CountDistinct", "CountIf", "Dump", "First", "Fold", "Histogram", "Job", "Last", "Latest", "Max", "Mean", "Median",
    "Min", "Mode", "PerKey", "Quantile", "Reducer", "StdDev", "Sum", "TopK", "Total", "Variance", "__version__",
    "periods", "pure", "run",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """A name of the list above."""
    if name in __all__:
        for home in map(import_module, HOMES):
            if hasattr(home, name):
                globals()[name] = value = getattr(home, name)
                return value
    raise AttributeError(f"module 'lakemill' has no attribute '{name}'")


find_for_main(getattr(sys.modules.get("__main__"), "__file__", None))
