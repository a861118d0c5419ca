"""A job's check before anything runs: its map row by row and, where it reduces by PerKey, its function key by key."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyspark.errors import AnalysisException, PySparkAttributeError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from lakemill.core.local import empty, one_row
from lakemill.errors import UsageError, did_you_mean, first_line
from lakemill.job import Job
from lakemill.maps.analysed import SUBQUERIES, classes, plan_text, same_plan, tagged, tags_of
from lakemill.maps.keywise import IN_PYTHON, Keywise, not_per_key, refuse
from lakemill.maps.names import column_faults
from lakemill.maps.rowwise import CheckedMap, check_map
from lakemill.maps.varying import varying
from lakemill.python.bytecode import digest
from lakemill.reducers import PerKey


def check_job(spark: SparkSession, job: Job, sources: Mapping[str, StructType]) -> CheckedMap:
    """The job's checked map, and what PerKey makes of it; raises UsageError where either is refused."""
    mapped = check_map(spark, job, sources)
    if not isinstance(job.reduce, PerKey):
        return mapped
    both = mapped.fingerprint + check_per_key(spark, job, job.reduce, mapped.schema)
    return replace(mapped, fingerprint=hashlib.sha256(both.encode()).hexdigest()[:32])


def check_per_key(spark: SparkSession, job: Job, per_key: PerKey, mapped: StructType) -> str:
    """PerKey's function as a text that is the same in every session and changes with what it does.

    Raises UsageError, naming the node of its plan, where it cannot be computed key by key.
    """
    _has_key(job, mapped.names, "its map")
    made = _built(spark, job, per_key, mapped)
    plan = made._jdf.queryExecution().analyzed()
    nodes = json.loads(plan.toJSON())
    _has_key(job, made.schema.names, str(job.reduce))
    for fault in column_faults(job, made.schema, made.schema.names):
        refuse(job, f"it {fault}")
    _check_fixed(spark, job, plan, nodes)
    Keywise(job, nodes, tags_of(plan)).check(plan)
    text = plan_text(plan)
    again = _built(spark, job, per_key, mapped, a_row=True)._jdf.queryExecution().analyzed()
    if not same_plan(text, plan_text(again)):
        why = (
            "built twice it gave two different plans (Python's clock or random, a view for spark.sql, or a look at the "
            "rows as by count() or first()?)"
        )
        refuse(job, f"NONDETERMINISTIC: {why}")
    return text + _python(job, per_key) if IN_PYTHON & set(classes(nodes)) else text


def _built(spark: SparkSession, job: Job, per_key: PerKey, mapped: StructType, a_row: bool = False) -> DataFrame:
    try:
        return per_key.rows((one_row if a_row else empty)(spark, tagged("the mapped rows", mapped)))
    except UsageError as error:
        raise UsageError(f"{job.target}: {error}.") from None
    except (AnalysisException, PySparkAttributeError) as error:
        raise UsageError(f"{job.target}: {job.reduce} does not fit what its map gives: {first_line(error)}.") from None


def _has_key(job: Job, names: list[str], what: str) -> None:
    for name in job.key or ():
        if name not in names:
            raise UsageError(
                f'{job.target}: its key has "{name}", but {what} gives {", ".join(names)}. {did_you_mean(name, names)}'
            )


def _check_fixed(spark: SparkSession, job: Job, plan: Any, nodes: list[dict[str, Any]]) -> None:
    if SUBQUERIES & set(classes(nodes)):
        not_per_key(job, "a subquery looks at other keys' rows")
    for why in varying(spark, plan, nodes):
        refuse(job, f"NONDETERMINISTIC: {why}")


def _python(job: Job, per_key: PerKey) -> str:
    try:
        return digest(per_key.fn)
    except UsageError as error:
        raise UsageError(f"{job.target}: {job.reduce} {error}.") from None
