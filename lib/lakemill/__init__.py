"""lakemill keeps a lakehouse of Delta tables right, fresh and cheap on plain Apache Spark.

Everything a job file needs is one import line:

    from lakemill import Count, Job, Max, Mean, Sum, run
"""

import sys

from lakemill.job import Dump, Job
from lakemill.modules import find_for_main
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

__all__ = [
    "All", "Any", "ApproxCountDistinct", "ApproxQuantile", "ArgMax", "ArgMin", "Bag", "CollectSet", "Count",
    "CountDistinct", "CountIf", "Dump", "First", "Fold", "Histogram", "Job", "Last", "Latest", "Max", "Mean", "Median",
    "Min", "Mode", "PerKey", "Quantile", "Reducer", "StdDev", "Sum", "TopK", "Total", "Variance", "__version__",
    "periods", "pure", "run",
]  # fmt: skip

find_for_main(getattr(sys.modules.get("__main__"), "__file__", None))
