"""A first draft from columns and rows: what the rows do not tell is not claimed."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from contracts.standard import against_the_standard

from lakemill.contracts.consistency import contradictions
from lakemill.contracts.infer import inferred
from lakemill.contracts.readings import readings_of
from lakemill.contracts.writer import contract_text

DAYS = [date(2017, 1, 1) + timedelta(days=n) for n in range(60)]
TIMES = [datetime(2017, 1, 1, 23, 59, 1) + timedelta(hours=7 * n) for n in range(40)]


def one_column(values: list, kind: str = "string"):
    draft = inferred("bronze.t", {"x": kind}, [{"x": value} for value in values])
    assert list(contradictions(draft.contract)) == []
    assert against_the_standard(contract_text(draft.contract)) == []
    return draft.contract.columns[0] if draft.contract.columns else None, draft.notes


TEXTS = {
    "whole numbers": (["1", "-20", "0", "999999999999999999"], "integer", {}),
    "with zeros before": (["01", "20"], "string", {}),
    "postcodes": (["10115", "01067"], "string", {}),
    "decimals": (["1.5", "-20", "0.25"], "number", {"decimal": "."}),
    "a decimal comma": (["1,5", "-20", "0,25"], "number", {"decimal": ","}),
    "thousands": (["1,234.5", "1,234,567", "9"], "number", {"decimal": ".", "group": ","}),
    "thousands with points": (["1.234,5", "1.234.567"], "number", {"decimal": ",", "group": "."}),
    "thousands or decimals": (["1,234", "2,345"], "string", {}),
    "points or thousands": (["1.234", "2.345"], "string", {}),
    "very large": (["9" * 20, "8" * 20], "number", {"decimal": "."}),
    "exponents": (["1e5", "2"], "string", {}),
    "not a number": (["1.5", "NaN"], "string", {}),
    "half a number": (["1.5", "1.5 kg"], "string", {}),
    "booleans": (["true", "false"], "boolean", {"true": ("true",), "false": ("false",)}),
    "yes and no": (["Y", "N", "Y"], "boolean", {"true": ("Y",), "false": ("N",)}),
    "one and nought": (["1", "0"], "integer", {}),
    "true or not": (["true", "maybe"], "string", {}),
    "ISO days": ([str(day) for day in DAYS], "date", {"layout": ""}),
    "German days": ([f"{day:%d.%m.%Y}" for day in DAYS], "date", {"layout": "dd.MM.yyyy"}),
    "American days": ([f"{day:%m/%d/%Y}" for day in DAYS], "date", {"layout": "MM/dd/yyyy"}),
    "English days": ([f"{day:%d/%m/%Y}" for day in DAYS], "date", {"layout": "dd/MM/yyyy"}),
    "days before the 13th": (["03/04/2017", "05/06/2017"], "string", {}),
    "no such day": (["2017-02-29", "2017-03-01"], "string", {}),
    "short days": (["1.2.2017", "3.4.2017"], "string", {}),
    "times": ([f"{time:%Y-%m-%d %H:%M:%S}" for time in TIMES], "timestamp", {"layout": "yyyy-MM-dd HH:mm:ss"}),
    "ISO times": ([f"{time:%Y-%m-%dT%H:%M:%S}" for time in TIMES], "timestamp", {"offset": False}),
    "times with offsets": ([f"{time:%Y-%m-%dT%H:%M:%S}-05:00" for time in TIMES], "timestamp", {"offset": True}),
    "times in UTC": ([f"{time:%Y-%m-%dT%H:%M:%S}Z" for time in TIMES], "timestamp", {"offset": True}),
    "some with offsets": (["2017-01-01T00:00:00", "2017-01-01T00:00:00Z"], "string", {}),
    "texts": (["a", "b c"], "string", {}),
    "numbers and nothing": (["1", "", "NULL"], "integer", {"missing": ("", "NULL")}),
    "days and nothing": (["2017-01-01", "N/A"], "date", {"missing": ("N/A",)}),
    "texts and nothing": (["a", "", "NULL"], "string", {"missing": ("",)}),
    "nothing at all": (["", ""], "string", {"missing": ("",)}),
    "NULL at all": ([None, None], "string", {}),
}


@pytest.mark.parametrize("case", TEXTS)
def test_texts_are_read_as_what_all_of_them_can_be(case):
    values, logical, form = TEXTS[case]
    column, _ = one_column(values)
    assert (column.logical, column.physical) == (logical, "string")
    assert {name: getattr(column.form, name) for name in form} == form
    if logical != "string":
        assert column.severity("type") == "warn"


@pytest.mark.parametrize("case", ["thousands or decimals", "points or thousands", "days before the 13th"])
def test_what_could_be_read_in_two_ways_stays_a_text_and_is_told(case):
    _, notes = one_column(TEXTS[case][0])
    assert any("x stays a text: all of it can be read as" in note and "Say which" in note for note in notes)


KINDS = {
    "bigint": "integer", "int": "integer", "smallint": "integer", "tinyint": "integer", "decimal(20,0)": "integer",
    "decimal(12,2)": "number", "double": "number", "float": "number", "date": "date", "timestamp": "timestamp",
    "timestamp_ntz": "timestamp", "boolean": "boolean", "string": "string",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_typed_columns_are_what_they_are(kind):
    column, _ = one_column([], kind)
    assert (column.logical, column.physical, column.required) == (KINDS[kind], kind, False)


@pytest.mark.parametrize(
    "kind", ["array<string>", "struct<a:int>", "map<string,int>", "binary", "interval day", "variant"]
)
def test_what_a_contract_does_not_have_is_left_out_by_name(kind):
    draft = inferred("bronze.t", {"x": kind, "y": "int"}, [])
    assert [column.name for column in draft.contract.columns] == ["y"]
    assert f"x is left out: a contract has no {kind}." in draft.notes


def test_rules_that_rows_suggest_warn():
    column, _ = one_column([Decimal(1), Decimal(2)], "decimal(12,2)")
    assert column.required and column.severity("required") == "warn"
    column, _ = one_column([Decimal(1), None], "decimal(12,2)")
    assert not column.required
    column, _ = one_column(["a", "b"] * 60)
    assert column.values == ("a", "b") and column.severity("values") == "warn" and column.severity("required") == "warn"
    column, _ = one_column(["a", "b"] * 10)
    assert column.values == ()
    column, _ = one_column([f"v{n % 13}" for n in range(500)])
    assert column.values == ()


def test_a_column_that_is_another_in_each_row_is_told():
    _, notes = one_column(list(range(100)), "bigint")
    assert any("if it is a key" in note for note in notes)
    _, notes = one_column([*range(99), 0], "bigint")
    assert not any("if it is a key" in note for note in notes)


def test_how_many_rows_were_looked_at_is_told():
    assert one_column([])[1][0].startswith("Inferred from the columns alone")
    assert one_column(["a"] * 1500)[1][0].startswith("Inferred from 1,500 rows")


def test_no_texts_have_no_reading():
    assert readings_of([]) == [] == readings_of(["", "NULL"])
