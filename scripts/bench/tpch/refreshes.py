"""What happens to TPC-H's tables between two runs: its refresh functions, and updates that move rows between groups.

RF1 inserts orders with their lines that were held back when the tables were made, RF2 deletes others. The updates go
beyond TPC-H: prices, flags and dates of lines and orders, and customers, parts, offers, suppliers and nations that
move. Who is hit follows from a hash of the key and the refresh's number, so every machine sees the same history.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dbgen import TABLES
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, functions as F

from lakemill.lake.tables import Lake

FEED = {"delta.enableChangeDataFeed": "true"}
SLICES = 1000
ORDER_KEYS = {"orders": "o_orderkey", "lineitem": "l_orderkey"}
KINDS = ("functions", "facts", "all")
"""RF1 and RF2 alone; with updates of lines and orders; with updates of the other tables, too."""
Set = Mapping[str, Column]


@dataclass(frozen=True)
class Churn:
    """The history of one lake.   files: the generated tables.   share: thousandths of the rows that each deed hits.

    refreshes: how many there will be, so that as many orders are held back.
    """

    lake: Lake
    files: Path
    share: int
    refreshes: int

    def make(self) -> None:
        """The tables of before the first refresh, and the parameters of the queries that depend on the scale."""
        for name in TABLES:
            rows = self._generated(name)
            if name in ORDER_KEYS:
                rows = rows.where(~self._slice(ORDER_KEYS[name], 0, self.refreshes))
            self._append(name, rows)
        suppliers = self._generated("supplier").count()
        fraction = F.lit(f"{1 / suppliers:.10f}").cast("decimal(12,10)").alias("q11_fraction")
        self._append("parameters", self.lake.spark.range(1).select(fraction))

    def refresh(self, number: int, kind: str) -> None:
        """The refresh of this number, from 0."""
        for name, key in ORDER_KEYS.items():
            self._append(name, self._generated(name).where(self._slice(key, number)))
            self._delta(name).delete(self._slice(key, self.refreshes + number))
        if kind != "functions":
            self._update("lineitem", "l_orderkey", number, _line_deeds())
            self._update("orders", "o_orderkey", number, _order_deeds())
        if kind == "all":
            self._update("customer", "c_custkey", number, _customer_deeds())
            self._update("part", "p_partkey", number, _part_deeds())
            self._update("partsupp", "ps_partkey", number, _offer_deeds())
            self._update("supplier", "s_suppkey", number, _supplier_deeds())
            moved = {"n_regionkey": (F.col("n_regionkey") + 1) % 5}
            self._delta("nation").update(F.col("n_nationkey") == (number * 7 + 6) % 25, moved)

    def _generated(self, name: str) -> DataFrame:
        return self.lake.spark.read.parquet(str(self.files / f"{name}.parquet"))

    def _delta(self, name: str) -> DeltaTable:
        return DeltaTable.forPath(self.lake.spark, self.lake.table(f"raw.{name}").uri)

    def _append(self, name: str, rows: DataFrame) -> None:
        writer = rows.write.format("delta").mode("append").options(**FEED)
        writer.save(self.lake.table(f"raw.{name}").uri)

    def _slice(self, key: str, number: int, several: int = 1) -> Column:
        """Whether an order is in one of the slices from this number."""
        place = F.pmod(F.xxhash64(key), F.lit(SLICES))
        return place.between(number * self.share, (number + several) * self.share - 1)

    def _update(self, name: str, key: str, number: int, deeds: list[Set]) -> None:
        """One update of a table, in which each deed hits other keys."""
        place = F.pmod(F.xxhash64(key, F.lit(number)), F.lit(SLICES))
        hit = [place.between(at * self.share, (at + 1) * self.share - 1) for at in range(len(deeds))]
        changed: dict[str, Column] = {}
        for condition, deed in zip(hit, deeds, strict=True):
            for column, value in deed.items():
                changed[column] = F.when(condition, value).otherwise(changed.get(column, F.col(column)))
        self._delta(name).update(place < len(deeds) * self.share, changed)


def _next(column: str, *values: str) -> Column:
    """The value that follows a column's in a circle; another value stays."""
    following = dict(zip(values, values[1:] + values[:1], strict=True))
    moved = F.col(column)
    for value, after in following.items():
        moved = F.when(F.col(column) == value, after).otherwise(moved)
    return moved


def _toggled(column: str, phrase: str) -> Column:
    """A text that has a phrase, without it; one that has not, with it."""
    without = F.replace(F.col(column), F.lit(f" {phrase}"), F.lit(""))
    return F.when(F.col(column).contains(phrase), without).otherwise(F.concat(column, F.lit(f" {phrase}")))


def _money(column: str, change: Callable[[Column], Column]) -> Column:
    return change(F.col(column)).cast("decimal(15,2)")


def _more(amount: Column) -> Column:
    return amount + 1


def _line_deeds() -> list[Set]:
    """Price, discount, quantity, flags, dates."""
    return [
        {"l_extendedprice": _money("l_extendedprice", lambda price: price + F.lit("100.37").cast("decimal(15,2)"))},
        {"l_discount": _money("l_discount", lambda discount: F.lit("0.10").cast("decimal(15,2)") - discount)},
        {"l_quantity": _money("l_quantity", lambda quantity: F.lit(51) - quantity)},
        {"l_returnflag": _next("l_returnflag", "R", "A", "N"), "l_linestatus": _next("l_linestatus", "O", "F")},
        {
            "l_receiptdate": F.date_add("l_receiptdate", 45),
            "l_shipmode": _next("l_shipmode", "MAIL", "SHIP", "AIR", "RAIL"),
        },
        {"l_shipdate": F.date_sub("l_shipdate", 300), "l_commitdate": F.date_sub("l_commitdate", 40)},
    ]


def _order_deeds() -> list[Set]:
    """Date, status, priority, customer, comment."""
    return [
        {"o_orderdate": F.date_sub("o_orderdate", 200)},
        {
            "o_orderstatus": _next("o_orderstatus", "F", "O", "P"),
            "o_totalprice": _money("o_totalprice", lambda v: v + 1),
        },
        {"o_orderpriority": _next("o_orderpriority", "1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW")},
        {"o_custkey": F.col("o_custkey") + 1},
        {"o_comment": _toggled("o_comment", "special packages requests")},
    ]


def _customer_deeds() -> list[Set]:
    """Nation, segment, balance, phone."""
    return [
        {"c_nationkey": (F.col("c_nationkey") + 7) % 25},
        {"c_mktsegment": _next("c_mktsegment", "BUILDING", "AUTOMOBILE", "MACHINERY", "HOUSEHOLD", "FURNITURE")},
        {"c_acctbal": _money("c_acctbal", lambda balance: F.lit(5000) - balance)},
        {"c_phone": F.concat(F.lit("13"), F.substring("c_phone", 3, 20)), "c_address": F.lower("c_address")},
    ]


def _part_deeds() -> list[Set]:
    """Brand, type, size, container, name."""
    return [
        {"p_brand": _next("p_brand", "Brand#12", "Brand#23", "Brand#34", "Brand#45")},
        {"p_type": _next("p_type", "ECONOMY ANODIZED STEEL", "PROMO PLATED BRASS", "LARGE BURNISHED BRASS")},
        {"p_size": F.col("p_size") % 50 + 1},
        {"p_container": _next("p_container", "MED BOX", "SM BOX", "LG BOX", "SM CASE")},
        {"p_name": _toggled("p_name", "green")},
        {"p_name": F.concat(F.lit("forest "), F.col("p_name"))},
    ]


def _offer_deeds() -> list[Set]:
    """Cost and stock."""
    return [
        {"ps_supplycost": _money("ps_supplycost", lambda cost: F.lit(1001) - cost)},
        {"ps_availqty": (F.col("ps_availqty") / 2).cast("int")},
    ]


def _supplier_deeds() -> list[Set]:
    """Nation, complaints, balance and phone."""
    return [
        {"s_nationkey": (F.col("s_nationkey") + 3) % 25},
        {"s_comment": _toggled("s_comment", "Customer Complaints")},
        {"s_acctbal": _money("s_acctbal", _more), "s_phone": F.reverse("s_phone")},
    ]
