"""What a map may do: treat every row on its own. Read from the analysed plan before anything runs.

The map is built once on stand-ins (empty relations with the sources' columns, each column tagged with its source), so
that the check needs no data, and a leaf without a tag is a table read behind lakemill's back.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.errors import AnalysisException, PySparkAttributeError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from lakemill.core.joins import Joins, joins_of
from lakemill.core.local import empty, one_row
from lakemill.core.reduction import reduction
from lakemill.errors import UsageError
from lakemill.job import RESERVED, Job
from lakemill.pure import marked
from lakemill.reducers import PerKey
from lakemill.reducers.columns import has_no_order

TAG = "lakemill.source"
ROWWISE = {
    "Filter", "Generate", "Join", "LocalRelation", "Project", "RebalancePartitions", "Repartition",
    "RepartitionByExpression", "ResolvedHint", "Sort", "SubqueryAlias", "Union",
}  # fmt: skip
LEAVES = {"LocalRelation", "LogicalRDD", "LogicalRelation", "OneRowRelation", "Range", "DataSourceV2Relation"}
# Spark calls these deterministic, since they are fixed within one query; a map runs in many.
UNFIXED = {
    "CurrentBatchTimestamp", "CurrentCatalog", "CurrentDatabase", "CurrentDate", "CurrentTime", "CurrentTimestamp",
    "CurrentTimeZone", "CurrentUser", "LocalTimestamp", "Now", "UnixTimestamp$",
}  # fmt: skip
SUBQUERIES = {"Exists", "InSubquery", "LateralSubquery", "ListQuery", "ScalarSubquery"}
RANDOM = {
    "CallMethodViaReflection", "InputFileBlockLength", "InputFileBlockStart", "InputFileName",
    "MonotonicallyIncreasingID", "Rand", "RandStr", "Randn", "Shuffle", "SparkPartitionID", "Uniform", "Uuid",
}  # fmt: skip
OWN = {
    RESERVED, "_added", "_all", "_at_risk", "_count", "_each", "_entries", "_found", "_gone", "_half", "_one", "_part",
    "_place", "_removed", "_rows", "_sign", "_sums", "_trial", "_was", "_weight",
}  # fmt: skip
OWN_PREFIXES = ("_best_", "_distinct_", "_entries_", "_sum_", "_value_")
NAMES = {
    "Aggregate": "groupBy/agg", "Window": "a window function", "Deduplicate": "distinct/dropDuplicates",
    "Distinct": "distinct", "GlobalLimit": "limit", "LocalLimit": "limit", "Offset": "offset", "Sample": "sample",
    "Expand": "cube/rollup", "Intersect": "intersect", "Except": "except", "CollectMetrics": "observe",
}  # fmt: skip


@dataclass(frozen=True)
class Mapped:
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


def check_map(spark: SparkSession, job: Job, sources: Mapping[str, StructType]) -> Mapped:
    """The map over sources of these columns; raises UsageError, naming the node, where it is not row by row."""
    for name, source in sources.items():
        if "_weight" in (column.lower() for column in source.names):
            raise UsageError(f'{job.target}: {name} has a column "_weight", which is lakemill\'s own; rename it.')
    first, second = _built(spark, job, sources), _built(spark, job, sources, a_row=True)
    plan = first._jdf.queryExecution().analyzed()
    said = str(plan.toJSON())
    nodes, tags = json.loads(said), tags_of(plan)
    _Check(job, nodes, list(tags)).run()
    if not plan.deterministic():
        _refuse(job, f"MAP_NONDETERMINISTIC: {suspect(nodes)} gives another value each time")
    text = plan_text(plan)
    if without_rows(text) != without_rows(plan_text(second._jdf.queryExecution().analyzed())):
        why = "a value from Python's clock or random, or a look at the rows as by count() or first()?"
        _refuse(job, f"MAP_NONDETERMINISTIC: built twice it gave two different plans ({why})")
    schema = StructType([StructField(f.name, f.dataType, True) for f in first.schema.fields])
    _check_columns(job, schema)
    _check_reduced(job)
    leaves = tuple(int(min(each)) for each in tags)
    joins = joins_of(nodes, leaves, _ids(plan))
    return Mapped(schema, text, _fingerprint(job, schema, text), joins, said, leaves)


def _ids(plan: Any) -> dict[str, int]:
    """The ids of the plan's columns."""
    output = plan.output()
    columns = [output.apply(at) for at in range(output.size())]
    return {str(column.name()): int(column.exprId().id()) for column in columns}


def _fingerprint(job: Job, schema: StructType, plan: str) -> str:
    reduced = [] if job.appends or isinstance(job.reduce, PerKey) else reduction(job, schema).definition
    said = [plan, job.sources, job.key, reduced]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def _built(spark: SparkSession, job: Job, sources: Mapping[str, StructType], a_row: bool = False) -> DataFrame:
    stand_in = one_row if a_row else empty
    stand_ins = [stand_in(spark, tagged(str(at), sources[name])) for at, name in enumerate(job.sources)]
    try:
        return job.mapped(*stand_ins)
    except (AnalysisException, PySparkAttributeError) as wrong:
        said = str(wrong).split(" SQLSTATE")[0].split("\n")[0].rstrip(";. ")
        raise UsageError(f"{job.target}: its map does not fit {', '.join(job.sources)}: {said}.") from None


def tagged(name: str, schema: StructType) -> StructType:
    """The columns, each tagged with where they come from."""
    return StructType([StructField(f.name, f.dataType, True, {TAG: name}) for f in schema.fields])


def _check_columns(job: Job, schema: StructType) -> None:
    names = [name.lower() for name in schema.names]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        _refuse(job, f'its map gives "{min(twice)}" twice; give one of them another name')
    unnamed = [name for name in schema.names if marked(name)]
    if unnamed:
        _refuse(job, f'a column of its map is called "{unnamed[0]}"; give it a name with .alias("...")')
    own = {name for name in names if is_own(name)}
    if own:
        _refuse(job, f'its map gives "{min(own)}", which is lakemill\'s own column; choose another name')
    for field in schema.fields:
        if (job.appends or field.name in (job.key or ())) and has_no_order(field.dataType):
            kind = field.dataType.simpleString()
            _refuse(job, f'"{field.name}" is {kind}, and such rows cannot be compared; use an array of structs')


def _check_reduced(job: Job) -> None:
    """The columns that a job with reducers gives."""
    names = [name.lower() for name in (*(job.key or ()), *job.reducers)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f'{job.target}: its key and reduce give "{name}" twice; give one of them another name.')
        if is_own(name):
            raise UsageError(f'{job.target}: "{name}" is lakemill\'s own column; choose another name.')


def is_own(name: str) -> bool:
    """Whether lakemill calls a column of its own so while it works."""
    return name in OWN or name.startswith(OWN_PREFIXES)


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
            if name in UNFIXED:
                _refuse(self.job, f"MAP_NONDETERMINISTIC: {name} gives another value on another day")
            if name in SUBQUERIES:
                _refuse(self.job, "MAP_NOT_ROWWISE: a subquery looks at other rows; make a source of it and join")
        for why in unseen(self.nodes):
            _refuse(self.job, why)

    def _subtree(self) -> set[str]:
        """The sources under the next node; raises where a node is not row by row."""
        node = self.nodes[self.at]
        self.at += 1
        name = _name(node)
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
        if _name(node) == "LocalRelation" and tags:
            return tags
        _refuse(self.job, f"its map reads something that is not one of its sources ({', '.join(self.job.sources)}): "
                f"{_name(node)}. Name every table in `source` and take it as a parameter")  # fmt: skip
        return set()


def tags_of(plan: Any) -> list[set[str]]:
    """The source that each leaf is tagged with, from the left: JSON leaves a column's metadata out."""
    leaves = plan.collectLeaves()
    schemas = [json.loads(leaves.apply(at).schema().json()) for at in range(leaves.size())]
    return [{field["metadata"][TAG] for field in said["fields"] if TAG in field["metadata"]} for said in schemas]


def _instead(name: str) -> str:
    if name in ("Aggregate", "Deduplicate", "Distinct", "Window"):
        return "say it with key and reduce, or in a second job"
    return "a map keeps, changes, joins or drops single rows"


def _name(node: dict[str, Any]) -> str:
    return str(node["class"]).rsplit(".", 1)[-1]


def classes(said: Any) -> Iterator[str]:
    """Every class named anywhere in the plan, expressions and subqueries included."""
    if isinstance(said, dict):
        if "class" in said:
            yield _name(said)
        for value in said.values():
            yield from classes(value)
    elif isinstance(said, list):
        for value in said:
            yield from classes(value)


def unseen(said: Any) -> Iterator[str]:
    """Why the user-defined functions anywhere in the plan are refused, those that are not marked as pure."""
    if isinstance(said, dict):
        kind = _name(said) if "class" in said else ""
        if kind == "PythonUDF" and not marked(str(said["name"])):
            yield (
                f'the Python function "{said["name"]}" cannot be seen through. If its value depends on nothing but its '
                'arguments, mark it: @pure("the type that it returns") (from lakemill import pure)'
            )
        if kind in ("PythonUDTF", "ScalaUDF") or kind.endswith("UDAF"):
            yield f"a user-defined function ({kind}) cannot be seen through; write it with Spark's own functions"
        for value in said.values():
            yield from unseen(value)
    elif isinstance(said, list):
        for value in said:
            yield from unseen(value)


def suspect(nodes: list[dict[str, Any]]) -> str:
    """What of the plan gives another value each time, as far as its name tells."""
    return next((name for name in classes(nodes) if name in RANDOM), "an expression of it")


def plan_text(plan: Any) -> str:
    """The plan as JSON, and as Spark prints its expressions: JSON leaves maps out, such as the options of from_csv."""
    seen: dict[str, int] = {}
    printed = re.sub(r"\blambda \w+#", "lambda #", plan.treeString(True, False, 100_000, False))
    return normal(plan.toJSON()) + re.sub(r"#(\d+)", lambda id: f"#{seen.setdefault(id.group(1), len(seen))}", printed)


def without_rows(text: str) -> str:
    """The text of a plan, whether its stand-ins are empty or not."""
    return text.replace('"data":null', '"data":[]').replace("LocalRelation <empty>, ", "LocalRelation ")


def normal(plan: str) -> str:
    """The plan's JSON with the columns numbered in their order of appearance: sessions number them differently.

    Variables of lambdas have a number in their name besides, which is left out.
    """
    plan = re.sub(r'(\.NamedLambdaVariable","num-children":0,"name":")\w+"', r'\1"', plan)
    seen: dict[str, int] = {}

    def number(match: "re.Match[str]") -> str:
        return f'"id":{seen.setdefault(match.group(1), len(seen))}'

    return re.sub(r'"id":(\d+),"jvmId":"[^"]*"', number, plan)


def _refuse(job: Job, why: str) -> None:
    name = job.map.__name__ if job.map else "map"
    raise UsageError(f"{job.target}: {name} is refused: {why}.")
