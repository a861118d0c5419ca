"""What depends on the order in which rows happen to come: read from the expressions of an analysed plan."""

import re
from typing import Any

from py4j.java_gateway import JavaClass

from lakemill.maps.analysed import each

BY_ORDER = {
    "AnyValue", "ApproximatePercentile", "First", "HistogramNumeric", "HllSketchAgg", "HllUnionAgg", "Last", "ListAgg",
    "MaxBy", "MinBy", "Mode",
}  # fmt: skip
"""Aggregates that may give another value when rows come in another order, by ties or in their sketches."""
DOUBLES = {
    "Corr", "CovPopulation", "CovSample", "Kurtosis", "Product", "RegrAvgX", "RegrAvgY", "RegrIntercept", "RegrR2",
    "RegrSXX", "RegrSXY", "RegrSYY", "RegrSlope", "Skewness", "StddevPop", "StddevSamp", "VariancePop", "VarianceSamp",
}  # fmt: skip
"""Aggregates that add doubles up, which round: the last digits depend on the order of rows."""
ROUNDED = {"Sum": {"double", "float"}, "Average": {"double", "float", "bigint"}}
"""Those that do so where they are given these types; of bigints, Spark adds up doubles for a mean."""
LISTS = {"CollectList", "CollectSet"}
"""Those that give the same values in another order."""
ORDERLESS = {"ArrayContains", "ArrayMax", "ArrayMin", "ArraySort", "Size", "SortArray"}
"""What does not depend on the order of a list."""
EACH = {
    "AggregateExpression", "ArrayDistinct", "ArrayFilter", "ArrayTransform", "Cast", "Flatten", "LambdaFunction",
    "WindowExpression",
}  # fmt: skip
"""What does the same with each value of a list, wherever it stands."""


def chance(expression: Any, instead: str) -> str | None:
    """Why what the expression gives is not fixed by the rows alone; `instead`: what to do about it."""
    found = _chance(expression)
    if found in DOUBLES or found in ROUNDED:
        decimals = "add up decimals instead, as in sum(cast(x as decimal(38, 6)))"
        return f"{found} adds up doubles, which round as rows happen to come; {decimals}"
    return f"{found} depends on the order in which rows happen to come; {instead}" if found else None


def _chance(expression: Any, orderless: bool = False) -> str | None:
    """The aggregate under the expression whose value depends on the order of the rows.

    orderless: whether the order of what the expression gives, a list, does not matter.
    """
    name = str(expression.getClass().getSimpleName())
    if _by_order(expression, name) or (name in LISTS and not orderless):
        return name
    orderless = (name in ORDERLESS and not _compares(expression, name)) or (
        orderless and name in EACH and not _counts(expression, name)
    )
    return next((found for one in each(expression.children()) if (found := _chance(one, orderless))), None)


def _by_order(expression: Any, name: str) -> bool:
    """Whether an aggregate gives another value when rows come in another order."""
    if name in ROUNDED:
        return any(str(child.dataType().simpleString()) in ROUNDED[name] for child in each(expression.children()))
    chosen = name == "Mode" and bool(expression.reverseOpt().isDefined())  # of several, the least or the greatest
    return (name in BY_ORDER and not chosen) or name in DOUBLES


def _compares(expression: Any, name: str) -> bool:
    """Whether a list is sorted by a function of the user's, for which different values may tie."""
    if name != "ArraySort":
        return False
    default = JavaClass(str(expression.getClass().getName()), expression._gateway_client).defaultComparator()
    said, plain = (re.sub(r"#\d+L?|'", "", str(one.toString())) for one in (expression.function(), default))
    return said != plain


def _counts(expression: Any, name: str) -> bool:
    """Whether a function of each value of a list is also given its place."""
    return name in ("ArrayTransform", "ArrayFilter") and int(expression.function().arguments().size()) > 1
