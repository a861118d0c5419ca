"""The shop's tables as one writes them by hand in PySpark: each a function of the tables that it reads, made whole.

They run as they are under Spark's declarative pipelines, and in a session of their own. They make the same rows as the
jobs do, but for the histories, which neither peer has a word for.
"""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.window import Window

Read = Callable[[str], DataFrame]


def newest(rows: DataFrame, *key: str) -> DataFrame:
    """The newest row of each key."""
    order = [F.col(name).desc() for name in ("dump_date", "dump_id", "line_number")]
    numbered = rows.withColumn("_place", F.row_number().over(Window.partitionBy(*key).orderBy(*order)))
    return numbered.where("_place = 1").drop("_place")


def number(name: str) -> Column:
    """A whole number from its text."""
    return F.col(name).cast("bigint").alias(name)


def money(name: str) -> Column:
    """An amount from its text."""
    return F.col(name).cast("decimal(12,2)").alias(name)


def sales(read: Read) -> DataFrame:
    """silver.sales"""
    day = F.to_date(F.substring("sold_at", 1, 10))
    typed = read("bronze.sales").select(
        *[number(name) for name in ("basket_id", "household_id", "store_id", "product_id", "quantity")],
        F.col("line").cast("int").alias("line"),
        *[money(name) for name in ("amount", "retail_discount", "coupon_discount", "coupon_match_discount")],
        F.to_timestamp("sold_at").alias("sold_at"),
        day.alias("day"),
        F.trunc(day, "week").alias("week"),
        F.col("withdrawn").cast("boolean").alias("withdrawn"),
        F.nullif("remark", F.lit("")).alias("remark"),
        "dump_date",
        "dump_id",
        "line_number",
    )
    return newest(typed, "basket_id", "line")


def products(read: Read) -> DataFrame:
    """silver.products"""
    names = ("department", "brand", "product_category", "product_type", "package_size")
    texts = [F.nullif(name, F.lit("")).alias(name) for name in names]
    kept = ("dump_date", "dump_id", "line_number")
    typed = read("bronze.products").select(
        number("product_id"),
        F.nullif("manufacturer_id", F.lit("")).cast("bigint").alias("manufacturer_id"),
        *texts,
        *kept,
    )
    return newest(typed, "product_id")


def households(read: Read) -> DataFrame:
    """silver.households"""
    names = (
        "name", "email", "address", "age", "income", "home_ownership", "marital_status", "household_size",
        "household_comp", "kids_count",
    )  # fmt: skip
    texts = [F.nullif(name, F.lit("")).alias(name) for name in names]
    typed = read("bronze.households").select(number("household_id"), *texts, "dump_date", "dump_id", "line_number")
    return newest(typed, "household_id")


def promotions(read: Read) -> DataFrame:
    """silver.promotions"""
    typed = read("bronze.promotions").select(
        number("product_id"),
        number("store_id"),
        F.col("week").cast("date").alias("week"),
        "display_location",
        "mailer_location",
        F.col("withdrawn").cast("boolean").alias("withdrawn"),
        "dump_date",
        "dump_id",
        "line_number",
    )
    return newest(typed, "product_id", "store_id", "week")


def baskets(read: Read) -> DataFrame:
    """silver.baskets"""
    sold = read("silver.sales").where("not withdrawn")
    made = sold.groupBy("basket_id", "household_id", "store_id", "day")
    return made.agg(F.count(F.lit(1)).alias("lines"), F.sum("amount").alias("amount"))


def average(name: str) -> Column:
    """An exact mean: Spark's own rounds in between."""
    total, count = F.sum(name).cast("decimal(38,6)"), F.count(name).cast("decimal(20,0)")
    return (total / count).cast("decimal(38,6)").alias("average")


def daily_sales(read: Read) -> DataFrame:
    """gold.daily_sales"""
    sold = read("silver.sales").where("not withdrawn").groupBy("store_id", "day")
    return sold.agg(
        F.count(F.lit(1)).alias("lines"),
        F.count_if(F.col("retail_discount") != 0).alias("discounted"),
        F.sum("quantity").alias("quantity"),
        F.sum("amount").alias("revenue"),
        average("amount"),
        F.min("amount").alias("smallest"),
        F.max("amount").alias("largest"),
    )


def department_sales(read: Read) -> DataFrame:
    """gold.department_sales"""
    sold = read("silver.sales").where("not withdrawn").join(read("silver.products"), "product_id")
    return sold.groupBy("store_id", "day", "department").agg(
        F.count(F.lit(1)).alias("lines"),
        F.sum("amount").alias("revenue"),
        average("amount"),
        F.max("amount").alias("largest"),
    )


def household_value(read: Read) -> DataFrame:
    """gold.household_value"""
    return (
        read("silver.baskets")
        .groupBy("household_id")
        .agg(
            F.min("day").alias("first_day"),
            F.max("day").alias("last_day"),
            F.count(F.lit(1)).alias("baskets"),
            F.sum("amount").alias("amount"),
            average("amount"),
        )
    )


def promoted_sales(read: Read) -> DataFrame:
    """gold.promoted_sales"""
    told = ("product_id", "store_id", "week", "display_location", "mailer_location")
    promoted = read("silver.promotions").where("not withdrawn").select(*told)
    kept = ("department", "product_id"), ("income", "household_id")
    product, household = (
        read(f"silver.{name}").select(*names) for name, names in zip(("products", "households"), kept, strict=True)
    )
    sold = read("silver.sales").where("not withdrawn").join(promoted, ["product_id", "store_id", "week"])
    sold = sold.join(product, "product_id").join(household, "household_id")
    return sold.groupBy("week", "department", "income", "display_location", "mailer_location").agg(
        F.count(F.lit(1)).alias("lines"),
        F.sum("quantity").alias("quantity"),
        F.sum("amount").alias("revenue"),
        average("amount"),
        F.min("amount").alias("smallest"),
        F.max("amount").alias("largest"),
    )


TABLES: dict[str, Callable[[Read], DataFrame]] = {
    "silver.sales": sales,
    "silver.products": products,
    "silver.households": households,
    "silver.promotions": promotions,
    "silver.baskets": baskets,
    "gold.daily_sales": daily_sales,
    "gold.department_sales": department_sales,
    "gold.household_value": household_value,
    "gold.promoted_sales": promoted_sales,
}
"""In an order in which each stands after those that it reads."""
