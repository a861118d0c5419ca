"""What of an analysed plan gives another value another time: the clock, chance, and what Spark wrongly calls fixed."""

from collections.abc import Iterator
from typing import Any

from pyspark.sql import SparkSession

from lakemill.maps.analysed import classes, lists, node_name, tree

# Spark calls these deterministic, since they are fixed within one query; a job runs in many. They are named for people:
# Spark marks the plan of whatever it replaces by the clock, the user or the place, those of a newer Spark included.
UNFIXED = {
    "CurrentBatchTimestamp", "CurrentCatalog", "CurrentDatabase", "CurrentDate", "CurrentTime", "CurrentTimestamp",
    "CurrentTimeZone", "CurrentUser", "LocalTimestamp", "Now", "UnixTimestamp$",
}  # fmt: skip
RELEASED = {"SparkVersion"}
"""What gives another value after an upgrade."""
RANDOM = {
    "CallMethodViaReflection", "InputFileBlockLength", "InputFileBlockStart", "InputFileName",
    "MonotonicallyIncreasingID", "Rand", "RandStr", "Randn", "Shuffle", "SparkPartitionID", "Uniform", "Uuid",
}  # fmt: skip
"""Names for people; whether a plan is random, Spark says."""
ENCRYPTION = "AesEncrypt"
MODE, VECTOR = 2, 4
"""The places of a mode and an initialization vector among the arguments of aes_encrypt."""


def varying(spark: SparkSession, plan: Any, nodes: list[dict[str, Any]]) -> Iterator[str]:
    """Why the plan, and its nodes as JSON lists them, may mean other values another time."""
    names = set(classes(nodes))
    for name in sorted(names & UNFIXED):
        yield f"{name} gives another value on another day"
    if not names & UNFIXED and _current(spark, plan):
        yield "an expression of it gives another value on another day, for another user or in another place"
    for name in sorted(names & RELEASED):
        yield f"{name} gives another value after an upgrade"
    if not plan.deterministic():
        suspect = min(names & RANDOM, default="an expression of it")
        yield f"{suspect} gives another value each time"
    if _dated(spark, plan):
        yield "a text such as 'today' or 'now', taken for a date, is another one on another day"
    if _encrypts(nodes):
        yield "aes_encrypt without an iv gives another value each time"


def _current(spark: SparkSession, plan: Any) -> bool:
    """Whether Spark is to replace something by the time, the user or the place of a query."""
    patterns: Any = spark._jvm.org.apache.spark.sql.catalyst.trees.TreePattern  # type: ignore[union-attr]
    return bool(plan.containsPattern(patterns.CURRENT_LIKE()))


def _dated(spark: SparkSession, plan: Any) -> bool:
    """Whether Spark's optimizer puts a date of its own in the place of a text."""
    rules: Any = spark._jvm.org.apache.spark.sql.catalyst.optimizer  # type: ignore[union-attr]
    plain = rules.ReplaceExpressions.apply(plan)  # as to_date, which becomes a cast
    return not plain.fastEquals(rules.SpecialDatetimeValues.apply(plain))


def _encrypts(nodes: list[dict[str, Any]]) -> bool:
    """Whether it encrypts in a mode with an initialization vector, which is random unless it is given."""
    for listed in lists(nodes):
        for at, node in enumerate(listed):
            if isinstance(node, dict) and "class" in node and node_name(node) == ENCRYPTION:
                arguments = [_literal(argument) for argument in tree(iter(listed[at:]))[1]]
                if arguments[MODE] != "ECB" and arguments[VECTOR] == "":
                    return True
    return False


def _literal(argument: tuple[dict[str, Any], list[Any]]) -> Any:
    """The value of a literal argument, be it cast."""
    node, below = argument
    return _literal(below[0]) if node_name(node) == "Cast" else node.get("value")
