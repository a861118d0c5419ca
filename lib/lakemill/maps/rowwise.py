"""What a map may do: treat every row on its own. Read from the analysed plan before anything runs.

The map is built once on stand-ins (empty relations with the sources' columns, each column tagged with its source), so
that the check needs no data, and a leaf without a tag is a table read behind lakemill's back.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.errors import AnalysisException, PySparkAttributeError
from pyspark.sql import DataFrame, SparkSession, functions as F
from pyspark.sql.types import StructField, StructType

from lakemill.core.joins import Joins
from lakemill.core.local import empty, one_row
from lakemill.core.reduction import reduction
from lakemill.errors import UsageError, first_line
from lakemill.job import Job
from lakemill.maps.analysed import (
    SUBQUERIES,
    classes,
    ids_of,
    node_name,
    plan_text,
    same_plan,
    tagged,
    tags_of,
    unseen,
)
from lakemill.maps.joined import joins_of
from lakemill.maps.names import check_reduced, check_source, column_faults
from lakemill.maps.varying import varying
from lakemill.quality.front import FrontDoor
from lakemill.reducers import PerKey

ROWWISE = {
    "Filter", "Generate", "Join", "LocalRelation", "Project", "RebalancePartitions", "Repartition",
    "RepartitionByExpression", "ResolvedHint", "Sort", "SubqueryAlias", "Union",
}  # fmt: skip
LEAVES = {"LocalRelation", "LogicalRDD", "LogicalRelation", "OneRowRelation", "Range", "DataSourceV2Relation"}
NAMES = {
    "Aggregate": "groupBy/agg", "Window": "a window function", "Deduplicate": "distinct/dropDuplicates",
    "Distinct": "distinct", "GlobalLimit": "limit", "LocalLimit": "limit", "Offset": "offset", "Sample": "sample",
    "Expand": "cube/rollup", "Intersect": "intersect", "Except": "except", "CollectMetrics": "observe",
}  # fmt: skip


@dataclass(frozen=True)
class CheckedMap:
    """A checked map.

    schema: the columns it gives.   plan: its plan as a text that is the same in every session.   fingerprint: a digest
    of everything that decides the target's rows, its state included.   joins: what it does with its sources.
    nodes, leaves: the plan as JSON, and the place of the source at each of its leaves, from the left.
    """

    schema: StructType
    plan: str
    fingerprint: str
    joins: Joins
    nodes: str
    leaves: tuple[int, ...]


def check_map(spark: SparkSession, job: Job, sources: Mapping[str, StructType]) -> CheckedMap:
    """The map over sources of these columns; raises UsageError, naming the node, where it is not row by row."""
    for name, source in sources.items():
        check_source(job, name, source)
    door = job.map if isinstance(job.map, FrontDoor) else None
    user = replace(job, map=door.map) if door else job
    first, second = _built(spark, user, sources), _built(spark, user, sources, a_row=True)
    plan, again = (frame._jdf.queryExecution().analyzed() for frame in (first, second))
    listed = str(plan.toJSON())
    nodes, tags = json.loads(listed), tags_of(plan)
    _Check(job, nodes, list(tags)).run()
    for why in varying(spark, plan, nodes):
        _refuse(job, f"MAP_NONDETERMINISTIC: {why}")
    text = plan_text(plan)
    if not same_plan(text, plan_text(again)):
        why = "a value from Python's clock or random, or a look at the rows as by count() or first()?"
        _refuse(job, f"MAP_NONDETERMINISTIC: built twice it gave two different plans ({why})")
    rows = _opened(job, door, first) if door else first
    schema = StructType([StructField(f.name, f.dataType, True) for f in rows.schema.fields])
    for fault in column_faults(job, schema, schema.names if job.key is None else job.key):
        _refuse(job, f"its map {fault}")
    check_reduced(job)
    leaves = tuple(int(min(sources_of_leaf)) for sources_of_leaf in tags)
    joins = joins_of(nodes, leaves, ids_of(plan))
    if door:
        plain = door.plain(first.schema)
        joins = replace(joins, origins={name: own for name, own in joins.origins.items() if name in plain})
    return CheckedMap(schema, text, _fingerprint(job, schema, text), joins, listed, leaves)


def _opened(job: Job, door: FrontDoor, mapped: DataFrame) -> DataFrame:
    """What the front door makes of the map's rows.

    Columns are typed and judged by lakemill's own expressions; a user's rules of rows are looked at as a map is.
    """
    try:
        rows, rules = door.opened(mapped), [F.expr(rule.predicate) for rule in door.contract.row_rules]
        plan = empty(mapped.sparkSession, door.typed(mapped).schema).select(*rules)._jdf.queryExecution().analyzed()
    except AnalysisException as error:
        raise UsageError(
            f"{job.target}: its contract does not fit what {door.__name__} gives: {first_line(error)}."
        ) from None
    nodes = json.loads(str(plan.toJSON()))
    for why in (*varying(mapped.sparkSession, plan, nodes), *unseen(nodes)) if rules else ():
        raise UsageError(f"{job.target}: a rule of rows of its contract is refused: {why}.")
    return rows


def _fingerprint(job: Job, schema: StructType, plan: str) -> str:
    reduced = [] if job.key is None or isinstance(job.reduce, PerKey) else reduction(job, schema).definition
    decisive = [plan, job.sources, job.key, reduced]
    if isinstance(job.map, FrontDoor):
        decisive.append(job.map.definition)
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:32]


def _built(spark: SparkSession, job: Job, sources: Mapping[str, StructType], a_row: bool = False) -> DataFrame:
    stand_in = one_row if a_row else empty
    stand_ins = [stand_in(spark, tagged(str(at), sources[name])) for at, name in enumerate(job.sources)]
    try:
        return job.mapped(*stand_ins)
    except (AnalysisException, PySparkAttributeError) as error:
        raise UsageError(f"{job.target}: its map does not fit {', '.join(job.sources)}: {first_line(error)}.") from None


@dataclass
class _Check:
    """A walk over the plan's nodes, which JSON lists parents first."""

    job: Job
    nodes: list[dict[str, Any]]
    leaves: list[set[str]]
    at: int = 0

    def run(self) -> None:
        self._subtree()
        for name in classes(self.nodes):
            if name in SUBQUERIES:
                _refuse(self.job, "MAP_NOT_ROWWISE: a subquery looks at other rows; make a source of it and join")
        for why in unseen(self.nodes):
            _refuse(self.job, why)

    def _subtree(self) -> set[str]:
        """The sources under the next node; raises where a node is not row by row."""
        node = self.nodes[self.at]
        self.at += 1
        name = node_name(node)
        if name in LEAVES:
            return self._leaf(node)
        if name not in ROWWISE:
            _refuse(self.job, f"MAP_NOT_ROWWISE: {NAMES.get(name, name)} looks at several rows; {_instead(name)}")
        below = [self._subtree() for _ in range(node["num-children"])]
        if name == "Join" and below[0] & below[1]:
            twice = self.job.sources[int(min(below[0] & below[1]))]
            _refuse(self.job, f"MAP_NOT_ROWWISE: it joins {twice} with itself; name it twice in `source`")
        return set().union(*below)

    def _leaf(self, node: dict[str, Any]) -> set[str]:
        tags = self.leaves.pop(0)
        if node_name(node) == "LocalRelation" and tags:
            return tags
        _refuse(self.job, f"its map reads something that is not one of its sources ({', '.join(self.job.sources)}): "
                f"{node_name(node)}. Name every table in `source` and take it as a parameter")  # fmt: skip
        return set()


def _instead(name: str) -> str:
    if name in ("Aggregate", "Deduplicate", "Distinct", "Window"):
        return "say it with key and reduce, or in a second job"
    return "a map keeps, changes, joins or drops single rows"


def _refuse(job: Job, why: str) -> None:
    name = job.map.__name__ if job.map else "map"
    raise UsageError(f"{job.target}: {name} is refused: {why}.")
