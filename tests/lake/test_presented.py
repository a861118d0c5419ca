"""What is noted beside columns never changes what they are, and what changes them is told in words."""

import json
import random

import pytest
from pyspark.sql.types import (
    ArrayType,
    DataType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    StringType,
    StructField,
    StructType,
)

from lakemill.lake.presented import LENGTH, altered, digest, is_noted, is_state, plain, plain_columns, presented
from lakemill.lake.schema import _broken
from lakemill.lake.tables import _is_ours, table_properties

NOTES = [
    {"comment": "of the shop"}, {"delta.columnMapping.id": 7, "delta.columnMapping.physicalName": "col-1"},
    {"CURRENT_DEFAULT": "3"}, {"delta.generationExpression": "n + 1"}, {"delta.identity.start": 1},
    {LENGTH: "varchar(5)"}, {"delta.typeChanges": [{"fromType": "integer", "toType": "long"}]}, {},
]  # fmt: skip
INT, TEXT = IntegerType(), StringType()


def random_type(draw: random.Random, depth: int) -> DataType:
    made = draw.randrange(5 if depth else 2)
    if made == 4:
        return StructType([StructField(name, random_type(draw, depth - 1)) for name in draw.sample("abcde", 2)])
    if made == 3:
        return MapType(TEXT, random_type(draw, depth - 1))
    return ArrayType(random_type(draw, depth - 1)) if made == 2 else (INT, TEXT)[made]


def noted(draw: random.Random, kind: DataType) -> DataType:
    """The same type with something noted at every field, and with what may hold NULL left to chance."""
    if isinstance(kind, StructType):
        fields = [(field.name, noted(draw, field.dataType)) for field in kind.fields]
        return StructType([StructField(name, of, draw.random() < 0.5, draw.choice(NOTES)) for name, of in fields])
    if isinstance(kind, ArrayType):
        return ArrayType(noted(draw, kind.elementType), draw.random() < 0.5)
    if isinstance(kind, MapType):
        return MapType(kind.keyType, noted(draw, kind.valueType), draw.random() < 0.5)
    return kind


def test_notes_are_never_seen():
    for seed in range(1000):
        draw = random.Random(seed)
        bare = StructType([StructField(name, random_type(draw, 3)) for name in "xyz"])
        one, other = noted(draw, bare), noted(draw, bare)
        seen = presented(one, ours=False)
        assert seen == presented(other, ours=False) == bare, f"seed {seed}"
        texts = set(json.dumps(seen.jsonValue()).split('"metadata": ')[1:])
        assert all(text.startswith("{}") for text in texts), f"seed {seed}"
        assert is_noted(one) == any(f'"{key}"' in one.json() for note in NOTES for key in note), f"seed {seed}"
        assert _broken(one, other) == "", f"seed {seed}"


def test_a_field_without_a_type_is_not_read():
    kind = StructType([StructField("a", INT), StructField("b", NullType())])
    assert plain(ArrayType(kind)) == ArrayType(StructType([StructField("a", INT)]))
    assert presented(StructType([*kind.fields, StructField("c", kind)]), ours=False).names == ["a", "c"]


@pytest.mark.parametrize(
    ("field", "ours", "is_lakemills"),
    [
        (StructField("_state", StructType([])), True, True),
        (StructField("_state", StructType([])), False, False),
        (StructField("_state", TEXT), True, False),
        (StructField("_state", StructType([]), True, {"lakemill": "data"}), True, False),
        (StructField("_state", StructType([]), True, {"lakemill": "state"}), False, True),
        (StructField("state", StructType([]), True, {"lakemill": "state"}), True, False),
    ],
)
def test_whose_a_column_named_state_is(field, ours, is_lakemills):
    assert is_state(field, ours) == is_lakemills
    assert presented(StructType([field]), ours).names == ([] if is_lakemills else [field.name])


MADE = StructType(
    [StructField("shop", TEXT), StructField("n", LongType()), StructField("s", StructType([StructField("a", INT)]))]
)
SHOP, N, S = MADE.fields


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ([SHOP, N, S], ""),
        ([StructField("shop", TEXT, True, {"comment": "x", "delta.columnMapping.id": 1}), N, S], ""),
        ([SHOP, StructField("n", LongType(), True, {"CURRENT_DEFAULT": "3"}), S], ""),
        ([SHOP, N], "its column s is gone"),
        ([SHOP, StructField("revenue", LongType()), S], "its column n is gone, it has a column revenue more"),
        ([N, SHOP, S], "its columns are in another order"),
        ([SHOP, StructField("n", INT), S], "its column n is int, not bigint"),
        ([StructField("shop", TEXT, True, {LENGTH: "varchar(5)"}), N, S], "its column shop is varchar(5), not string"),
        ([SHOP, StructField("n", LongType(), False), S], "its column n may not hold NULL"),
        ([SHOP, N, StructField("s", StructType([StructField("a", INT, False)]))], "its column s may not hold NULL"),
        ([SHOP, N, StructField("s", StructType([StructField("b", INT)]))],
         "its column s is struct<b:int>, not struct<a:int>"),
    ],
)  # fmt: skip
def test_how_a_table_was_altered(there, words):
    table = StructType(there)
    assert altered(MADE, table) == words
    assert (digest(plain_columns(MADE)) == digest(table)) == (words == "")


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("varchar(5)", "varchar(20)", ""),
        ("varchar(5)", "", ""),
        ("char(3)", "char(3)", ""),
        ("char(3)", "char(5)", "its column code changed from char(3) to char(5)"),
        ("char(3)", "varchar(3)", "its column code changed from char(3) to a text"),
        ("", "char(3)", "its column code changed from a text to char(3)"),
        ("array<char(3)>", "array<char(4)>", "its column code changed from array<char(3)> to array<char(4)>"),
        ("struct<a:char(3),b:varchar(4)>", "struct<a:char(3),b:varchar(9)>", ""),
    ],
)
def test_a_char_of_another_length_reads_as_other_values(before, now, words):
    schemas = [StructType([StructField("code", TEXT, True, {LENGTH: of} if of else {})]) for of in (before, now)]
    assert _broken(*schemas) == words


class Settings:
    """A table's properties."""

    def __init__(self, **settings: str) -> None:
        self.settings = settings

    def setting(self, name: str) -> str | None:
        return self.settings.get(name.removeprefix("delta."))


def test_a_table_is_lakemills_by_all_that_it_sets():
    """A user may keep the whole log of a table, too, and have a struct called `_state` in it."""
    made = {name.removeprefix("delta."): value for name, value in table_properties(StructType()).items()}
    assert _is_ours(Settings(**made))
    assert _is_ours(Settings(**{**made, "enableChangeDataFeed": "false"}))
    for name in ("enableExpiredLogCleanup", "enableDeletionVectors", "dataSkippingNumIndexedCols"):
        assert not _is_ours(Settings(**{key: value for key, value in made.items() if key != name}))
    assert not _is_ours(Settings(enableExpiredLogCleanup="false"))
