"""Types by their names: which there are, what they hold, which are wider; the oracle is arithmetic."""

from fractions import Fraction
from itertools import product

import pytest

from lakemill.contracts.spark_types import SparkType, meant_type, spark_type

WHOLE = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
TYPES = [*WHOLE, "string", "date", "timestamp", "timestamp_ntz", "boolean", "float", "double"]
SIZES = [(digits, scale) for digits in (1, 3, 5, 10, 20, 38) for scale in (0, 1, 2, 10)]
DECIMALS = [f"decimal({digits},{scale})" for digits, scale in SIZES if scale <= digits]


@pytest.mark.parametrize("name", [*TYPES, *DECIMALS])
def test_a_type_is_read_as_it_is_written(name):
    assert str(spark_type(name)) == name
    assert meant_type(name) == (name, None)
    assert meant_type(f" {name.upper()} ") == (name, None)


@pytest.mark.parametrize(
    "name", ["", "decimal", "decimal(0,0)", "decimal(39,0)", "decimal(3,4)", "decimal(3, 1)", "INT", "blob"]
)
def test_what_is_no_type(name):
    assert spark_type(name) is None


@pytest.mark.parametrize(
    ("other", "meant", "letters"),
    [
        ("VARCHAR(20)", "string", 20), ("varchar", "string", None), ("CHARACTER VARYING(5)", "string", 5),
        ("NUMERIC(12, 2)", "decimal(12,2)", None), ("number(9)", "decimal(9,0)", None), ("BIGINT", "bigint", None),
        ("Integer", "int", None), ("TIMESTAMP WITH TIME ZONE", "timestamp", None), ("timestamptz", "timestamp", None),
        ("timestamp(6)", "timestamp", None), ("Text", "string", None), ("double  precision", "double", None),
        ("array<string>", "array<string>", None), ("blob", "blob", None),
    ],
)  # fmt: skip
def test_what_other_systems_call_them(other, meant, letters):
    assert meant_type(other) == (meant, letters)


@pytest.mark.parametrize("name", [*WHOLE, *DECIMALS])
def test_the_range_of_a_type(name):
    kind = spark_type(name)
    least, most = kind.range
    if name in WHOLE:
        assert (least, most) == (-(2 ** (WHOLE[name] - 1)), 2 ** (WHOLE[name] - 1) - 1)
    else:
        assert Fraction(most) * 10**kind.scale == 10**kind.digits - 1
        assert Fraction(least) == -Fraction(most)


@pytest.mark.parametrize(("old", "new"), list(product([*WHOLE, *DECIMALS], repeat=2)))
def test_a_wider_type_holds_all_that_the_other_does(old, new):
    before, after = spark_type(old), spark_type(new)
    if before.widens_to(after):
        (low, high), (least, most) = before.range, after.range
        assert least <= low and high <= most
        assert after.name in WHOLE or after.scale >= before.scale
    elif {before.name, after.name} <= {*WHOLE}:
        assert WHOLE[old] > WHOLE[new]
    elif before.name == after.name == "decimal":
        assert after.scale < before.scale or after.digits - after.scale < before.digits - before.scale


def test_types_of_other_kinds():
    assert SparkType("float").widens_to(SparkType("double")) and SparkType("int").widens_to(SparkType("double"))
    assert not SparkType("bigint").widens_to(SparkType("double"))
    assert not SparkType("string").widens_to(SparkType("int")) and not SparkType("int").widens_to(SparkType("string"))
