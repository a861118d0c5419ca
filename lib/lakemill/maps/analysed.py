"""An analysed plan: what is named in it, the sources that its leaves stand for, and a text that no session changes."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql.types import StructField, StructType

from lakemill.python.pure import marked

TAG = "lakemill.source"
USER_DEFINED = ("UDF", "UDAF", "UDTF")
"""How Spark ends the names of classes of user-defined functions, in whatever language and of whatever Spark."""
CATALOGS = {"ApplyFunctionExpression"}
"""Functions that a catalog brings."""
SUBQUERIES = {"Exists", "InSubquery", "LateralSubquery", "ListQuery", "ScalarSubquery"}


def tagged(name: str, schema: StructType) -> StructType:
    """The columns, each tagged with where they come from."""
    return StructType([StructField(f.name, f.dataType, True, {TAG: name}) for f in schema.fields])


def tags_of(plan: Any) -> list[set[str]]:
    """The source that each leaf is tagged with, from the left: JSON leaves a column's metadata out."""
    leaves = plan.collectLeaves()
    schemas = [json.loads(leaves.apply(at).schema().json()) for at in range(leaves.size())]
    return [{field["metadata"][TAG] for field in schema["fields"] if TAG in field["metadata"]} for schema in schemas]


def ids_of(plan: Any) -> dict[str, int]:
    """The ids of the plan's columns."""
    output = plan.output()
    columns = [output.apply(at) for at in range(output.size())]
    return {str(column.name()): int(column.exprId().id()) for column in columns}


def node_name(node: Mapping[str, Any]) -> str:
    """The class of a node or expression, without its package."""
    return str(node["class"]).rsplit(".", 1)[-1]


def classes(part: Any) -> Iterator[str]:
    """Every class named anywhere in the plan, expressions and subqueries included."""
    if isinstance(part, dict):
        if "class" in part:
            yield node_name(part)
        for value in part.values():
            yield from classes(value)
    elif isinstance(part, list):
        for value in part:
            yield from classes(value)


def unseen(part: Any) -> Iterator[str]:
    """Why the user-defined functions anywhere in the plan are refused, those that are not marked as pure."""
    if isinstance(part, dict):
        kind = node_name(part) if "class" in part else ""
        if kind == "PythonUDF" and not marked(str(part["name"])):
            yield (
                f'the Python function "{part["name"]}" cannot be seen through. If its value depends on nothing but its '
                'arguments, mark it: @pure("the type that it returns") (from lakemill import pure)'
            )
        if (kind != "PythonUDF" and kind.endswith(USER_DEFINED)) or kind in CATALOGS:
            yield f"a user-defined function ({kind}) cannot be seen through; write it with Spark's own functions"
        for value in part.values():
            yield from unseen(value)
    elif isinstance(part, list):
        for value in part:
            yield from unseen(value)


def lists(part: Any) -> Iterator[list[Any]]:
    """Every list in the plan: of an expression, JSON lists the parents first."""
    if isinstance(part, list):
        yield part
    if isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            yield from lists(value)


def tree(rest: Iterator[dict[str, Any]]) -> tuple[dict[str, Any], list[Any]]:
    """The next expression of such a list, with what is below it."""
    node = next(rest)
    return node, [tree(rest) for _ in range(node["num-children"])]


def plan_text(plan: Any) -> str:
    """The plan as JSON, and as Spark prints its expressions: JSON leaves maps out, such as the options of from_csv."""
    seen: dict[str, int] = {}
    printed = re.sub(r"\blambda \w+#", "lambda #", _printed(plan))
    return normal(plan.toJSON()) + re.sub(r"#(\d+)", lambda id: f"#{seen.setdefault(id.group(1), len(seen))}", printed)


def _printed(plan: Any) -> str:
    """The plan as Spark prints it, verbose, with no suffix, and no field left out."""
    how = (True, False, 100_000, False)
    try:
        return str(plan.treeString(*how))
    except Py4JError:  # from Spark 4.1 it is also told whether to print what each node gives
        return str(plan.treeString(*how, False))


def same_plan(left: str, right: str) -> bool:
    """Whether two plans' texts are the same, but for the rows of their stand-ins."""
    return _without_rows(left) == _without_rows(right)


def _without_rows(text: str) -> str:
    return text.replace('"data":null', '"data":[]').replace("LocalRelation <empty>, ", "LocalRelation ")


def normal(plan: str) -> str:
    """The plan's JSON with the columns numbered in their order of appearance: sessions number them differently.

    Variables of lambdas have a number in their name besides, and literals of bytes are told by their place in memory;
    both are left out.
    """
    plan = re.sub(r'(\.NamedLambdaVariable","num-children":0,"name":")\w+"', r'\1"', plan)
    plan = re.sub(r'"\[B@[0-9a-f]+"', '""', plan)
    seen: dict[str, int] = {}

    def number(match: "re.Match[str]") -> str:
        return f'"id":{seen.setdefault(match.group(1), len(seen))}'

    return re.sub(r'"id":(\d+),"jvmId":"[^"]*"', number, plan)


def each(sequence: Any) -> list[Any]:
    """What a Scala sequence holds."""
    return [sequence.apply(at) for at in range(sequence.size())]
