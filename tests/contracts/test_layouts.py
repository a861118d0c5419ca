"""Layouts and zones: what Java's formatter and one meaning allow. Java itself is not asked here."""

from datetime import date, datetime

import pytest

from lakemill.contracts.layouts import layout_faults, moment, zone_fault

DATES = ["yyyy-MM-dd", "dd.MM.yyyy", "d/M/yyyy", "yyyyMMdd", "dd MMM yyyy", "'on' yyyy-MM-dd", "yyyy-MM-dd'T''x'"]
TIMES = ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm[:ss[.SSSSSS]]", "dd.MM.yyyy hh:mm a", "yyyyMMddHHmmss"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "+01:00", "-18:00"]
NO_ZONES = [
    "",
    "Europe",
    "berlin",
    "europe/berlin",
    "Europe/Nowhere",
    "../etc/passwd",
    "/etc/passwd",
    "+1",
    "+19:00",
    "GMT+1",
]


@pytest.mark.parametrize("layout", DATES)
def test_layouts_of_dates(layout):
    assert list(layout_faults(layout, "date", False)) == []


@pytest.mark.parametrize("layout", TIMES)
def test_layouts_of_times(layout):
    assert list(layout_faults(layout, "timestamp", False)) == []
    assert list(layout_faults(f"{layout}XXX", "timestamp", True)) == []
    assert any("no offset" in fault for fault in layout_faults(layout, "timestamp", True))
    assert any("timezone is not true" in fault for fault in layout_faults(f"{layout}Z", "timestamp", False))


@pytest.mark.parametrize("letter", "GYuQqeEcwWDFKkNnABLpr")
def test_letters_that_are_not_taken(letter):
    assert list(layout_faults(f"yyyy-MM-dd HH {letter}", "timestamp", False))


@pytest.mark.parametrize("zone", ZONES)
def test_zones(zone):
    assert zone_fault(zone) == ""


@pytest.mark.parametrize("zone", NO_ZONES)
def test_what_is_no_zone(zone):
    assert "is no time zone" in zone_fault(zone)


def test_moments():
    assert moment("2017-02-28", "date") == date(2017, 2, 28)
    assert moment("2017-02-28T01:02:03Z", "timestamp") == datetime.fromisoformat("2017-02-28T01:02:03+00:00")
    for text in ("2017-02-29", "20170228", "2017-2-28", "28.02.2017", "", "2017-02-28T00:00:00"):
        assert moment(text, "date") is None
    for text in ("2017-02-28", "2017-02-28T25:00:00", "2017-02-28 01:02:03", "2017-W01-1T00:00:00"):
        assert moment(text, "timestamp") is None
