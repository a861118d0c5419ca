"""A map is refused by the name of what it does to more than one row, before anything runs."""

import random

import pytest
from pyspark.sql import DataFrame, Window, functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from lakemill import Count, Job
from lakemill.errors import UsageError
from lakemill.maps.rowwise import check_map

LINES = StructType.fromJson(
    {
        "type": "struct",
        "fields": [
            {"name": name, "type": kind, "nullable": True, "metadata": {}}
            for name, kind in {"id": "long", "shop": "string", "amount": "decimal(12,2)", "tags": "string"}.items()
        ],
    }
)
SHOPS = StructType.fromJson(
    {
        "type": "struct",
        "fields": [
            {"name": "shop", "type": "string", "nullable": True, "metadata": {}},
            {"name": "city", "type": "string", "nullable": True, "metadata": {}},
        ],
    }
)

REFUSED = {
    "groupBy/agg": lambda rows: rows.groupBy("shop").count(),
    "distinct": lambda rows: rows.distinct(),
    "drop_duplicates": lambda rows: rows.dropDuplicates(["shop"]),
    "limit": lambda rows: rows.limit(3),
    "offset": lambda rows: rows.offset(3),
    "sample": lambda rows: rows.sample(0.5, seed=1),
    "window": lambda rows: rows.select(
        "shop", F.row_number().over(Window.partitionBy("shop").orderBy("id")).alias("n")
    ),
    "intersect": lambda rows: rows.intersect(rows),
    "except": lambda rows: rows.exceptAll(rows),
    "cube": lambda rows: rows.cube("shop").count(),
    "joins raw.lines with itself": lambda rows: rows.alias("a").join(rows.alias("b"), F.col("a.id") == F.col("b.id")),
    "rand": lambda rows: rows.withColumn("r", F.rand()),
    "uuid": lambda rows: rows.withColumn("r", F.expr("uuid()")),
    "current_date": lambda rows: rows.withColumn("r", F.current_date()),
    "current_timestamp": lambda rows: rows.where(F.current_timestamp() > F.lit("2017-01-01")),
    "now": lambda rows: rows.withColumn("r", F.now()),
    "yesterday": lambda rows: rows.where(F.to_date("tags") >= "yesterday"),
    "today in parts": lambda rows: rows.select(F.transform(F.array("tags"), lambda t: F.to_date(t) == "today")),
    "a text of now": lambda rows: rows.select(F.to_timestamp(F.lit("now")).alias("at")),
    "encrypted by chance": lambda rows: rows.select(F.aes_encrypt("tags", F.lit("0" * 16)).alias("secret")),
    "monotonically": lambda rows: rows.withColumn("r", F.monotonically_increasing_id()),
    "input_file_name": lambda rows: rows.withColumn("r", F.input_file_name()),
    "python clock": lambda rows: rows.withColumn("r", F.lit(random.random())),
    "python udf": lambda rows: rows.withColumn("r", F.udf(lambda x: x)("shop")),
    "range": lambda rows: rows.join(rows.sparkSession.range(3).withColumnRenamed("id", "n")),
    "create": lambda rows: rows.unionByName(rows.sparkSession.createDataFrame([(1, "a", None, "")], LINES)),
    "unknown column": lambda rows: rows.select("amuont"),
    "twice": lambda rows: rows.select("id", F.col("shop").alias("ID")),
    "no type": lambda rows: rows.select("id", F.lit(None).alias("x")),
    "not a frame": lambda rows: rows.collect,
}
SAYS = {
    "groupBy/agg": "groupBy/agg", "distinct": "distinct", "drop_duplicates": "distinct", "limit": "limit",
    "offset": "Offset|offset", "sample": "sample", "window": "window function", "intersect": "intersect",
    "except": "Except|except", "cube": "groupBy/agg|cube", "joins raw.lines with itself": "joins raw.lines with itself",
    "rand": "NONDETERMINISTIC: Rand", "uuid": "NONDETERMINISTIC", "current_date": "CurrentDate",
    "current_timestamp": "CurrentTimestamp", "now": "Now", "monotonically": "Monotonically",
    "yesterday": "'today' or 'now'", "today in parts": "'today' or 'now'", "a text of now": "'today' or 'now'",
    "encrypted by chance": "aes_encrypt without an iv",
    "input_file_name": "InputFileName", "python clock": "built twice",
    "python udf": r'"<lambda>" cannot be seen through.*@pure',
    "range": "not one of its sources", "create": "not one of its sources", "unknown column": "amuont", "twice": "twice",
    "no type": '"x" without a type', "not a frame": "not a DataFrame",
}  # fmt: skip
ALLOWED = {
    "lambdas": lambda rows: rows.select(F.transform(F.split("tags", ","), lambda tag: F.upper(tag)).alias("tags")),
    "select": lambda rows: rows.select("shop", (F.col("amount") * 2).alias("double")),
    "where": lambda rows: rows.where(F.col("amount") > 0),
    "explode": lambda rows: rows.select("id", F.explode(F.split("tags", ",")).alias("tag")),
    "union with itself": lambda rows: rows.unionAll(rows),
    "repartition": lambda rows: rows.repartition(3, "shop"),
    "sort": lambda rows: rows.orderBy("id"),
    "alias": lambda rows: rows.alias("a").select("a.*"),
    "hint": lambda rows: rows.hint("broadcast"),
    "unpivot": lambda rows: rows.selectExpr("id", "stack(2, shop, tags) as tag"),
    "to_date": lambda rows: rows.select(F.to_date("tags").alias("day")),
    "a day": lambda rows: rows.where(F.to_date("tags") >= "2017-01-01"),
    "encrypted": lambda rows: rows.select(F.aes_encrypt("tags", F.lit("0" * 16), F.lit("ECB")).alias("secret")),
    "encrypted by an iv": lambda rows: rows.select(
        F.aes_encrypt("tags", F.lit("0" * 16), F.lit("CBC"), F.lit("DEFAULT"), F.unhex(F.lit("0" * 32))).alias("secret")
    ),
    "bytes": lambda rows: rows.where(F.col("tags").cast("binary") != F.lit(b"\x01\x02")),
}


def job(a_map):
    def named(rows):
        return a_map(rows)

    return Job(source="raw.lines", map=named, key=[], reduce={"n": Count()}, target="gold.lines")


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_name(spark, what):
    with pytest.raises(UsageError, match=SAYS[what]) as refused:
        check_map(spark, job(REFUSED[what]), {"raw.lines": LINES})
    assert str(refused.value).startswith("gold.lines: ")


@pytest.mark.parametrize("what", ALLOWED)
def test_allowed(spark, what):
    checked = check_map(spark, job(ALLOWED[what]), {"raw.lines": LINES})
    assert checked.joins.branches and not checked.joins.opaque


def test_a_subquery_is_refused(spark):
    def looks_elsewhere(rows):
        rows.createOrReplaceTempView("lines_in_a_view")
        return rows.where("amount > (select max(amount) from lines_in_a_view)")

    with pytest.raises(UsageError, match="subquery"):
        check_map(spark, job(looks_elsewhere), {"raw.lines": LINES})


def test_a_table_behind_the_back_is_refused(lake):
    lake.put("raw.other", [(1,)], "id long")

    def reads_a_table(rows):
        return rows.join(lake.frame("raw.other"), "id")

    with pytest.raises(UsageError, match="not one of its sources"):
        check_map(lake.spark, job(reads_a_table), {"raw.lines": LINES})


def test_a_join_on_something_random_is_refused(spark):
    joined = Job(
        source=["raw.lines", "raw.shops"],
        map=lambda lines, shops: lines.drop("shop").join(shops, F.rand() > 0.5),
        key=[],
        reduce={"n": Count()},
        target="gold.lines",
    )
    with pytest.raises(UsageError, match="gold.lines: .*expects a deterministic expression"):
        check_map(spark, joined, {"raw.lines": LINES, "raw.shops": SHOPS})


def newest(rows: DataFrame) -> DataFrame:
    return rows.where(F.col("amount") == rows.agg(F.max("amount")).first()[0])


def numbered(rows: DataFrame) -> DataFrame:
    return rows.withColumn("of", F.lit(rows.count()))


def unless_empty(rows: DataFrame) -> DataFrame:
    return rows.where("amount > 1") if rows.isEmpty() else rows


@pytest.mark.parametrize("looks", [newest, numbered, unless_empty])
def test_a_map_that_looks_at_the_rows_is_refused(spark, looks):
    """It would look at all rows when the table is made, and at the changed ones in an update."""
    with pytest.raises(UsageError, match="two different plans .*a look at the rows"):
        check_map(spark, job(looks), {"raw.lines": LINES})


def test_stand_ins_of_every_type_are_told_from_their_rows_only(spark):
    every = StructType.fromDDL(
        "a tinyint, b decimal(38,38), c double, d date, e timestamp, f timestamp_ntz, g string, h binary, i boolean, "
        "j array<struct<x: int, y: array<string>>>, k map<string, int>, l interval day, m variant, n struct<o: float>"
    )
    made = Job(source="raw.all", map=lambda rows: rows.where("g is null"), key=["g"], target="gold.all")
    assert check_map(spark, made, {"raw.all": every}).schema == every


def test_columns_of_a_reduction_are_told_apart(spark):
    for key, name, why in ((["shop", "SHOP"], "n", "twice"), (["shop"], "Shop", "twice"), (["shop"], "_found", "own")):
        made = Job(source="raw.lines", key=key, reduce={name: Count()}, target="gold.lines")
        with pytest.raises(UsageError, match=why):
            check_map(spark, made, {"raw.lines": LINES})
    weighed = StructType([*LINES.fields, StructField("_weight", IntegerType())])
    with pytest.raises(UsageError, match='raw.lines has a column "_weight"'):
        check_map(spark, job(lambda rows: rows.select("shop")), {"raw.lines": weighed})


def test_a_fingerprint_is_of_the_meaning(spark):
    def prints(a_map):
        made = job(a_map)
        return check_map(spark, made, {"raw.lines": LINES}).fingerprint

    assert prints(lambda rows: rows.where("amount > 1")) == prints(lambda rows: rows.where(F.col("amount") > 1))
    assert prints(lambda rows: rows.where("amount > 1")) != prints(lambda rows: rows.where("amount > 2"))


def test_options_are_part_of_the_fingerprint(spark):
    """JSON leaves maps out of a plan."""

    def apart(sep: str) -> Job:
        def fields(rows: DataFrame) -> DataFrame:
            return rows.select("shop", F.from_csv("shop", "a string, b string", {"sep": sep})["b"].alias("b"))

        return Job(source="raw.sales", map=fields, key=["b"], target="gold.sales")

    sources = {"raw.sales": StructType.fromDDL("shop string")}
    prints = [check_map(spark, job, sources).fingerprint for job in (apart(","), apart(","), apart(";"))]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("name", ["_weight", "_gone", "_value_max_n", "_count"])
def test_a_column_with_a_name_of_lakemills_own_is_refused_where_rows_meet(spark, name):
    job = Job(source="raw.sales", map=lambda rows: rows.select("shop", F.col("shop").alias(name)), key=["shop"],
              target="gold.sales")  # fmt: skip
    with pytest.raises(UsageError, match=name):
        check_map(spark, job, {"raw.sales": StructType.fromDDL("shop string")})


def test_a_column_that_is_not_there_is_told_as_an_attribute_too(spark):
    job = Job(source="raw.sales", map=lambda rows: rows.where(rows.shpo == "a"), target="gold.sales")
    with pytest.raises(UsageError, match="shpo"):
        check_map(spark, job, {"raw.sales": StructType.fromDDL("shop string")})
