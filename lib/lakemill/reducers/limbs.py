"""Exact sums by limbs: what Variance, and Sum and Mean of doubles, are added up with.

A number is cut into limbs, the digits of a large base. The limbs of one place are added up as bigints: that is exact,
does not depend on the order of the rows, and is undone by adding the opposite. Nothing is carried from one place to
the next until the sums are read. This is a superaccumulator: R. M. Neal, "Fast exact summation using small and large
superaccumulators", arXiv:1505.05571 (2015).

Whole numbers of a known size have the same few places in every row, so each place is a total of its own. Doubles reach
over 2,100 bits, and no key uses them all: a double has three limbs below the place ("bin") of its highest bit, and a
key keeps one entry for each bin that it has, in any order:
array<struct<value: int (the bin), count: bigint, high: bigint, middle: bigint, low: bigint>>.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DecimalType

from lakemill.columns import let

WHOLE_BITS = 24
"""Bits of a whole number's limb: sums of numbers this small stay below 2^63 for 10^11 rows, and cost least."""

DIGIT_BITS = 27
"""Bits of a double's limb: two hold the 53 bits of a double wherever they start, with one below; for 2^34 rows."""

NEAR = (0, 1, -1, 2, -2)
"""The bins of nearly all data (6e-17 to 2e24), most frequent first: they need neither a logarithm nor a power."""

WHOLE = DecimalType(38, 0)


def whole_limbs(whole: Column) -> list[Column]:
    """The two limbs of a bigint below 2^48, lowest first; a negative number has a negative highest limb."""
    return [_whole_low(whole), F.shiftright(whole, WHOLE_BITS)]


def square_limbs(whole: Column) -> list[Column]:
    """The four limbs of the square of such a bigint, lowest first; no product is larger than a bigint."""
    low, high = whole_limbs(F.abs(whole))
    lows, highs, crossed = low * low, high * high, 2 * low * high
    middle = F.shiftright(lows, WHOLE_BITS) + _whole_low(crossed)
    upper = F.shiftright(crossed, WHOLE_BITS) + _whole_low(highs)
    return [_whole_low(lows), middle, upper, F.shiftright(highs, WHOLE_BITS)]


def whole_sum(sums: Sequence[Column]) -> Column:
    """The whole number, decimal(38, 0), of which these are the added-up limbs, lowest first."""
    worth = [F.lit(Decimal(1 << WHOLE_BITS * place)) for place in range(len(sums))]
    return reduce(Column.__add__, [(sum * by).cast(WHOLE) for sum, by in zip(sums, worth, strict=True)]).cast(WHOLE)


def bin_of(x: Column) -> Column:
    """The bin (int) of a double: floor(log2(|x|) / 27), or one off where |x| is next to a power of 2^27.

    Bins run from -40 (the least double) to 37 (the greatest). Both zeros are in bin 0; NULL, NaN and the infinities
    have no bin (NULL).
    """
    size = F.abs(x)
    bins = F.when(size == 0.0, 0)
    for near in NEAR:
        bins = bins.when((size >= 2.0 ** (DIGIT_BITS * near)) & (size < 2.0 ** (DIGIT_BITS * (near + 1))), near)
    # Spark's logarithm is that of StrictMath, the same everywhere: a removed row finds the bin that it was added to.
    return bins.when(size < math.inf, F.floor(F.ln(size) * (1 / (DIGIT_BITS * math.log(2)))).cast("int"))


def double_limbs(x: Column, bins: Column) -> dict[str, Column]:
    """The bigints `high`, `middle`, `low` of a double x in bin b; all are 0 for a zero, NULL where there is no bin.

    x == high * 2^(27 b) + middle * 2^(27 (b - 1)) + low * 2^(27 (b - 2)) exactly; |high| <= 2^27, and the others are
    in [0, 2^27), also of a negative x. `bins` is a column that already holds bin_of(x), and not that expression: it
    would be copied into every use, which is 20 times slower and more.
    """
    # x in units of its middle digit, 2^26 <= |scaled| <= 2^54: a multiple of 2^-27, so all that follows is exact.
    scaled = F.when(bins == NEAR[0], x * 2.0 ** (DIGIT_BITS * (1 - NEAR[0])))
    for near in NEAR[1:]:
        scaled = scaled.when(bins == near, x * 2.0 ** (DIGIT_BITS * (1 - near)))
    scaled = scaled.otherwise(times_power(x, (F.lit(1) - bins) * DIGIT_BITS))
    whole = F.floor(scaled)
    low = F.floor((scaled - whole.cast("double")) * 2.0**DIGIT_BITS)
    return {"high": F.shiftright(whole, DIGIT_BITS), "middle": _last_digit(whole), "low": low}


def carried(entries: Column) -> Column:
    """The total of entries: its sign (1 or -1), its digits in [0, 2^27), highest first, and the exponent above them."""
    return let(let(entries, _added), lambda total: let(_sign(total["digits"]), lambda sign: _carry(total, sign)))


def times_power(value: Column, exponent: Column) -> Column:
    """value * 2^exponent; in two steps, as the power alone may be beyond the doubles. StrictMath's powers are exact."""
    half = F.shiftright(exponent, 1)
    return value * F.pow(F.lit(2.0), half) * F.pow(F.lit(2.0), exponent - half)


def bigint(number: int) -> Column:
    """A constant of the type that limbs have."""
    return F.lit(number).cast("bigint")


def no_digits() -> Column:
    """An empty list of digits."""
    return F.array().cast("array<bigint>")


def _added(entries: Column) -> Column:
    """The limbs added up by their place, lowest first and not carried, with room for the carry."""
    bins = F.transform(entries, lambda entry: entry["value"])
    lowest, highest = (F.coalesce(end(bins), F.lit(0)) for end in (F.array_min, F.array_max))
    # A sum of limbs is less than 2^63: with two places above the highest it ends within 2^81, and the sign is beyond.
    places = F.sequence(lowest - 2, highest + 2)
    return F.struct(
        F.transform(places, lambda at: _added_at(entries, at)).alias("digits"),
        ((highest + 3) * DIGIT_BITS).alias("exponent"),
    )


def _added_at(entries: Column, at: Column) -> Column:
    """The sum of all limbs of one place."""
    return F.aggregate(
        entries,
        bigint(0),
        lambda total, entry: (
            total
            + F.when(entry["value"] == at, entry["high"])
            .when(entry["value"] == at + 1, entry["middle"])
            .when(entry["value"] == at + 2, entry["low"])
            .otherwise(bigint(0))
        ),
    )


def _sign(digits: Column) -> Column:
    """1 or -1: what is carried beyond the highest place is 0, or -1 for a negative total."""
    beyond = F.aggregate(digits, bigint(0), lambda carry, digit: F.shiftright(carry + digit, DIGIT_BITS))
    return F.when(beyond < 0, bigint(-1)).otherwise(bigint(1))


def _carry(total: Column, sign: Column) -> Column:
    """The absolute value, carried from the lowest digit up."""

    def carry(done: Column, digit: Column) -> Column:
        value = done["carry"] + digit * sign
        return F.struct(
            F.shiftright(value, DIGIT_BITS).alias("carry"),
            F.concat(F.array(_last_digit(value)), done["digits"]).alias("digits"),
        )

    start = F.struct(bigint(0).alias("carry"), no_digits().alias("digits"))
    digits = F.aggregate(total["digits"], start, carry, lambda done: done["digits"])
    return F.struct(sign.alias("sign"), digits.alias("digits"), total["exponent"].alias("exponent"))


# The two masks are written differently because tables know their definition by its text: see test_definitions.


def _whole_low(value: Column) -> Column:
    return value.bitwiseAND(bigint((1 << WHOLE_BITS) - 1))


def _last_digit(value: Column) -> Column:
    return value.bitwiseAND((1 << DIGIT_BITS) - 1)
