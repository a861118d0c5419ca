"""The maps around promotions, on a few rows and without a lake: which lines count as promoted, and as what."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from frames import assert_rows

from lakemill.conf import load_conf
from lakemill.quality.doors import guarded_jobs

JOBS = guarded_jobs(load_conf(Path(__file__).resolve().parents[2]))
LINEAGE = "dump_date date, dump_id string, line_number bigint"
DUMP = (date(2017, 12, 18), "d1", 2)
MONDAY, NEXT = date(2017, 12, 18), date(2017, 12, 25)


SCHEMAS = {
    "sales": "household_id bigint, store_id bigint, product_id bigint, week date, quantity bigint, "
    f"amount decimal(12,2), withdrawn boolean, {LINEAGE}",
    "products": f"product_id bigint, department string, {LINEAGE}",
    "households": f"household_id bigint, income string, {LINEAGE}",
    "promotions": "product_id bigint, store_id bigint, week date, display_location string, mailer_location string, "
    f"withdrawn boolean, {LINEAGE}",
}
MAPPED = (
    "week date, department string, income string, display_location string, mailer_location string, "
    "quantity bigint, amount decimal(12,2)"
)


def test_a_line_counts_where_its_product_store_and_week_are_promoted(spark):
    rows = {
        "sales": [
            (1, 1, 1, MONDAY, 2, Decimal("5.00"), False),  # on display and in the mailer; no income was told
            (2, 1, 3, MONDAY, 4, Decimal("1.00"), False),  # in the mailer alone
            (1, 1, 1, MONDAY, 1, Decimal("2.50"), True),  # withdrawn
            (1, 1, 1, NEXT, 1, Decimal("2.50"), False),  # in the week after
            (1, 2, 1, MONDAY, 1, Decimal("2.50"), False),  # in another store
            (1, 1, 2, MONDAY, 1, Decimal("9.00"), False),  # whose promotion was withdrawn
        ],
        "products": [(1, "GROCERY"), (2, "DELI"), (3, "MEAT")],
        "households": [(1, None), (2, "35-49K")],
        "promotions": [
            (1, 1, MONDAY, "5", "A", False),
            (2, 1, MONDAY, "9", "0", True),
            (3, 1, MONDAY, "0", "J", False),
        ],
    }
    frames = [spark.createDataFrame([(*row, *DUMP) for row in rows[name]], SCHEMAS[name]) for name in SCHEMAS]
    expected = [
        (MONDAY, "GROCERY", None, "5", "A", 2, Decimal("5.00")),
        (MONDAY, "MEAT", "35-49K", "0", "J", 4, Decimal("1.00")),
    ]
    assert_rows(JOBS["gold.promoted_sales"].mapped(*frames), expected, MAPPED)


def test_a_promotion_and_a_sale_of_one_week_meet_on_its_monday(spark):
    said = [
        ("1", "2", "2017-12-18", "0", "J", "false", *DUMP),
        ("1", "2", "2017-12-25", "A", "0", "true", *DUMP),
    ]
    columns = "product_id string, store_id string, week string, display_location string, mailer_location string, "
    promotions = JOBS["silver.promotions"].mapped(spark.createDataFrame(said, f"{columns}withdrawn string, {LINEAGE}"))
    expected = [(1, 2, MONDAY, "0", "J", False, *DUMP), (1, 2, NEXT, "A", "0", True, *DUMP)]
    assert_rows(promotions, expected, SCHEMAS["promotions"])

    names = "basket_id line household_id store_id product_id quantity amount retail_discount coupon_discount"
    names = f"{names} coupon_match_discount sold_at withdrawn remark".split()
    times = ["2017-12-18T00:00:00-05:00", "2017-12-24T23:59:59-05:00", "2017-12-25T06:00:00-05:00"]
    lines = [(*["1"] * 6, *["1.00"] * 4, time, "false", "", *DUMP) for time in times]
    schema = ", ".join(f"{name} string" for name in names)
    sales = JOBS["silver.sales"].mapped(spark.createDataFrame(lines, f"{schema}, {LINEAGE}"))
    days = [(date(2017, 12, 18), MONDAY), (date(2017, 12, 24), MONDAY), (date(2017, 12, 25), NEXT)]
    assert_rows(sales.select("day", "week"), days, "day date, week date")
