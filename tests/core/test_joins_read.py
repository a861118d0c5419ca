"""What is read of a map's joins: its branches, which columns bring rows together, what an update cannot follow."""

import pytest
from pyspark.sql import functions as F

from lakemill import Count, Job
from lakemill.core.joins import Branch, Joins, Link
from lakemill.maps.rowwise import check_map

A = "k int, m int, x bigint"
B = "k bigint, g string, y bigint"
C = "g string, z bigint"


def read(spark, map, schemas=(A, B, C)) -> Joins:
    names = ["raw.a", "raw.b", "raw.c"][: len(schemas)]
    job = Job(source=names, map=map, key=[], reduce={"n": Count()}, target="gold.t")
    schemas = [spark.createDataFrame([], schema).schema for schema in schemas]
    return check_map(spark, job, dict(zip(names, schemas, strict=True))).joins


def test_inner_joins_link_both_ways(spark):
    joins = read(spark, lambda a, b, c: a.join(b, a["k"] == b["k"]).drop(b["k"]).join(c, "g").select("k", "g", "z"))
    assert joins.branches == (Branch(frozenset({0, 1, 2})),)
    assert joins.links == (Link(0, 1, (("k", "k"),)), Link(1, 2, (("g", "g"),)))
    assert [link.right for link in joins.path(0)] == [1, 2]
    assert [(link.left, link.right) for link in joins.path(2)] == [(2, 1), (1, 0)]
    assert joins.origins == {"k": (0, "k"), "g": (1, "g"), "z": (2, "z")}
    assert not any(joins.constant(at) for at in range(3)) and not joins.opaque


def test_what_computes_a_column_is_no_link(spark):
    joins = read(spark, lambda a, b: a.join(b, (a["k"] + 1 == b["k"]) | (a["m"] > b["y"])).select("x", "y"), (A, B))
    assert joins.links == () and joins.origins == {"x": (0, "x"), "y": (1, "y")}
    renamed = read(spark, lambda a, b: a.select(F.col("m").alias("k")).join(b.where("y > 1"), "k"), (A, B))
    assert renamed.links == (Link(0, 1, (("m", "k"),)),) and renamed.origins["k"] == (0, "m")


def test_a_left_join_is_looked_up(spark):
    joins = read(spark, lambda a, b, c: a.join(c, F.lit(True)).join(b, ["k", "g"], "left").select("k", "g", "y"))
    assert joins.branches == (Branch(frozenset({0, 2}), frozenset({1})),)
    assert joins.optional == {1} and not joins.opaque
    assert joins.found_by(1) in (("k",), ("g",))
    assert {link.right for link in joins.path(1)} == {0, 2}, "rows of both are found by the change"
    assert [link.right for link in joins.path(0)] == [1], "the looked-up side leads no further"
    assert joins.origins == {"k": (0, "k"), "g": (2, "g")}, "a column that may be NULL for want of a row tells no rows"


@pytest.mark.parametrize("how", ["right", "left_semi", "left_anti"])
def test_other_joins_that_look_up(spark, how):
    joins = read(spark, lambda a, b: a.join(b, "k", how), (A, B))
    assert joins.optional == ({0} if how == "right" else {1}) and not joins.opaque


OPAQUE = {
    "full": (lambda a, b, c: a.join(b, "k", "full"), {0, 1}),
    "no plain column": (lambda a, b, c: a.join(b, a["k"] + 1 == b["k"], "left").select("x", "y"), {1}),
    "two sources looked up": (lambda a, b, c: a.join(b.join(c, "g"), "k", "left"), {1, 2}),
    "looked up by a looked-up column": (lambda a, b, c: a.join(b, "k", "left").join(c, "g", "left"), {2}),
    "null-safe, by a looked-up column": (
        lambda a, b, c: c.join(
            a.join(b, "k", "left").select("m", b["g"].alias("bg")), F.col("bg").eqNullSafe(c["g"]), "left"
        ).select("z", "m"),
        {0, 1},
    ),
    "looked up twice": (lambda a, b, c: a.join(b, "k", "left").select("x").union(b.select("y")), {1}),
}


@pytest.mark.parametrize("name", OPAQUE)
def test_what_an_update_cannot_follow(spark, name):
    map, opaque = OPAQUE[name]
    assert read(spark, map).opaque == opaque


def test_unions_are_branches(spark):
    apart = read(spark, lambda a, b, c: a.select("x").union(b.select("y")).union(c.select("z")))
    assert apart.branches == tuple(Branch(frozenset({at})) for at in range(3))
    assert [apart.beside(at) for at in range(3)] == [frozenset()] * 3 and not any(map(apart.constant, range(3)))
    shared = read(spark, lambda a, b: a.join(b, "k").select("x").union(a.select("x")), (A, B))
    assert shared.constant(1) and not shared.constant(0)
    assert shared.links == (), "a is read twice: its rows are needed beyond the join"
    over = read(spark, lambda a, b, c: a.select("k").union(b.select("k")).join(c, F.col("k") == F.col("z")))
    assert over.links == () and over.origins == {"g": (2, "g"), "z": (2, "z")}, "a union's column is no source's"
    full = read(spark, lambda a, b, c: c.select("z").union(a.join(b, "k", "full").select("x")).union(
        c.join(b, "g").select("z")))  # fmt: skip
    assert full.constant(2), "b's rows come without a's"


def test_a_column_of_a_side_that_may_be_missing_links_nothing(spark):
    def nested(a, b, c):
        return c.join(a.join(b, "k", "left").select("m", b["g"].alias("bg")), F.col("bg").eqNullSafe(c["g"]))

    assert read(spark, nested).links == (Link(0, 1, (("k", "k"),), optional=True),)
