"""The simulator delivers what it promises, and the same whenever it is asked."""

import csv
import gzip
import hashlib
import json
from datetime import date

import pytest
from shop import Shop, arrivals
from shop_oracle import Oracle

DAY = date(2017, 12, 1)


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    """A month of a small shop."""
    folder = tmp_path_factory.mktemp("landing")
    Shop(households=100).deliver(folder, DAY, date(2017, 12, 31))
    return folder


@pytest.fixture(scope="module")
def oracle(landing):
    return Oracle(landing)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_however_the_days_are_split(landing, tmp_path):
    shop = Shop(households=100)
    shop.deliver(tmp_path, DAY, date(2017, 12, 10))
    shop.deliver(tmp_path, date(2017, 12, 11), date(2017, 12, 31))
    assert contents(tmp_path) == contents(landing)


def test_the_manifest_is_of_the_files(landing):
    for path in landing.glob("*/*/manifest.json"):
        manifest = json.loads(path.read_text())
        for file in manifest["files"]:
            content = (path.parent / file["name"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
            assert len(list(csv.reader(gzip.decompress(content).decode().splitlines(True)))) - 1 == file["rows"]
        assert not path.parent.name.startswith(".")


def test_late_and_again():
    assert ("sales", date(2017, 12, 27), "2017-12-27") not in arrivals(date(2017, 12, 27))
    assert ("sales", date(2017, 12, 27), "2017-12-27") in arrivals(date(2017, 12, 29))
    assert ("sales", date(2017, 12, 28), "2017-12-28-again") in arrivals(date(2017, 12, 30))


def test_again_is_the_same_content(landing):
    first, again = (landing / "sales" / f"2017-12-28{end}" / "sales.csv.gz" for end in ("", "-again"))
    assert first.read_bytes() == again.read_bytes()


def test_what_teams_do_to_you(oracle):
    db = oracle.db
    lines, told = db.execute('select count(distinct (basket_id, line)), count(*) from "bronze.sales"').fetchone()
    fixed, gone = db.execute(
        "select count(*) filter (remark <> '' and withdrawn = 'false'), count(*) filter (withdrawn = 'true') "
        'from "bronze.sales"'
    ).fetchone()
    assert told > lines
    assert 0.002 < fixed / lines < 0.008
    assert 0.0003 < gone / lines < 0.002
    assert db.execute("select count(*) from \"bronze.sales\" where remark like '%' || chr(10) || '%'").fetchone()[0] > 0
    kept, sold = db.execute(
        'select count(*), (select sum(lines) from "gold.daily_sales") from "silver.sales"'
    ).fetchone()
    assert kept == lines
    assert sold == kept - db.execute('select count(*) from "silver.sales" where withdrawn').fetchone()[0]


def test_households_have_names_and_mail(oracle):
    rows = oracle.rows("silver.households")
    assert len(rows) == 100
    assert all(" " in row[1] and row[2].split("@")[1].startswith("example.") for row in rows)
