"""lakemill keeps a lakehouse of Delta tables right, fresh and cheap on plain Apache Spark.

Everything a job file needs is one import line:

    from lakemill import Count, Job, Max, Mean, Sum, run
"""

from lakemill.job import Dump, Job
from lakemill.reducers import Count, CountIf, Latest, Max, Mean, Min, PerKey, Sum
from lakemill.runner import run
from lakemill.version import __version__

__all__ = ["Count", "CountIf", "Dump", "Job", "Latest", "Max", "Mean", "Min", "PerKey", "Sum", "__version__", "run"]
