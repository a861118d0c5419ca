"""What depends on the order in which rows happen to come: read from the expressions of an analysed plan."""

import re
from typing import Any

from py4j.java_gateway import JavaClass

from lakemill.maps.analysed import each

# What is not in a list is refused by its name: an aggregate of a newer Spark may hang on the order of rows without a
# word, and then a rebuild gives other rows than an update did. Whoever adds one here has read how Spark computes it.
ORDERLESS_AGGREGATES = {
    "BitAndAgg", "BitOrAgg", "BitXorAgg", "BitmapAndAgg", "BitmapConstructAgg", "BitmapOrAgg", "BoolAnd", "BoolOr",
    "Count", "CountIf", "CountMinSketchAgg", "HyperLogLogPlusPlus", "Max", "Median", "Min", "Percentile",
    "PercentileCont", "PercentileDisc", "PivotFirst", "RegrCount",
}  # fmt: skip
"""Aggregates that give the same value in whatever order rows come."""
BY_ORDER = {
    "AnyValue", "ApproximatePercentile", "First", "HistogramNumeric", "HllSketchAgg", "HllUnionAgg", "Last", "ListAgg",
    "MaxBy", "MinBy", "Mode",
}  # fmt: skip
"""Those that may give another value when rows come in another order, by ties or in their sketches."""
DOUBLES = {
    "Corr", "CovPopulation", "CovSample", "Kurtosis", "Product", "RegrAvgX", "RegrAvgY", "RegrIntercept", "RegrR2",
    "RegrSXX", "RegrSXY", "RegrSYY", "RegrSlope", "Skewness", "StddevPop", "StddevSamp", "VariancePop", "VarianceSamp",
}  # fmt: skip
"""Those that add doubles up, which round: the last digits depend on the order of rows."""
ROUNDED = {"Sum": {"double", "float"}, "Average": {"double", "float", "bigint"}}
"""Those that do so where they are given these types; of bigints, Spark adds up doubles for a mean."""
LISTS = {"CollectList", "CollectSet"}
"""Those that give the same values in another order."""
ORDERLESS = {"ArrayContains", "ArrayMax", "ArrayMin", "ArraySort", "Size", "SortArray"}
"""What does not depend on the order of a list."""
BY_VALUE = {
    "AggregateExpression", "ArrayDistinct", "ArrayFilter", "ArrayTransform", "Cast", "Flatten", "LambdaFunction",
    "WindowExpression",
}  # fmt: skip
"""What does the same with each value of a list, wherever it stands."""


def chance(expression: Any, instead: str) -> str | None:
    """Why what the expression gives is not fixed by the rows alone; `instead`: what to do about it."""
    name = _chance(expression)
    if name is None:
        return None
    if name in DOUBLES or name in ROUNDED:
        decimals = "add up decimals instead, as in sum(cast(x as decimal(38, 6)))"
        return f"{name} adds up doubles, which round as rows happen to come; {decimals}"
    if name in BY_ORDER or name in LISTS:
        return f"{name} depends on the order in which rows happen to come; {instead}"
    return f"{name} is not known to give the same value in whatever order rows come; use another aggregate"


def _chance(expression: Any, orderless: bool = False) -> str | None:
    """The aggregate under the expression whose value may depend on the order of the rows.

    orderless: whether the order of what the expression gives, a list, does not matter.
    """
    name = str(expression.getClass().getSimpleName())
    if name == "AggregateExpression":
        function = expression.aggregateFunction()
        aggregate = str(function.getClass().getSimpleName())
        if not (_fixed(function, aggregate) or (aggregate in LISTS and orderless)):
            return aggregate
    orderless = (name in ORDERLESS and not _compares(expression, name)) or (
        orderless and name in BY_VALUE and not _counts(expression, name)
    )
    below = (_chance(child, orderless) for child in each(expression.children()))
    return next((aggregate for aggregate in below if aggregate), None)


def _fixed(function: Any, name: str) -> bool:
    """Whether an aggregate gives the same value in whatever order rows come."""
    if name in ROUNDED:
        return all(str(child.dataType().simpleString()) not in ROUNDED[name] for child in each(function.children()))
    if name == "Mode":  # of several, the least or the greatest is chosen, where one of them is asked for
        return bool(function.reverseOpt().isDefined())
    return name in ORDERLESS_AGGREGATES


def _compares(expression: Any, name: str) -> bool:
    """Whether a list is sorted by a function of the user's, for which different values may tie."""
    if name != "ArraySort":
        return False
    default = JavaClass(str(expression.getClass().getName()), expression._gateway_client).defaultComparator()
    given, plain = (_printed(function) for function in (expression.function(), default))
    return given != plain


def _printed(function: Any) -> str:
    """A lambda as Spark prints it, without the numbers of its variables."""
    return re.sub(r"#\d+L?|'", "", str(function.toString()))


def _counts(expression: Any, name: str) -> bool:
    """Whether a function of each value of a list is also given its place."""
    return name in ("ArrayTransform", "ArrayFilter") and int(expression.function().arguments().size()) > 1
