"""The shop's tables as DuckDB makes them from the delivered files: an oracle that shares nothing with lakemill."""

import csv
import gzip
import hashlib
import io
import json
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import duckdb
import pyarrow as pa

FEEDS = ("sales", "products", "households", "promotions")
NEWEST = "qualify row_number() over (partition by {key} order by dump_date desc, dump_id desc, line_number desc) = 1"


def texts(names: str) -> str:
    """Columns in which an empty text is no value."""
    return ", ".join(f"nullif({name}, '') as {name}" for name in names.split())


SILVER_SALES = f"""
select basket_id::bigint as basket_id, line::int as line, household_id::bigint as household_id,
       store_id::bigint as store_id, product_id::bigint as product_id, quantity::bigint as quantity,
       amount::decimal(12,2) as amount, retail_discount::decimal(12,2) as retail_discount,
       coupon_discount::decimal(12,2) as coupon_discount, coupon_match_discount::decimal(12,2) as coupon_match_discount,
       strptime(substr(sold_at, 1, 19), '%Y-%m-%dT%H:%M:%S') + to_hours(substr(sold_at, 21, 2)::int) as sold_at,
       substr(sold_at, 1, 10)::date as day, date_trunc('week', day)::date as week, withdrawn = 'true' as withdrawn,
       nullif(remark, '') as remark, dump_date, dump_id, line_number
from "bronze.sales" {NEWEST.format(key="basket_id, line")}
"""
PRODUCTS = "department brand product_category product_type package_size"
HOUSEHOLDS = "name email address age income home_ownership marital_status household_size household_comp kids_count"
TYPED_PRODUCTS = f"""
select product_id::bigint as product_id, nullif(manufacturer_id, '')::bigint as manufacturer_id, {texts(PRODUCTS)},
       dump_date, dump_id, line_number from "bronze.products" """
TYPED_HOUSEHOLDS = f"""
select household_id::bigint as household_id, {texts(HOUSEHOLDS)}, dump_date, dump_id, line_number
from "bronze.households" """
SILVER_PROMOTIONS = f"""
select product_id::bigint as product_id, store_id::bigint as store_id, week::date as week, display_location,
       mailer_location, withdrawn = 'true' as withdrawn, dump_date, dump_id, line_number
from "bronze.promotions" {NEWEST.format(key="product_id, store_id, week")}
"""


def history(typed: str, key: str, values: str) -> str:
    """Periods in which values stayed the same: the days that differ from the day said before, each to the next."""

    def of(table: str) -> str:
        return ", ".join(f"{table}.{name}" for name in values.split())

    return f"""
with days as ({typed} {NEWEST.format(key=f"{key}, dump_date")}),
begins as (select days.* from days asof left join days before
           on days.{key} = before.{key} and days.dump_date > before.dump_date
           where before.{key} is null or row({of("days")}) is distinct from row({of("before")}))
select begins.{key}, {of("begins")}, begins.dump_date as valid_from, next.dump_date as valid_to,
       next.dump_date is null as is_current
from begins asof left join begins next on begins.{key} = next.{key} and begins.dump_date < next.dump_date
"""


SOLD = 'from "silver.sales" where not withdrawn'
TABLES = {
    "silver.sales": SILVER_SALES,
    "silver.products": TYPED_PRODUCTS + NEWEST.format(key="product_id"),
    "silver.products_history": history(TYPED_PRODUCTS, "product_id", f"manufacturer_id {PRODUCTS}"),
    "silver.households": TYPED_HOUSEHOLDS + NEWEST.format(key="household_id"),
    "silver.households_history": history(TYPED_HOUSEHOLDS, "household_id", HOUSEHOLDS),
    "silver.promotions": SILVER_PROMOTIONS,
    "silver.baskets": f"""
        select basket_id, household_id, store_id, day, count(*) as lines, sum(amount) as amount {SOLD} group by all""",
    "gold.daily_sales": f"""
        select store_id, day, count(*) as lines, count(*) filter (retail_discount <> 0) as discounted,
               sum(quantity) as quantity, sum(amount) as revenue, {{sum: sum(amount), count: count(amount)}} as average,
               min(amount) as smallest, max(amount) as largest {SOLD} group by all""",
    "gold.department_sales": """
        select store_id, day, department, count(*) as lines, sum(amount) as revenue,
               {sum: sum(amount), count: count(amount)} as average, max(amount) as largest
        from "silver.sales" join "silver.products" using (product_id) where not withdrawn group by all""",
    "gold.household_value": """
        select household_id, min(day) as first_day, max(day) as last_day, count(*) as baskets, sum(amount) as amount,
               {sum: sum(amount), count: count(amount)} as average
        from "silver.baskets" group by all""",
    "gold.promoted_sales": """
        select week, department, income, display_location, mailer_location, count(*) as lines,
               sum(quantity) as quantity, sum(amount) as revenue, {sum: sum(amount), count: count(amount)} as average,
               min(amount) as smallest, max(amount) as largest
        from "silver.sales" as s join "silver.promotions" as p using (product_id, store_id, week)
        join "silver.products" using (product_id) join "silver.households" using (household_id)
        where not s.withdrawn and not p.withdrawn group by all""",
}

UNKNOWN = (
    """select distinct {key} from "{table}" where {key} is not null and {key} not in (select {key} from "{other}")"""
)
TWICE = """select {key} from "{table}" group by {key} having count(*) > 1"""
OFFENDERS = {
    "checks.silver_baskets_unique_basket_id": TWICE.format(table="silver.baskets", key="basket_id"),
    "checks.silver_households_history_unique_key": TWICE.format(
        table="silver.households_history", key="household_id, valid_from"
    ),
    "checks.silver_products_history_unique_key": TWICE.format(
        table="silver.products_history", key="product_id, valid_from"
    ),
    "checks.silver_promotions_references_product_id": UNKNOWN.format(
        table="silver.promotions", key="product_id", other="silver.products"
    ),
    "checks.silver_sales_references_product_id": UNKNOWN.format(
        table="silver.sales", key="product_id", other="silver.products"
    ),
    "checks.silver_sales_references_household_id": UNKNOWN.format(
        table="silver.sales", key="household_id", other="silver.households"
    ),
    "checks.silver_sales_has_rows": """select 1 from "silver.sales" having count(*) = 0""",
}
"""The groups of rows that break the contracts' rules of whole tables."""


class Oracle:
    """The tables of a landing as it is now."""

    def __init__(self, landing: Path) -> None:
        self.db = duckdb.connect()
        for feed in FEEDS:
            if (landing / feed).exists():
                bronze = _bronze(landing, feed)
                self.db.register("arrow", bronze)
                self.db.execute(f'create table "bronze.{feed}" as from arrow')
        for name, query in TABLES.items():
            self.db.execute(f'create table "{name}" as {query}')

    def columns(self, table: str) -> list[str]:
        return [row[0] for row in self.db.execute(f'describe "{table}"').fetchall()]

    def rows(self, table: str) -> list[tuple]:
        """Every row, sorted; times are in UTC without a zone."""
        found = self.db.execute(f'from "{table}"').fetchall()
        return ordered([tuple(mean(v) if isinstance(v, dict) else _plain(v) for v in row) for row in found])

    def offenders(self, check: str) -> int:
        """How many groups of rows break a rule."""
        return len(self.db.execute(OFFENDERS[check]).fetchall())


def ordered(rows: list[tuple]) -> list[tuple]:
    """Rows in an order that does not stumble over None."""
    return sorted(rows, key=lambda row: [(value is not None, value) for value in row])


def mean(parts: dict) -> Decimal | None:
    """The exact mean, rounded half up to 6 places."""
    if not parts["count"]:
        return None
    with localcontext() as context:
        context.prec = 80
        return (Decimal(parts["sum"]) / parts["count"]).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def _plain(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _bronze(landing: Path, feed: str) -> pa.Table:
    """Every record of a feed's dumps. A table a file: Arrow holds a year's text in far less memory than Python does."""
    seen: set[str] = set()
    tables: list[pa.Table] = []
    for path in sorted((landing / feed).glob("[!.]*/manifest.json")):
        folder, manifest = path.parent, json.loads(path.read_text())
        said = manifest["dump_date"] + "".join(file["sha256"] for file in manifest["files"])
        dump_id = hashlib.sha256(said.encode()).hexdigest()[:16]
        if dump_id in seen:
            continue
        seen.add(dump_id)
        for file in manifest["files"]:
            lineage = (date.fromisoformat(manifest["dump_date"]), dump_id, f"{feed}/{folder.name}/{file['name']}")
            tables.append(_table(*_records(folder / file["name"]), lineage))
    return pa.concat_tables(tables)


def _table(header: list[str], records: list[tuple[int, list[str]]], lineage: tuple[date, str, str]) -> pa.Table:
    """One file's records as text, with where each came from; types are said, for a file may hold none."""
    columns = {name: pa.array((record[at] for _, record in records), pa.string()) for at, name in enumerate(header)}
    for name, value in zip(("dump_date", "dump_id", "file_name"), lineage, strict=True):
        columns[name] = pa.repeat(pa.scalar(value), len(records))
    return pa.table({**columns, "line_number": pa.array((first for first, _ in records), pa.int64())})


def _records(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each record with the line that it begins on."""
    reader = csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode(), newline=""))
    header = next(reader)
    records, first = [], reader.line_num + 1
    for record in reader:
        records.append((first, record))
        first = reader.line_num + 1
    return header, records
