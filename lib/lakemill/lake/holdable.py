"""What a Delta table cannot hold: the names and the types that it refuses, told from a schema before anything runs.

Delta itself says so when the rows are there to be written, which may be hours later, and of some names only when a
later update merges its rows in.
"""

import re
from collections.abc import Iterator

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    CalendarIntervalType,
    DataType,
    DateType,
    DayTimeIntervalType,
    MapType,
    NullType,
    NumericType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    UserDefinedType,
    VariantType,
    YearMonthIntervalType,
)

NOT_IN_NAMES = re.compile(r"[ ,;{}()\n\t=]")
"""Delta takes them with column mapping only, which lakemill's tables do without: other readers know no such tables."""
IN_THE_FEED = {"_change_type", "_commit_version", "_commit_timestamp"}
IN_A_MERGE = {
    "_file_name_", "_row_dropped_", "_row_id_", "_source_row_present_", "_target_row_present_", "packedcdc",
    "_tmp_metadata_row_index",
}  # fmt: skip
HELD = (
    NumericType, StringType, BinaryType, BooleanType, DateType, TimestampType, TimestampNTZType, VariantType,
    UserDefinedType,
)  # fmt: skip
"""The types without fields that Delta has: a type that a newer Spark brings is refused until it stands here."""
INTERVALS = (CalendarIntervalType, DayTimeIntervalType, YearMonthIntervalType)


def unholdable(schema: StructType) -> Iterator[str]:
    """Why a Delta table cannot have these columns, as what the job does: one text for each reason."""
    if not schema.fields:
        yield "gives no column at all; a table has one or more"
    for field in schema.fields:
        name = field.name
        if name.lower() in IN_THE_FEED:
            yield f'gives "{name}", which is a column of Delta\'s change feed; choose another name'
        if name.lower() in IN_A_MERGE:
            yield f'gives "{name}", which Delta\'s MERGE has for itself; choose another name'
        if "`" in name:
            yield f'gives "{name}", and Delta\'s MERGE cannot write a backtick in a name; choose another name'
    yield from _within(schema, "")


def _within(kind: DataType, place: str) -> Iterator[str]:
    """What is wrong at a place of the schema and below it; `place` is empty for the whole row."""
    if isinstance(kind, StructType):
        yield from _fields(kind, place)
    elif isinstance(kind, ArrayType):
        yield from _within(kind.elementType, f"{place}[]")
    elif isinstance(kind, MapType):
        yield from _within(kind.keyType, f"{place}.key")
        yield from _within(kind.valueType, f"{place}.value")
    elif isinstance(kind, NullType):
        yield f'gives "{place}" without a type, as lit(None) has none; cast it to one'
    elif isinstance(kind, INTERVALS):
        text = kind.simpleString()
        yield f'gives "{place}" as {text}, which Delta has no type for; give a number, as of seconds or months'
    elif isinstance(kind, StringType) and kind.simpleString() != "string":
        collation = kind.simpleString().removeprefix("string ")
        yield f'gives "{place}" as a text with {collation}, which Delta cannot hold; collate it as UTF8_BINARY'
    elif not isinstance(kind, HELD):
        yield f'gives "{place}" as {kind.simpleString()}, which Delta has no type for; cast it to another'


def _fields(struct: StructType, place: str) -> Iterator[str]:
    names = [name.lower() for name in struct.names]
    if not names and place:
        yield f'gives "{place}" as a struct of no fields, which no file can hold; give it a field'
    for field in struct.fields:
        path = f"{place}.{field.name}" if place else field.name
        unfit = NOT_IN_NAMES.search(field.name)
        if not field.name:
            yield f"gives {f'a field of {place}' if place else 'a column'} without a name; give it one"
        elif unfit:
            yield f'gives "{path}", and Delta takes no {_letter(unfit[0])} in a name; choose another with .alias("...")'
        if names.count(field.name.lower()) > 1:
            yield f'gives "{path}" twice; give one of them another name'
        yield from _within(field.dataType, path)


def _letter(letter: str) -> str:
    return {" ": "blank", "\n": "line break", "\t": "tab"}.get(letter, letter)
