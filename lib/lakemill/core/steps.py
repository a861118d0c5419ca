"""A physical plan in the words of MapReduce: map, combine, shuffle, reduce."""

import re

from pyspark.sql import DataFrame

AGGREGATES = ("HashAggregate", "ObjectHashAggregate", "SortAggregate")


def steps(frame: DataFrame) -> list[tuple[str, str]]:
    """Each operator of the frame's physical plan, first to run first, with its word.

    map: up to the first partial aggregate.   combine: partial aggregates, before rows move.   shuffle: rows move to
    where their key is.   reduce: the rest.
    """
    text = frame._jdf.queryExecution().executedPlan().toString()
    operators = [_operator(line) for line in text.splitlines() if line.strip()]
    worded: list[tuple[str, str]] = []
    for operator in reversed(operators):
        if not operator.startswith(("AdaptiveSparkPlan", "WholeStageCodegen", "InputAdapter")):
            worded.append((_word(operator, worded), operator))
    return worded


def _operator(line: str) -> str:
    text = re.sub(r"^[\s:+|\-]*(\*\(\d+\)\s*)?", "", line)
    return re.sub(r"#\d+L?", "", text)


def _word(operator: str, before: list[tuple[str, str]]) -> str:
    words = [word for word, _ in before]
    if operator.startswith(AGGREGATES):
        return "combine" if "partial_" in operator or "shuffle" not in words or words[-1] == "map" else "reduce"
    if operator.startswith("Exchange"):
        return "shuffle" if "combine" in words else "map"
    return "map" if "combine" not in words else words[-1] if words[-1] == "combine" else "reduce"
