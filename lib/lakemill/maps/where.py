"""Which keys a condition as `day = '2017-05-01'` means, checked against the key's columns before anything runs."""

import json

from pyspark.errors import PySparkException
from pyspark.sql import Column, SparkSession, functions as F
from pyspark.sql.types import StringType, StructType

from lakemill.core.local import empty, one_row
from lakemill.errors import UsageError, first_line
from lakemill.job import Job
from lakemill.maps.analysed import SUBQUERIES, classes
from lakemill.maps.varying import varying


def keys_where(spark: SparkSession, job: Job, mapped: StructType, condition: str) -> Column:
    """The condition, over the key's columns alone; raises UsageError where it is about anything else."""
    if not job.key:
        raise UsageError(f"{job.target}: --where chooses keys, and it has none. --policy rebuild makes it anew.")
    keys = StructType([field for field in mapped.fields if field.name in job.key])
    try:
        plan = empty(spark, keys).where(F.expr(condition))._jdf.queryExecution().analyzed()
    except PySparkException as error:
        raise _no_condition(job, condition, error) from None
    nodes = json.loads(plan.toJSON())
    if SUBQUERIES & set(classes(nodes)) or any(varying(spark, plan, nodes)):
        raise UsageError(
            f'{job.target}: --where "{condition}" must mean the same keys always: no subquery, no clock, nothing '
            "random."
        )
    # Spark reads a text as a number where it is compared with one: of any text that is none, that fails the run.
    texts = {field.name: F.lit("a") for field in keys.fields if isinstance(field.dataType, StringType)}
    try:
        one_row(spark, keys).withColumns(texts).where(F.expr(condition)).collect()
    except PySparkException as error:
        raise _no_condition(job, condition, error) from None
    return F.expr(condition)


def _no_condition(job: Job, condition: str, error: PySparkException) -> UsageError:
    keys, why = ", ".join(job.key or ()), first_line(error)
    return UsageError(f'{job.target}: --where "{condition}" is no condition on its key ({keys}): {why}.')
