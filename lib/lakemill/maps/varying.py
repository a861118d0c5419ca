"""What of an analysed plan gives another value another time: the clock, chance, and what Spark wrongly calls fixed."""

from collections.abc import Iterator
from typing import Any

from pyspark.sql import SparkSession

from lakemill.maps.analysed import classes, lists, node_name, tree

# Spark calls these deterministic, since they are fixed within one query; a job runs in many.
UNFIXED = {
    "CurrentBatchTimestamp", "CurrentCatalog", "CurrentDatabase", "CurrentDate", "CurrentTime", "CurrentTimestamp",
    "CurrentTimeZone", "CurrentUser", "LocalTimestamp", "Now", "UnixTimestamp$",
}  # fmt: skip
RANDOM = {
    "CallMethodViaReflection", "InputFileBlockLength", "InputFileBlockStart", "InputFileName",
    "MonotonicallyIncreasingID", "Rand", "RandStr", "Randn", "Shuffle", "SparkPartitionID", "Uniform", "Uuid",
}  # fmt: skip
ENCRYPTION = "AesEncrypt"
MODE, VECTOR = 2, 4
"""The places of a mode and an initialization vector among the arguments of aes_encrypt."""


def varying(spark: SparkSession, plan: Any, nodes: list[dict[str, Any]]) -> Iterator[str]:
    """Why the plan, and its nodes as JSON lists them, may mean other values another time."""
    for name in classes(nodes):
        if name in UNFIXED:
            yield f"{name} gives another value on another day"
    if not plan.deterministic():
        suspect = next((name for name in classes(nodes) if name in RANDOM), "an expression of it")
        yield f"{suspect} gives another value each time"
    if _dated(spark, plan):
        yield "a text such as 'today' or 'now', taken for a date, is another one on another day"
    if _encrypts(nodes):
        yield "aes_encrypt without an iv gives another value each time"


def _dated(spark: SparkSession, plan: Any) -> bool:
    """Whether Spark's optimizer puts a date of its own in the place of a text."""
    rules: Any = spark._jvm.org.apache.spark.sql.catalyst.optimizer  # type: ignore[union-attr]
    plain = rules.ReplaceExpressions.apply(plan)  # as to_date, which becomes a cast
    return not plain.fastEquals(rules.SpecialDatetimeValues.apply(plain))


def _encrypts(nodes: list[dict[str, Any]]) -> bool:
    """Whether it encrypts in a mode with an initialization vector, which is random unless it is given."""
    for said in lists(nodes):
        for at, node in enumerate(said):
            if isinstance(node, dict) and "class" in node and node_name(node) == ENCRYPTION:
                given = [_literal(one) for one in tree(iter(said[at:]))[1]]
                if given[MODE] != "ECB" and given[VECTOR] == "":
                    return True
    return False


def _literal(given: tuple[dict[str, Any], list[Any]]) -> Any:
    """The value of a literal argument, be it cast."""
    node, below = given
    return _literal(below[0]) if node_name(node) == "Cast" else node.get("value")
