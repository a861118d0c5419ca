"""Restate: some keys of a table made anew from its sources, as a rebuild would make them."""

from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import Column, DataFrame, functions as F

from lakemill.columns import column, one_zero
from lakemill.core import bags, mapreduce
from lakemill.core.local import holding
from lakemill.lake.merge import merge_keys, merge_rows
from lakemill.observe.runs import Run
from lakemill.reducers import PerKey
from lakemill.refresh.commit import commit, stage
from lakemill.refresh.plan import NOTHING, REBUILD, Plan
from lakemill.refresh.task import Task


def restate(task: Task, where: Column, said: str, run: Run) -> None:
    """Make the keys of a condition anew, from the versions that the table is made from; the others stay."""
    before = f"; {run.plan} {run.reason} before it" if run.plan != NOTHING else ""
    task = replace(task, plan=Plan(REBUILD, "ASKED_FOR", f"--where {said}{before}"))
    run.plan, run.reason, run.detail = task.plan.kind, task.plan.reason, task.plan.detail
    mapped, old = task.job.mapped(*[task.pins[name].rows() for name in task.job.sources]), task.stored().where(where)
    if isinstance(task.job.reduce, PerKey):
        _per_key(task, mapped.where(where), old, run)
    else:
        _keyed(task, _one_zero(mapped, task.reduction.key).where(where), old, run)
    run.keys_touched = run.keys_recomputed


def _one_zero(mapped: DataFrame, key: Sequence[str]) -> DataFrame:
    """The mapped rows with the keys that the table has, so that the condition means the same rows in both."""
    return mapped.withColumns({name: one_zero(column(name), mapped.schema[name].dataType) for name in key})


def _keyed(task: Task, mapped: DataFrame, old: DataFrame, run: Run) -> None:
    target, key = task.target, task.reduction.key
    with holding(False) as held:
        with stage(run, "recompute"):
            rows, run.keys_recomputed = held.hold(_with_gone(task, mapped, old))
        commit(target, task.target_version, task.next_progress(), run, lambda: merge_keys(target, rows, key))


def _per_key(task: Task, mapped: DataFrame, old: DataFrame, run: Run) -> None:
    assert isinstance(task.job.reduce, PerKey)
    target, key = task.target, bags.key_columns(task.job.key or ())
    with holding(False) as held:
        with stage(run, "recompute"):
            changed, _ = held.hold(bags.difference(old, task.job.reduce.rows(mapped)))
            keys, run.keys_recomputed = held.hold(mapped.select(*key).union(old.select(*key)).distinct())
            bags.check_keys(task.job, changed, keys, few=False)
        commit(target, task.target_version, task.next_progress(), run, lambda: merge_rows(target, changed))


def _with_gone(task: Task, mapped: DataFrame, old: DataFrame) -> DataFrame:
    """The keys as they should be, and, `_gone`, those that should not be."""
    now = mapreduce.target_rows(mapreduce.totals(mapped, task.reduction), task.reduction)
    met = mapreduce.same_key(task.reduction.key, "t", "s")
    gone = old.alias("t").join(now.alias("s"), met, "left_anti").withColumn(mapreduce.GONE, F.lit(True))
    return now.withColumn(mapreduce.GONE, F.lit(False)).unionByName(gone)
