"""What a Python function gives, as a value of the Spark type that it promised, or an error.

Spark's plain functions turn what does not fit into NULL; Arrow's pass pandas, where integers beside a NULL are doubles
and NaN is NULL.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from numbers import Integral, Real
from typing import Any

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

SHOWN = 100
"""Letters of a value that an error shows."""
BITS: Mapping[type[DataType], int] = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}


def fitted(value: Any, kind: DataType) -> Any:
    """The value as one of this type; None is NULL. Raises TypeError where it is none.

    Integers have to be whole and have room; decimals are rounded half up to their scale, as a cast does; a time without
    a zone is one of UTC. Values of types that are not here (maps, intervals) are left to Spark.
    """
    make = MAKE.get(type(kind))
    if value is None or make is None:
        return value
    made = make(value, kind)
    if made is None:
        raise TypeError(f"{value!r} is no {kind.simpleString()}")
    return made


def was_given(*values: Any) -> str:
    """What a function was given when it failed: for an error's note, which Python prints at the end of its trace."""
    return f"(given {', '.join(_cut(repr(value)) for value in values) or 'nothing'})"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _integer(value: Any, kind: DataType) -> int | None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        return None
    given, room = int(value), 2 ** (BITS[type(kind)] - 1)
    return given if -room <= given < room else None


def _double(value: Any, kind: DataType) -> float | None:
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    return float(value) if not isinstance(value, Integral) or abs(int(value)) <= 2**53 else None


def _decimal(value: Any, kind: DataType) -> Decimal | None:
    assert isinstance(kind, DecimalType)
    if isinstance(value, bool) or not isinstance(value, Decimal | Integral):
        return None
    given = value if isinstance(value, Decimal) else Decimal(int(value))
    if not given.is_finite():
        return None
    try:
        return given.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP, Context(prec=kind.precision))
    except InvalidOperation:
        return None


def _text(value: Any, kind: DataType) -> str | None:
    return value if isinstance(value, str) else None


def _boolean(value: Any, kind: DataType) -> bool | None:
    return bool(value) if type(value).__name__ in ("bool", "bool_") else None  # numpy's is no bool


def _date(value: Any, kind: DataType) -> date | None:
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _timestamp(value: Any, kind: DataType) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _timestamp_ntz(value: Any, kind: DataType) -> datetime | None:
    return value if isinstance(value, datetime) and value.tzinfo is None else None


def _binary(value: Any, kind: DataType) -> bytearray | None:
    return bytearray(value) if isinstance(value, bytes | bytearray) else None


def _array(value: Any, kind: DataType) -> list[Any] | None:
    assert isinstance(kind, ArrayType)
    return [fitted(item, kind.elementType) for item in value] if isinstance(value, list | tuple) else None


def _struct(value: Any, kind: DataType) -> tuple[Any, ...] | None:
    """Of a dict or Row by the names of its fields, of a tuple by their places."""
    assert isinstance(kind, StructType)
    given = value.asDict() if hasattr(value, "asDict") else value
    if isinstance(given, dict):
        given = tuple(given[name] for name in kind.names) if given.keys() == set(kind.names) else None
    if not isinstance(given, tuple) or len(given) != len(kind.fields):
        return None
    return tuple(fitted(item, field.dataType) for item, field in zip(given, kind.fields, strict=True))


MAKE: Mapping[type[DataType], Callable[[Any, DataType], Any]] = {
    ArrayType: _array, BinaryType: _binary, BooleanType: _boolean, ByteType: _integer, DateType: _date,
    DecimalType: _decimal, DoubleType: _double, FloatType: _double, IntegerType: _integer, LongType: _integer,
    ShortType: _integer, StringType: _text, StructType: _struct, TimestampNTZType: _timestamp_ntz,
    TimestampType: _timestamp,
}  # fmt: skip
