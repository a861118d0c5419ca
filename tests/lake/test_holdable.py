"""What a Delta table cannot hold is told from a schema alone; what it can hold is never refused."""

import random

import pytest
from pyspark.sql.types import (
    ArrayType,
    CalendarIntervalType,
    DataType,
    DayTimeIntervalType,
    IntegerType,
    MapType,
    NullType,
    StringType,
    StructField,
    StructType,
    VariantType,
    YearMonthIntervalType,
)

from lakemill.lake.holdable import unholdable

FINE = ["a", "a.b", "a/b", "a%b", 'a"b', "a'b", "a:b", "ü", "_metadata", "_state", "a-b", "1"]
INT = IntegerType()


def struct(*fields: tuple[str, DataType]) -> StructType:
    return StructType([StructField(name, kind) for name, kind in fields])


def refused(*fields: tuple[str, DataType]) -> list[str]:
    return list(unholdable(struct(*fields)))


@pytest.mark.parametrize("letter", " ,;{}()\n\t=")
def test_letters_that_delta_takes_nowhere(letter):
    name = f"unit{letter}price"
    nested = struct((name, INT))
    assert f'gives "{name}"' in refused((name, INT))[0]
    assert f'gives "s.{name}"' in refused(("s", nested))[0]
    assert f'gives "s[].{name}"' in refused(("s", ArrayType(nested)))[0]
    assert f'gives "s.value.{name}"' in refused(("s", MapType(StringType(), nested)))[0]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("_change_type", "change feed"),
        ("_Commit_Version", "change feed"),
        ("_commit_timestamp", "change feed"),
        ("_row_id_", "MERGE"),
        ("_SOURCE_ROW_PRESENT_", "MERGE"),
        ("a`b", "backtick"),
        ("", "without a name"),
    ],
)
def test_names_that_delta_has_for_itself(name, why):
    assert len(refused((name, INT))) == 1 and why in refused((name, INT))[0]
    assert not name or refused(("s", struct((name, INT)))) == []


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (DayTimeIntervalType(), "no type for"),
        (YearMonthIntervalType(), "no type for"),
        (CalendarIntervalType(), "no type for"),
        (NullType(), "without a type"),
        (StringType("UTF8_LCASE"), "UTF8_BINARY"),
        (struct(), "no fields"),
        (struct(("a", INT), ("A", INT)), 'gives "x.A" twice'),
    ],
)
def test_types_that_delta_has_not(kind, why):
    for place, wrapped in {
        "x": kind,
        "x[]": ArrayType(kind),
        "x.value": MapType(INT, kind),
        "x.y": struct(("y", kind)),
    }.items():
        reasons = refused(("k", INT), ("x", wrapped))
        assert any(why.replace('"x.', f'"{place}.') in reason and f'"{place}' in reason for reason in reasons), reasons


def test_a_table_has_a_column_and_each_once():
    assert "no column" in refused()[0]
    assert [reason.split(";")[0] for reason in refused(("a", INT), ("A", INT))] == [
        'gives "a" twice',
        'gives "A" twice',
    ]


def test_what_is_fine_is_not_refused():
    draw = random.Random(15)

    def kind(depth: int) -> DataType:
        return draw.choice([
            lambda: INT,
            lambda: StringType(),
            lambda: VariantType(),
            lambda: ArrayType(kind(depth - 1)) if depth else INT,
            lambda: MapType(StringType(), kind(depth - 1)) if depth else INT,
            lambda: struct(*fields(depth - 1)) if depth else INT,
        ])()  # fmt: skip

    def fields(depth: int) -> list[tuple[str, DataType]]:
        return [(name, kind(depth)) for name in draw.sample(FINE, draw.randint(1, 4))]

    for at in range(500):
        columns = fields(3)
        assert refused(*columns) == [], f"seed 15, case {at}: {columns}"
