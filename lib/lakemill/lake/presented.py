"""A table's columns as its readers see them: their names and types, and nothing that is noted beside them.

Delta keeps more with a column than its type: a comment, an id of column mapping, the length of a CHAR or VARCHAR, a
default, the expression that generates it, and all of this with the fields inside structs, too. Where some of it got
into a plan, the table's fingerprint would hang on it; where it got into a target, Delta would hold the target to it.
"""

import hashlib
import json
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql.types import ArrayType, DataType, MapType, NullType, StructField, StructType

from lakemill.columns import column
from lakemill.core.reduction import OWN_STATE, STATE, STATE_MARK

LENGTH = "__CHAR_VARCHAR_TYPE_STRING"
"""With what Spark notes that a text is a CHAR or VARCHAR of some length: to a CHAR it adds blanks when it is read."""

DATA = {STATE_MARK: "data"}
"""Marks a column `_state` that is data: the user has one of this name, and lakemill wrote a copy of it."""


def plain(kind: DataType) -> DataType:
    """The type without what is noted at the fields within it, which may all hold NULL.

    A field without a type is in no file, and Delta does not read it.
    """
    if isinstance(kind, ArrayType):
        return ArrayType(plain(kind.elementType), True)
    if isinstance(kind, MapType):
        return MapType(plain(kind.keyType), plain(kind.valueType), True)
    if isinstance(kind, StructType):
        return StructType([_plain_field(field) for field in kind.fields if not isinstance(field.dataType, NullType)])
    return kind


def plain_columns(schema: StructType) -> StructType:
    """The columns without what is noted at them, as a table has them that is made of such rows."""
    return StructType([_plain_field(field) for field in schema.fields])


def presented(schema: StructType, ours: bool) -> StructType:
    """The columns that every reader of a table should see.   ours: whether lakemill made the table."""
    shown = [field for field in schema.fields if not is_state(field, ours)]
    return StructType([_plain_field(field) for field in shown if not isinstance(field.dataType, NullType)])


def is_state(field: StructField, ours: bool) -> bool:
    """Whether a column is the state that lakemill keeps beside its results, and not a user's column of that name.

    ours: whether lakemill made the table. In its older tables the state has no mark, and is a struct.
    """
    if field.name != STATE:
        return False
    if STATE_MARK in field.metadata:
        return bool(field.metadata[STATE_MARK] == OWN_STATE[STATE_MARK])
    return ours and isinstance(field.dataType, StructType)


def as_written(rows: DataFrame) -> DataFrame:
    """The same rows, in columns with which nothing is noted but whose a column named `_state` is."""
    return rows.select(*[_as_written(field) for field in rows.schema.fields])


def digest(schema: StructType) -> str:
    """A digest of what a table's columns are and may hold: of names, types and order, not of what is only noted."""
    return hashlib.sha256(json.dumps(_bare(schema.jsonValue())).encode()).hexdigest()[:16]


def altered(made: StructType, there: StructType) -> str:
    """How a table's columns differ from those of the rows it is made of, in words; nothing where they do not."""
    made = plain_columns(made)
    if digest(made) == digest(there):
        return ""
    expected, given = made.names, there.names
    words = [f"its column {name} is gone" for name in expected if name not in given]
    words += [f"it has a column {name} more" for name in given if name not in expected]
    words += [_other_type(made[name], there[name]) for name in given if name in expected]
    return ", ".join(word for word in words if word) or "its columns are in another order"


def _other_type(made: StructField, there: StructField) -> str:
    limit = there.metadata.get(LENGTH)
    if limit or plain(made.dataType) != plain(there.dataType):
        return f"its column {made.name} is {limit or there.dataType.simpleString()}, not {made.dataType.simpleString()}"
    return "" if _bare(made.jsonValue()) == _bare(there.jsonValue()) else f"its column {made.name} may not hold NULL"


def _bare(value: Any) -> Any:
    """A schema's JSON with nothing noted but the lengths that Spark holds texts to."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    bare = {name: _bare(item) for name, item in value.items() if name != "metadata"}
    length = value.get("metadata", {}).get(LENGTH)
    return bare | {"length": length} if length else bare


def _plain_field(field: StructField) -> StructField:
    return StructField(field.name, plain(field.dataType), True)


def _as_written(field: StructField) -> Column:
    kind, value = plain(field.dataType), column(field.name)
    if is_noted(field.dataType) or field.metadata:
        value = value.cast(kind).alias(field.name)  # an alias alone would keep what is noted; a cast to itself is free
    if field.name != STATE:
        return value
    return value.alias(STATE, metadata=OWN_STATE if is_state(field, ours=False) else DATA)


def is_noted(kind: DataType) -> bool:
    """Whether anything is noted at a field within the type."""
    if isinstance(kind, ArrayType):
        return is_noted(kind.elementType)
    if isinstance(kind, MapType):
        return is_noted(kind.keyType) or is_noted(kind.valueType)
    return isinstance(kind, StructType) and any(f.metadata or is_noted(f.dataType) for f in kind.fields)
