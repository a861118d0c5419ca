"""Aggregates under PerKey: those that nobody has judged are refused by name, whichever Spark brings them."""

import re

import pytest

from lakemill import Job, PerKey
from lakemill.errors import UsageError
from lakemill.maps.check import check_job
from lakemill.maps.roworder import BY_ORDER, DOUBLES, LISTS, ORDERLESS_AGGREGATES, ROUNDED

JUDGED = ORDERLESS_AGGREGATES | BY_ORDER | DOUBLES | LISTS | set(ROUNDED)
# What a query can name, as of Spark 4.0.2 and 4.1.1, and nobody has judged.
UNJUDGED = {
    "ApproxTopK", "ApproxTopKAccumulate", "ApproxTopKCombine", "Grouping", "GroupingID",
    "KllMergeAggBigint", "KllMergeAggDouble",
    "KllMergeAggFloat", "KllSketchAggBigint", "KllSketchAggDouble", "KllSketchAggFloat", "SchemaOfVariantAgg",
    "ThetaIntersectionAgg", "ThetaSketchAgg", "ThetaUnionAgg",
}  # fmt: skip
# What Spark puts a judged one in the place of: no plan has them.
REPLACED = {"TryAverage": "Average", "TrySum": "Sum"}


def checked(spark, expression: str, schema: str = "k int, v int, d double, t string") -> None:
    rows = PerKey(lambda frame: frame.groupBy("k").agg(expr(expression).alias("x")))
    job = Job(source="raw.rows", target="gold.x", key=["k"], reduce=rows)
    check_job(spark, job, {"raw.rows": spark.createDataFrame([], schema).schema})


def expr(text: str):
    from pyspark.sql import functions as F

    return F.expr(text)


def aggregates(spark) -> dict[str, str]:
    """The class of every aggregate function that this Spark knows, by the function's name."""
    registry = spark._jsparkSession.sessionState().functionRegistry()
    listed, found = registry.listFunction(), {}
    for at in range(listed.size()):
        info = registry.lookupFunction(listed.apply(at)).get()
        if str(info.getGroup()) == "agg_funcs":
            name = re.sub(r"(ExpressionBuilder|Builder)\$?$", "", str(info.getClassName()).rsplit(".", 1)[-1])
            found[str(listed.apply(at).funcName())] = name
    return found


SAYS = {
    "max(d)": None, "count(distinct t)": None, "bool_and(v > 1)": None, "bit_xor(v)": None, "regr_count(d, v)": None,
    "approx_count_distinct(t)": None, "count_if(v > 1)": None, "percentile(d, 0.5)": None, "max(d) + min(d)": None,
    "percentile_cont(0.5) within group (order by d)": None, "mode() within group (order by t)": None,
    "hex(count_min_sketch(v, 0.5d, 0.5d, 1))": None, "sum(v) / count(1)": None,
    "try_avg(cast(v as decimal(9, 2)))": None,
    "array_size(array_sort(collect_set(t)))": None, "bitmap_count(bitmap_construct_agg(v))": None,
    "schema_of_variant_agg(parse_json(t))": "SchemaOfVariantAgg is not known to give the same value",
    "hex(hll_sketch_agg(v))": "HllSketchAgg depends on the order",
    "listagg(t, ',')": "ListAgg depends on the order",
    "max_by(t, v)": "MaxBy depends on the order",
    "max(v) + skewness(d)": "Skewness adds up doubles",
    "sum(d) filter (where v > 1)": "Sum adds up doubles",
    "coalesce(max(t), first(t))": "First depends on the order",
    "percentile_approx(d, 0.5)": "ApproximatePercentile depends on the order",
}  # fmt: skip


@pytest.mark.parametrize("expression", SAYS)
def test_an_aggregate_is_taken_or_refused_by_its_name(spark, expression):
    says = SAYS[expression]
    if says is None:
        checked(spark, expression)
        return
    with pytest.raises(UsageError, match=f"NOT_PER_KEY: {says}"):
        checked(spark, expression)


def test_every_aggregate_of_this_spark_is_judged_or_known_not_to_be(spark):
    """A newer Spark fails here, and names what has to be judged; until then it is refused."""
    classes = aggregates(spark)
    assert {"sum", "max_by", "regr_slope", "count"} <= set(classes)
    unknown = {name: kind for name, kind in classes.items() if REPLACED.get(kind, kind) not in JUDGED | UNJUDGED}
    assert unknown == {}


def test_no_aggregate_is_judged_twice():
    lists = [ORDERLESS_AGGREGATES, BY_ORDER, DOUBLES, LISTS, set(ROUNDED), UNJUDGED]
    assert len(set().union(*lists)) == sum(map(len, lists))
