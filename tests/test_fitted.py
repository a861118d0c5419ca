"""What a Python function gives is of its type, or an error: never NULL, never another number."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from pyspark.sql import Row
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lakemill.python.fitted import fitted

PAIR = StructType().add("a", LongType()).add("b", StringType())
NOON = datetime(2017, 5, 1, 12)
FITS = [
    (2**53 + 1, LongType(), 2**53 + 1), (-128, ByteType(), -128), (np.int64(7), IntegerType(), 7),
    (3, DoubleType(), 3.0), (np.float32(0.5), DoubleType(), 0.5), (math.inf, DoubleType(), math.inf),
    (Decimal("1.005"), DecimalType(10, 2), Decimal("1.01")), (-7, DecimalType(3, 2), Decimal("-7.00")),
    ("x", StringType(), "x"), (np.bool_(True), BooleanType(), True), (b"x", BinaryType(), bytearray(b"x")),
    (date(2017, 5, 1), DateType(), date(2017, 5, 1)), (NOON, TimestampNTZType(), NOON),
    (NOON, TimestampType(), NOON.replace(tzinfo=UTC)), ((1, None), ArrayType(LongType()), [1, None]),
    ({"b": "x", "a": 1}, PAIR, (1, "x")), (Row(b="x", a=1), PAIR, (1, "x")), ((1, "x"), PAIR, (1, "x")),
    ({"x": 1}, MapType(StringType(), LongType()), {"x": 1}),
]  # fmt: skip
FITS_NOT = [
    (2.0, LongType()), (True, LongType()), (128, ByteType()), (2**31, IntegerType()), ("7", LongType()),
    (2**53 + 1, DoubleType()), ("1.5", DoubleType()), (Decimal("100"), DecimalType(3, 2)), (1.5, DecimalType(3, 2)),
    (Decimal("NaN"), DecimalType(3, 2)), (3, StringType()), (1, BooleanType()), ("x", BinaryType()), (NOON, DateType()),
    (date(2017, 5, 1), TimestampType()), (NOON.replace(tzinfo=UTC), TimestampNTZType()),
    ("abc", ArrayType(StringType())), (["x", 1], ArrayType(StringType())),
    ({"a": 1}, PAIR), ((1,), PAIR), ({"a": 1, "b": 2}, PAIR),
]  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "expected"), FITS, ids=str)
def test_fits(given, kind, expected):
    found = fitted(given, kind)
    assert (found, type(found)) == (expected, type(expected))
    assert fitted(None, kind) is None


def test_nan_is_no_null():
    assert math.isnan(fitted(math.nan, DoubleType()))


@pytest.mark.parametrize(("given", "kind"), FITS_NOT, ids=str)
def test_fits_not(given, kind):
    with pytest.raises(TypeError, match="is no "):
        fitted(given, kind)
