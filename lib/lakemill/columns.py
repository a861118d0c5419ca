"""Columns by name and by type: what all rooms need to say about the columns that they read."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column, functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    ByteType,
    CalendarIntervalType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    IntegralType,
    LongType,
    MapType,
    ShortType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VariantType,
)

from lakemill.errors import UsageError, did_you_mean

WIDTHS: Mapping[type[DataType], int] = {
    BooleanType: 1, ByteType: 1, ShortType: 2, IntegerType: 4, LongType: 8, FloatType: 4, DoubleType: 8, DateType: 4,
    TimestampType: 8, TimestampNTZType: 8, DecimalType: 16,
}  # fmt: skip


def quoted(name: str) -> str:
    """The name in backticks: dots, spaces and backticks in it are part of the name."""
    return "`" + name.replace("`", "``") + "`"


def column(name: str) -> Column:
    """The column of exactly this name."""
    return F.col(quoted(name))


def type_of(name: str, types: Mapping[str, DataType]) -> DataType:
    """The type of a column of the map; raises UsageError where the map gives no such column."""
    if name not in types:
        given = ", ".join(types)
        raise UsageError(f'reads "{name}", but the map gives {given}. {did_you_mean(name, types)}')
    return types[name]


def sortable(name: str, types: Mapping[str, DataType]) -> Column:
    """The column as a value that can be sorted; of a double's two equal zeros only 0.0 is left.

    Raises UsageError where its type has no order.
    """
    given = type_of(name, types)
    if isinstance(given, ArrayType | CalendarIntervalType | MapType | StructType | VariantType):
        raise UsageError(f'compares "{name}", which is {given.simpleString()}; it takes numbers, texts, dates, times.')
    return one_zero(column(name), given)


def one_zero(value: Column, kind: DataType) -> Column:
    """The value, of this type; of a double's two equal zeros only 0.0 is left.

    Spark groups and compares them as equal but keeps them apart as values: which of them a group shows would depend on
    the order of its rows.
    """
    if not holds(kind, DoubleType | FloatType):
        return value
    if isinstance(kind, ArrayType):
        return F.transform(value, lambda element: one_zero(element, kind.elementType))
    if isinstance(kind, StructType):
        fields = [one_zero(value.getField(field.name), field.dataType).alias(field.name) for field in kind.fields]
        return F.when(value.isNotNull(), F.struct(*fields))
    return value + F.lit(0.0).cast(kind)


def has_no_order(kind: DataType) -> bool:
    """Whether values of such a type cannot be compared."""
    return holds(kind, CalendarIntervalType | MapType | VariantType)


def holds(kind: DataType, sought: Any) -> bool:
    """Whether a type is, or has within it, one of these."""
    if isinstance(kind, ArrayType):
        return holds(kind.elementType, sought)
    if isinstance(kind, StructType):
        return any(holds(field.dataType, sought) for field in kind.fields)
    return isinstance(kind, sought)


def width(kind: DataType) -> int | None:
    """The bytes of a value of this type; None where they depend on the value."""
    if isinstance(kind, StructType):
        widths = [width(field.dataType) for field in kind.fields]
        return None if None in widths else sum(of_field or 0 for of_field in widths)
    return WIDTHS.get(type(kind))


def number(name: str, types: Mapping[str, DataType]) -> DataType:
    """The type of a column of numbers; raises UsageError where it is not one."""
    given = type_of(name, types)
    if not isinstance(given, IntegralType | DecimalType | DoubleType | FloatType):
        raise UsageError(f'reads "{name}" as numbers, but it is {given.simpleString()}.')
    return given


def check_room(name: str, kind: DataType) -> None:
    """Raises UsageError where values of a decimal type cannot be added up: no digit is left before the point."""
    if isinstance(kind, DecimalType) and kind.scale > 36:
        raise UsageError(
            f'adds up "{name}", which is {kind.simpleString()}: a total of it has no room before the point. '
            f'Cast it in the map, as in F.col("{name}").cast("decimal(38,18)").'
        )


def names(given: object) -> tuple[str, ...]:
    """One column's name, or several."""
    return (given,) if isinstance(given, str) else tuple(given)  # type: ignore[arg-type]


def let(value: Column, body: Callable[[Column], Column]) -> Column:
    """The body with a name for the value: it is computed once, however often the body uses it.

    Spark has no such word. A lambda's variable is bound to a value that is computed before, while a Column that is used
    twice is an expression that is copied and computed twice: in nested steps, 2, 4, 8, ... times.
    """
    return F.transform(F.array(value), body)[0]


def column_text(value: Column) -> str:
    """The column as a text that is the same in every session.

    Spark numbers the variables of lambdas through a session, and prints where in a file a Python function's argument
    was made: both differ between runs of one definition, and would look like another definition.
    """
    printed = re.sub(r"Origin\((?:[^()]|\([^()]*\))*\)", "", str(value))
    heads = re.findall(r"\(?(\w+_\d+(?:, \w+_\d+)*)\)? ->", printed)
    variables = dict.fromkeys(name for head in heads for name in head.split(", "))
    for number, name in enumerate(variables):
        printed = re.sub(rf"\b{name}\b", f"lambda {number}", printed)
    return printed


def any_not_zero(values: Iterable[Column]) -> Column:
    """Whether any of the values is not 0; a NULL is taken for 0."""
    return reduce(lambda some, value: some | F.coalesce(value != 0, F.lit(False)), values, F.lit(False))


def null(kind: DataType) -> Column:
    """No value, of this type."""
    return F.lit(None).cast(kind)
