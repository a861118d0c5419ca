"""Definitions as texts: a table is made anew where that of its job is another, so no tidying-up here may change one.

The file beside this one has them as tables were made with them, under either line of Spark. Where a definition has to
change, every table with that reducer is rebuilt once: that is a decision, not a side effect.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from lakemill import (
    All,
    Any,
    ApproxCountDistinct,
    ApproxQuantile,
    ArgMax,
    ArgMin,
    CollectSet,
    Count,
    CountDistinct,
    CountIf,
    First,
    Fold,
    Histogram,
    Job,
    Last,
    Latest,
    Max,
    Mean,
    Median,
    Min,
    Mode,
    Quantile,
    StdDev,
    Sum,
    TopK,
    Variance,
)
from lakemill.core.reduction import reduction

SCHEMA = (
    "k string, ok boolean, y tinyint, i int, l bigint, m decimal(9,2), w decimal(14,4), n decimal(38,6), f float, "
    "d double, s string, day date, at timestamp, plain timestamp_ntz, `odd, name` int, "
    "st struct<a: int, b: array<double>>, raw binary"
)
WRITTEN = Path(__file__).with_name("written_definitions.txt")


def count(state, row):
    return state + row.i


def add_up(left, right):
    return left + right


def same(state):
    return state


REDUCERS = {
    "count": [Count(), CountIf("ok"), Any("ok"), All("ok")],
    "sums": [Sum(name) for name in ("y", "i", "l", "m", "n", "odd, name")],
    "means": [Mean(name) for name in ("y", "i", "l", "m", "n")],
    "exact": [reducer(name, exact=True) for reducer in (Sum, Mean) for name in ("f", "d", "i", "m")],
    "variance": [reducer(name) for reducer in (Variance, StdDev) for name in ("y", "i", "m", "w")],
    "extremes": [reducer(name) for reducer in (Min, Max) for name in ("i", "m", "d", "s", "day", "at", "plain", "raw")],
    "at": [reducer("s", by=["at", "d"]) for reducer in (ArgMin, ArgMax, First, Last)] + [ArgMax("d", by="i")],
    "top": [TopK(3, by="d"), TopK(5, by=["at", "s"], keep=["m"])],
    "bags": [reducer(name) for reducer in (Mode, CollectSet, CountDistinct) for name in ("l", "d", "s", "day", "raw")],
    "several": [CountDistinct(["s", "d"]), CountDistinct(["i", "ok", "m"])],
    "quantiles": [Quantile(name, 0.3) for name in ("i", "m", "d", "s", "at")],
    "medians": [Median(name) for name in ("i", "l", "m", "n", "f", "d")],
    "buckets": [ApproxQuantile("d", 0.5), ApproxQuantile("m", 0.9, 0.05)],
    "registers": [ApproxCountDistinct("s"), ApproxCountDistinct("d")],
    "histogram": [Histogram("d", [0, 1.5]), Histogram("i", [10])],
    "fold": [Fold("i", 0, count, add_up, same, "bigint"), Fold(["i", "at"], 0, count, add_up, same, "int", count)],
}  # fmt: skip


def definitions(spark) -> Iterator[str]:
    """Every reducer alone, so that its state is its own, and `Latest`; functions by no digest, which Python decides."""
    schema = spark.createDataFrame([], SCHEMA).schema
    for reducers in REDUCERS.values():
        for reducer in reducers:
            job = Job(source="raw.rows", key=["k"], reduce={"shown": reducer}, target="gold.rows")
            yield from _named(str(reducer), reduction(job, schema).definition)
    whole = Job(source="raw.rows", key=["k"], reduce=Latest(by=["at", "i"]), target="gold.rows")
    yield from _named("Latest", reduction(whole, schema).definition)


def _named(name: str, definition: list[str]) -> Iterator[str]:
    for text in (name, *definition):
        digests = re.sub(r"\b[0-9a-f]{64}\b", "<digest>", text)
        yield re.sub(r"(?<=_)[0-9a-f]{8}\b", "<digest>", digests)
    yield ""


def test_definitions_are_as_they_were_written_down(spark):
    now, then = list(definitions(spark)), WRITTEN.read_text().split("\n")
    assert len(then) > 800
    changed = [pair for pair in zip(now, then, strict=False) if pair[0] != pair[1]]
    assert not changed, changed[0]
    assert len(now) == len(then)
