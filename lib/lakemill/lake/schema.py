"""A source's columns over time: an update follows what was added or widened, not what was renamed or narrowed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql.types import (
    ByteType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StructField,
    StructType,
)

from lakemill.columns import has_no_order
from lakemill.lake.log import Commit, schema_of
from lakemill.lake.presented import LENGTH
from lakemill.lake.tables import Pin, Table

MAPPED_ID = "delta.columnMapping.id"
DIGITS: dict[type[DataType], int] = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 20}


def at_version(table: Table, version: int) -> StructType | None:
    """The presented columns at a version; None where the log does not reach back to it."""
    try:
        return table.presented(table.full(version).schema)
    except PySparkException:
        return None


@dataclass(frozen=True)
class Reshaped:
    """What was done to the columns, in words.   broken: no update can follow it.   unreadable: the feed cannot."""

    broken: str = ""
    unreadable: str = ""


def reshaped(pin: Pin, after: int, commits: Sequence[Commit]) -> Reshaped:
    """What the commits since a version did to the source's columns; adding some is neither."""
    later = [_seen(pin.table, schema_of(commit.metadata)) for commit in commits if commit.metadata]
    if not later:
        return Reshaped()
    before, unreadable = _declared(pin.table, after), ""
    if before is None:
        return Reshaped(f"its columns were set anew after version {after}, of which the log no longer tells")
    for now in later:
        broken = _broken(before, now)
        if broken:
            return Reshaped(f"{broken} after version {after}")
        unreadable = _unreadable(before, now) or unreadable
        before = now
    return Reshaped(unreadable=unreadable)


def _declared(table: Table, version: int) -> StructType | None:
    """The columns at a version with the ids that column mapping gives them, which a DataFrame does not show."""
    metadata = table.log().metadata_at(version)
    return _seen(table, schema_of(metadata)) if metadata else at_version(table, version)


def comparable(schema: StructType) -> bool:
    """Whether rows can be told apart, which those with maps and variants cannot."""
    return not any(has_no_order(field.dataType) for field in schema.fields)


def _seen(table: Table, schema: StructType) -> StructType:
    """The columns that readers see, with all that is noted at them."""
    seen = table.presented(schema).names
    return StructType([field for field in schema.fields if field.name in seen])


def _broken(before: StructType, now: StructType) -> str:
    later = {field.name: field for field in now.fields}
    for field in before.fields:
        if field.name not in later or _is_another(field, later[field.name]):
            return f"its column {field.name} was dropped or renamed"
        if not _widens(field.dataType, later[field.name].dataType):
            types = f"{field.dataType.simpleString()} to {later[field.name].dataType.simpleString()}"
            return f"its column {field.name} changed from {types}"
        padded, now_padded = _padded(field), _padded(later[field.name])
        if padded != now_padded:  # its rows of before read as other values now
            return f"its column {field.name} changed from {padded or 'a text'} to {now_padded or 'a text'}"
    return ""


def _unreadable(before: StructType, now: StructType) -> str:
    """What Delta does not read a feed across: DELTA_CHANGE_DATA_FEED_INCOMPATIBLE_DATA_SCHEMA."""
    for field in before.fields:
        later = now[field.name]
        if field.dataType.simpleString() != later.dataType.simpleString():
            types = f"{field.dataType.simpleString()} to {later.dataType.simpleString()}"
            return f"its column {field.name} was widened from {types}"
        if MAPPED_ID in field.metadata and MAPPED_ID not in later.metadata:
            return "its column mapping was turned off"
    return ""


def _padded(field: StructField) -> str:
    """The type of a column that is, or has within it, a CHAR, which Spark reads with blanks up to its length."""
    declared = re.sub(r"varchar\(\d+\)", "string", field.metadata.get(LENGTH, ""))
    return declared if "char(" in declared else ""


def _is_another(field: StructField, later: StructField) -> bool:
    """Whether a column was dropped and one of the same name added."""
    ids = [column.metadata[MAPPED_ID] for column in (field, later) if MAPPED_ID in column.metadata]
    return len(set(ids)) == 2


def _widens(kind: DataType, later: DataType) -> bool:
    """Whether every value of a type is one of the later type, as Delta's type widening has it."""
    if kind.simpleString() == later.simpleString():  # comments and nullability do not matter
        return True
    if isinstance(kind, DecimalType) and isinstance(later, DecimalType):
        more = later.scale - kind.scale
        return more >= 0 and later.precision - kind.precision >= more
    digits = DIGITS.get(type(kind))
    if digits and isinstance(later, DecimalType):
        return later.precision - later.scale >= digits
    if digits and DIGITS.get(type(later)):
        return DIGITS[type(later)] >= digits
    return isinstance(later, DoubleType) and isinstance(kind, FloatType | ByteType | ShortType | IntegerType)
