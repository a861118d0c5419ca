"""The shop delivers what it promises, the same every time, and the oracle reads it as it was meant."""

import csv
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate, pairwise
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import shop
from shop import Shop
from shop_oracle import Oracle

HOUSEHOLDS = 40
Snapshot = dict[str, dict[str, str]]
MONEY = ["amount", "retail_discount", "coupon_discount", "coupon_match_discount"]


class Line(NamedTuple):
    """A delivered sale line, and the day of the dump that it came in."""

    dump: date
    values: dict[str, str]

    @property
    def id(self) -> tuple[str, str]:
        return self.values["basket_id"], self.values["line"]

    @property
    def days_later(self) -> int:
        return (self.dump - date.fromisoformat(self.values["sold_at"][:10])).days


class Year(NamedTuple):
    """A small shop's year: its landing, and the day that each folder arrived on."""

    shop: Shop
    landing: Path
    arrived: dict[str, date]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    """Delivered day by day, so that the day of arrival is known."""
    small, landing = Shop(households=HOUSEHOLDS), tmp_path_factory.mktemp("landing")
    days = [date(2017, 1, 1) + timedelta(days=n) for n in range(365)]
    found = {str(folder.relative_to(landing)): day for day in days for folder in small.deliver(landing, day, day)}
    return Year(small, landing, found)


@pytest.fixture(scope="module")
def lines(year: Year) -> list[Line]:
    """Every line delivered, in the order of its dump's day; a dump that came again is not counted again."""
    folders = sorted(path for path in (year.landing / "sales").iterdir() if not path.name.endswith("-again"))
    return [Line(dump_date(folder), values) for folder in folders for values in records(folder)]


@pytest.fixture(scope="module")
def december(year: Year, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last month's dumps alone, small enough for an oracle to take little time."""
    landing = tmp_path_factory.mktemp("december")
    for folder in year.landing.glob("*/2017-12-*"):
        shutil.copytree(folder, landing / folder.relative_to(year.landing))
    return landing


@pytest.fixture(scope="module")
def oracle(december: Path) -> Oracle:
    return Oracle(december)


def manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text()))


def dump_date(folder: Path) -> date:
    return date.fromisoformat(manifest(folder)["dump_date"])


def text(folder: Path) -> str:
    return gzip.decompress((folder / f"{folder.parent.name}.csv.gz").read_bytes()).decode()


def records(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(folder), newline=""), strict=True))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def contents(landing: Path, pattern: str = "*") -> dict[str, bytes]:
    return {str(p.relative_to(landing)): p.read_bytes() for p in landing.glob(f"*/{pattern}/*")}


def firsts(lines: list[Line]) -> dict[tuple[str, str], Line]:
    """Each line as it was sold: what the first dump that has it says."""
    return {line.id: line for line in reversed(lines)}


def corrections(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.values["remark"] and line.values["withdrawn"] == "false"]


def withdrawals(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.values["withdrawn"] == "true"]


def promised(count: int, rate: float, of: int) -> bool:
    """A count is as near to its rate as chance leaves it: within 4 standard deviations."""
    return abs(count - rate * of) <= 4 * sqrt(rate * of)


def snapshots(year: Year, feed: str) -> list[Snapshot]:
    """What is known after each month's dump, by id."""
    dumps = [{row[f"{feed[:-1]}_id"]: row for row in records(f)} for f in sorted((year.landing / feed).glob("*-01"))]
    return list(accumulate(dumps, lambda known, dump: {**known, **dump}))


def changes(year: Year, feed: str) -> list[set[str]]:
    """For each change of a row from a month to the next, the columns that differ."""
    pairs = [(old[one], new[one]) for old, new in pairwise(snapshots(year, feed)) for one in old]
    return [{name for name in old if old[name] != new[name]} for old, new in pairs if old != new]


def row_dicts(oracle: Oracle, table: str) -> list[dict[str, Any]]:
    names = oracle.columns(table)
    return [dict(zip(names, row, strict=True)) for row in oracle.rows(table)]


# What is delivered depends on the seed and the day alone.


def test_one_call_for_a_month_delivers_what_calls_for_each_day_did(year: Year, tmp_path: Path) -> None:
    year.shop.deliver(tmp_path, date(2017, 3, 1), date(2017, 3, 31))
    delivered = contents(tmp_path)
    assert delivered == {name: content for name, content in contents(year.landing).items() if name in delivered}
    assert len(delivered) == 2 * (31 + 1 + 2)  # two files a folder: a folder a day, one again, two snapshots


def test_the_command_line_delivers_the_same(year: Year, tmp_path: Path) -> None:
    options = ["--landing", str(tmp_path), "--to", "2017-01-02", "--households", str(HOUSEHOLDS)]
    said = subprocess.run([sys.executable, str(shop.__file__), *options], capture_output=True, text=True, check=True)
    assert contents(tmp_path) == contents(year.landing, "2017-01-0[12]")
    assert "4 dumps" in said.stdout


def test_another_seed_delivers_other_households(year: Year, tmp_path: Path) -> None:
    Shop(seed=1, households=HOUSEHOLDS).deliver(tmp_path, date(2017, 1, 1), date(2017, 1, 1))
    snapshots = [records(landing / "households/2017-01-01") for landing in (year.landing, tmp_path)]
    ours, others = ({row["household_id"] for row in snapshot} for snapshot in snapshots)
    assert len(ours) == len(others) == HOUSEHOLDS
    assert ours != others


def test_a_folder_that_is_there_is_left_as_it_is(year: Year, tmp_path: Path) -> None:
    (tmp_path / "sales/2017-01-05").mkdir(parents=True)
    folders = year.shop.deliver(tmp_path, date(2017, 1, 5), date(2017, 1, 6))
    assert [folder.name for folder in folders] == ["2017-01-05", "2017-01-06"]
    assert not list((tmp_path / "sales/2017-01-05").iterdir())


# The files.


def test_a_manifest_says_what_its_files_are(year: Year) -> None:
    for path in year.landing.glob("*/*/manifest.json"):
        said, (file,) = manifest(path.parent), manifest(path.parent)["files"]
        content = (path.parent / file["name"]).read_bytes()
        assert (said["feed"], file["name"]) == (path.parts[-3], f"{path.parts[-3]}.csv.gz")
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert file["rows"] == len(records(path.parent))


def test_a_file_holds_no_time_nor_name_of_its_making(year: Year) -> None:
    for path in year.landing.glob("*/*/*.gz"):
        flags, made = path.read_bytes()[3], path.read_bytes()[4:8]
        assert (flags, made) == (0, bytes(4))


def test_nothing_half_written_is_left(year: Year) -> None:
    assert not list(year.landing.glob("*/.*"))
    complete = {path.parent for path in year.landing.glob("*/*/manifest.json")}
    assert complete == {year.landing / name for name in year.arrived}


def test_columns_are_those_that_were_agreed(year: Year) -> None:
    feeds = {feed.name: text(min(feed.iterdir())).split("\n")[0] for feed in year.landing.iterdir()}
    assert feeds == {
        "sales": "basket_id,line,household_id,store_id,product_id,quantity,amount,retail_discount,coupon_discount,"
        "coupon_match_discount,sold_at,withdrawn,remark",
        "products": "product_id,manufacturer_id,department,brand,product_category,product_type,package_size",
        "households": "household_id,name,email,address,age,income,home_ownership,marital_status,household_size,"
        "household_comp,kids_count",
        "promotions": "product_id,store_id,week,display_location,mailer_location,withdrawn",
    }


def test_money_has_two_places_and_a_time_its_zone(lines: list[Line]) -> None:
    assert all(re.fullmatch(r"\d+\.\d\d", line.values[name]) for line in lines for name in MONEY)
    zones = {(line.values["sold_at"][:7], line.values["sold_at"][19:]) for line in lines}
    assert {zone for month, zone in zones if month in ("2017-01", "2017-12")} == {"-05:00"}
    assert {zone for month, zone in zones if month in ("2017-04", "2017-10")} == {"-04:00"}
    assert {line.values["sold_at"][:4] for line in lines} == {"2017"}


def test_lines_of_a_basket_count_from_one_by_product(lines: list[Line]) -> None:
    baskets: dict[str, list[tuple[int, int]]] = {}
    for line in firsts(lines).values():
        entry = int(line.values["line"]), int(line.values["product_id"])
        baskets.setdefault(line.values["basket_id"], []).append(entry)
    for numbered in baskets.values():
        assert [n for n, _ in sorted(numbered)] == list(range(1, len(numbered) + 1))
        assert sorted(numbered) == sorted(numbered, key=lambda entry: entry[1])


def test_remarks_need_quoting(year: Year, lines: list[Line]) -> None:
    remarks = {line.values["remark"] for line in lines}
    assert all(any(mark in remark for remark in remarks) for mark in (",", '"', "\n"))
    assert any('""' in text(folder) for folder in (year.landing / "sales").iterdir())


# What real teams do.


def test_half_a_percent_of_the_lines_is_corrected(lines: list[Line]) -> None:
    assert promised(len(corrections(lines)), 0.005, of=len(firsts(lines)))


def test_a_correction_comes_1_to_13_days_later_and_mostly_within_3(lines: list[Line]) -> None:
    waits = [line.days_later for line in corrections(lines)]
    assert min(waits) >= 1 and max(waits) <= 13
    assert sum(wait <= 3 for wait in waits) > len(waits) / 2


def test_a_correction_changes_the_quantity_or_the_amount_alone(lines: list[Line]) -> None:
    sold = firsts(lines)
    for line in corrections(lines):
        before = sold[line.id].values
        differing = {name for name in before if before[name] != line.values[name]}
        # A tenth off a line of up to 5 cents rounds to nothing.
        tiny = differing == {"remark"} and Decimal(before["amount"]) <= Decimal("0.05")
        assert tiny or differing in ({"quantity", "remark"}, {"amount", "remark"})


def test_one_line_in_a_thousand_is_withdrawn_later(lines: list[Line]) -> None:
    withdrawn = withdrawals(lines)
    assert promised(len(withdrawn), 0.001, of=len(firsts(lines)))
    assert all(line.days_later >= 1 and line.values["remark"] for line in withdrawn)


def test_some_withdrawn_lines_were_corrected_before(lines: list[Line]) -> None:
    corrected = {line.id: line.dump for line in corrections(lines)}
    both = [line for line in withdrawals(lines) if line.id in corrected]
    assert both
    assert all(corrected[line.id] < line.dump for line in both)


def test_one_line_in_a_thousand_comes_twice_the_same(lines: list[Line]) -> None:
    sold, seen, doubles = firsts(lines), set[tuple[str, str]](), list[Line]()
    for line in lines:
        if line.values["remark"] == "":
            doubles += [line] if line.id in seen else []
            seen.add(line.id)
    assert promised(len(doubles), 0.001, of=len(sold))
    assert all(line.values == sold[line.id].values for line in doubles)
    assert {line.days_later for line in doubles} == {0, 1}


def test_a_day_a_quarter_arrives_two_days_late(year: Year) -> None:
    first = {dump_date(year.landing / name): day for name, day in year.arrived.items() if "again" not in name}
    late = [day for day, arrived in first.items() if arrived > day]
    assert {first[day] - day for day in late} == {timedelta(days=2)}
    assert {(day.month - 1) // 3 for day in late} == {0, 1, 2, 3}
    assert year.arrived["sales/2017-12-27"] == date(2017, 12, 29)


def test_a_dump_a_month_arrives_again_with_the_same_bytes(year: Year) -> None:
    again = [name for name in year.arrived if name.endswith("-again")]
    for name in again:
        first = name.removesuffix("-again")
        assert year.arrived[name] > year.arrived[first]
        assert files(year.landing / name) == files(year.landing / first)
    assert {dump_date(year.landing / name).month for name in again} == set(range(1, 13))
    assert year.arrived["sales/2017-12-28-again"] == date(2017, 12, 30)


def test_every_day_has_its_dump_also_christmas(year: Year, lines: list[Line]) -> None:
    assert len({day for name, day in year.arrived.items() if name.startswith("sales")}) >= 360
    assert sum(name.startswith("sales") and "again" not in name for name in year.arrived) == 365
    assert all(line.days_later > 0 for line in lines if line.dump == date(2017, 12, 25))


# The snapshots.


@pytest.mark.parametrize("feed", ["products", "households"])
def test_snapshots_are_whole_in_january_and_december_and_else_what_changed(year: Year, feed: str) -> None:
    arrived = sorted(day for name, day in year.arrived.items() if name.startswith(feed))
    assert arrived == [*(date(2017, month, 1) for month in range(1, 13)), date(2017, 12, 29)]
    known: Snapshot = {}
    for day in arrived:
        dump = {row[f"{feed[:-1]}_id"]: row for row in records(year.landing / feed / day.isoformat())}
        if day in (date(2017, 1, 1), date(2017, 12, 1)):
            assert known.keys() <= dump.keys()
        else:
            assert len(dump) < len(known) / 2 and all(known[one] != row for one, row in dump.items())
        known = {**known, **dump}
    assert len(dump) > 0, "the year's end has changes"


def test_every_household_that_buys_has_a_name_and_a_harmless_email(year: Year, lines: list[Line]) -> None:
    people = records(year.landing / "households/2017-12-01")
    assert {line.values["household_id"] for line in lines} == {one["household_id"] for one in people}
    assert all(one["name"] and re.fullmatch(r"[a-z0-9.]+@example\.(com|org|net)", one["email"]) for one in people)
    assert any("\n" in one["address"] for one in people) and any("," in one["address"] for one in people)
    assert {bool(one["age"]) for one in people} == {True, False}


def test_households_move_now_and_then(year: Year) -> None:
    found = changes(year, "households")
    assert promised(len(found), 0.01, of=11 * HOUSEHOLDS)
    assert set[str]().union(*found) <= {"address", "email", "income"}


def test_products_change_now_and_then_and_stay_changed(year: Year) -> None:
    first, *_, last = snapshots(year, "products")
    found = changes(year, "products")
    assert promised(len(found), 0.002, of=11 * len(first))
    assert set[str]().union(*found) == {"department", "brand", "package_size"}
    assert sum(first[one] != last[one] for one in first) > 0.9 * len(found)


# The promotions.


def test_promotions_come_on_mondays_and_what_changed_on_fridays(year: Year) -> None:
    found = {dump_date(year.landing / name): day for name, day in year.arrived.items() if name.startswith("promotions")}
    mondays = [date(2017, 12, day) for day in (4, 11, 18, 25)]
    assert sorted(found) == sorted([*mondays, *(monday + timedelta(days=4) for monday in mondays)])
    assert {day for day, arrived in found.items() if arrived > day} == {date(2017, 12, 25)}
    assert found[date(2017, 12, 25)] == date(2017, 12, 27)


def test_a_promotion_is_of_its_week_and_one_in_ten_is_corrected(year: Year) -> None:
    for monday in sorted((year.landing / "promotions").iterdir())[::2]:
        friday = monday.parent / (dump_date(monday) + timedelta(days=4)).isoformat()
        planned, changed = records(monday), records(friday)
        assert {row["week"] for row in planned + changed} == {monday.name}
        assert {row["withdrawn"] for row in planned} == {"false"}
        assert promised(len(changed), 0.1, of=len(planned))
        assert promised(sum(row["withdrawn"] == "true" for row in changed), 0.5, of=len(changed))
        before = {(row["product_id"], row["store_id"]): [] for row in planned}
        for row in planned:
            before[row["product_id"], row["store_id"]].append(row)
        for row in changed:
            assert row not in before[row["product_id"], row["store_id"]]


def test_promotions_are_where_a_household_ever_bought(year: Year, lines: list[Line]) -> None:
    bought = {(line.values["product_id"], line.values["store_id"]) for line in lines}
    promoted = [row for folder in (year.landing / "promotions").iterdir() for row in records(folder)]
    assert {(row["product_id"], row["store_id"]) for row in promoted} <= bought
    assert any(row["display_location"] == "0" for row in promoted)
    assert all((row["display_location"], row["mailer_location"]) != ("0", "0") for row in promoted)


# The oracle.


def test_silver_has_each_line_once(oracle: Oracle, december: Path) -> None:
    ids = {(row["basket_id"], row["line"]) for folder in (december / "sales").iterdir() for row in records(folder)}
    silver = [(str(row["basket_id"]), str(row["line"])) for row in row_dicts(oracle, "silver.sales")]
    assert len(silver) == len(ids)
    assert set(silver) == ids


def test_a_withdrawn_line_stays_in_silver_and_leaves_gold(oracle: Oracle) -> None:
    silver = row_dicts(oracle, "silver.sales")
    kept = [row for row in silver if not row["withdrawn"]]
    assert 0 < len(kept) < len(silver)
    for table, lines, amount in (
        ("gold.daily_sales", "lines", "revenue"),
        ("silver.baskets", "lines", "amount"),
    ):
        rows = row_dicts(oracle, table)
        assert sum(row[lines] for row in rows) == len(kept)
        assert sum(row[amount] for row in rows) == sum(row["amount"] for row in kept)


def test_the_newest_version_of_a_line_wins(oracle: Oracle, lines: list[Line]) -> None:
    silver = {(str(row["basket_id"]), str(row["line"])): row for row in row_dicts(oracle, "silver.sales")}
    corrected = [line for line in corrections(lines) if line.dump >= date(2017, 12, 1)]
    withdrawn = {line.id for line in withdrawals(lines)}
    assert corrected
    for line in corrected:
        assert silver[line.id]["withdrawn"] == (line.id in withdrawn)
        assert silver[line.id]["amount"] == Decimal(line.values["amount"])
        assert silver[line.id]["quantity"] == int(line.values["quantity"])


def test_bronze_says_where_each_row_begins(oracle: Oracle, december: Path) -> None:
    files: dict[str, list[str]] = {}
    for row in row_dicts(oracle, "bronze.sales"):
        name = row["file_name"]
        files.setdefault(name, text(december / Path(name).parent).split("\n"))
        assert files[name][row["line_number"] - 1].startswith(f"{row['basket_id']},{row['line']},")


def test_a_dump_that_came_again_counts_once(oracle: Oracle, december: Path) -> None:
    assert (december / "sales/2017-12-28-again").exists()
    rows = row_dicts(oracle, "bronze.sales")
    assert not [row for row in rows if "again" in row["file_name"]]
    assert len({row["dump_id"] for row in rows}) == len({row["dump_date"] for row in rows}) == 31


def test_times_are_utc_and_days_are_the_stores_own(oracle: Oracle) -> None:
    for row in row_dicts(oracle, "silver.sales"):
        assert (row["sold_at"] - timedelta(hours=5)).date() == row["day"] and row["sold_at"].tzinfo is None


def test_means_are_exact_to_six_places(oracle: Oracle) -> None:
    daily = row_dicts(oracle, "gold.daily_sales")
    assert daily
    for row in daily:
        exact = row["revenue"] / row["lines"]
        assert row["average"] == exact.quantize(Decimal("0.000001"), ROUND_HALF_UP)
        assert row["smallest"] <= row["average"] <= row["largest"]


def test_departments_add_up_to_the_days(oracle: Oracle) -> None:
    products = {row["product_id"] for row in row_dicts(oracle, "silver.products")}
    known = [row for row in row_dicts(oracle, "silver.sales") if row["product_id"] in products and not row["withdrawn"]]
    departments = row_dicts(oracle, "gold.department_sales")
    assert sum(row["lines"] for row in departments) == len(known)
    assert sum(row["revenue"] for row in departments) == sum(row["amount"] for row in known)


def test_promoted_sales_are_part_of_all_sales_and_no_line_counts_twice(oracle: Oracle) -> None:
    sold = [row for row in row_dicts(oracle, "silver.sales") if not row["withdrawn"]]
    promotions = [row for row in row_dicts(oracle, "silver.promotions") if not row["withdrawn"]]
    promoted = {(row["product_id"], row["store_id"], row["week"]) for row in promotions}
    assert len(promoted) == len(promotions)
    met = [row for row in sold if (row["product_id"], row["store_id"], row["week"]) in promoted]
    mart = row_dicts(oracle, "gold.promoted_sales")
    assert 0 < sum(row["lines"] for row in mart) == len(met) < len(sold) / 2
    assert sum(row["revenue"] for row in mart) == sum(row["amount"] for row in met)


def test_a_history_ends_with_what_is_known_today(oracle: Oracle) -> None:
    for one, table in (("product_id", "silver.products"), ("household_id", "silver.households")):
        names = oracle.columns(table)[:-3]
        current = [row for row in row_dicts(oracle, f"{table}_history") if row["is_current"]]
        assert [[row[name] for name in names] for row in current] == [
            [row[name] for name in names] for row in row_dicts(oracle, table)
        ]
        ended = [row for row in row_dicts(oracle, f"{table}_history") if not row["is_current"]]
        assert 0 < len({row[one] for row in ended}) == len(ended)
        assert {(row["valid_from"], row["valid_to"]) for row in ended} == {(date(2017, 12, 1), date(2017, 12, 29))}


def test_a_household_is_worth_its_baskets(oracle: Oracle) -> None:
    worth, baskets = row_dicts(oracle, "gold.household_value"), row_dicts(oracle, "silver.baskets")
    assert sum(row["baskets"] for row in worth) == len(baskets)
    assert sum(row["amount"] for row in worth) == sum(row["amount"] for row in baskets)
    assert all(row["first_day"] <= row["last_day"] for row in worth)


def test_columns_are_in_the_tables_order(oracle: Oracle) -> None:
    assert oracle.columns("bronze.sales")[-4:] == ["dump_date", "dump_id", "file_name", "line_number"]
    value = "household_id first_day last_day baskets amount average"
    assert oracle.columns("gold.household_value") == value.split()
