"""What a job makes of its mapped rows, by how it reduces: the only place that asks."""

from pyspark.sql.types import StructType

from lakemill.core.reduction import reduction
from lakemill.job import Job
from lakemill.kinds.appended import Appended
from lakemill.kinds.by_function import ByFunction
from lakemill.kinds.kind import Kind, Work, Write
from lakemill.kinds.newest import Newest
from lakemill.kinds.reduced import Reduced
from lakemill.reducers import Latest, PerKey

__all__ = ["Kind", "Work", "Write", "kind_of"]


def kind_of(job: Job, mapped: StructType) -> Kind:
    """The kind of a job whose map gives these columns; raises UsageError where its reduce does not fit them."""
    if job.key is None:
        return Appended(job, mapped)
    if isinstance(job.reduce, PerKey):
        return ByFunction(job, job.reduce)
    if isinstance(job.reduce, Latest):
        return Newest(job, reduction(job, mapped), job.reduce)
    return Reduced(job, reduction(job, mapped))
