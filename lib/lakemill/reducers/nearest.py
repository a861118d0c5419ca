"""The double nearest to an exact total, or to an exact total divided by a count: rounded once, when it is read.

What lies below the leading bits of a total is rounded to odd, which a second rounding cannot tell from the exact
value: S. Boldo and G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
odd", IEEE Transactions on Computers 57(4) (2008).
"""

from pyspark.sql import Column, functions as F

from lakemill.columns import let
from lakemill.reducers.limbs import DIGIT_BITS, bigint, carried, no_digits, times_power

LEADING = 61
"""Bits of a total that are rounded: more than the 54 that tell the nearest double, and twice as much is a bigint."""

PRECISION = 53
"""Bits of a double."""

LEAST = -1074
"""The exponent of the least double."""

DEEPER = 4
"""Digits that a division goes on for: a quotient starts up to two digits late, and three digits have 55 bits."""


def rounded_sum(entries: Column) -> Column:
    """The double nearest to the exact total, ties to even; infinite only where the exact total rounds to that.

    0.0 (never -0.0) for no entries and for a total of zero; NULL for NULL.
    """
    return let(carried(entries), lambda total: _rounded(total, total["digits"]))


def rounded_mean(entries: Column, count: Column) -> Column:
    """The double nearest to the exact total / count, ties to even; count is a bigint from 1 to 2^36 - 1.

    0.0 (never -0.0) where that rounds to zero, infinite only where it rounds to that; NULL for NULL.
    """
    return let(
        F.struct(carried(entries).alias("total"), count.cast("bigint").alias("count")),
        lambda given: _rounded(given["total"], _divided(given["total"]["digits"], given["count"])),
    )


def _divided(digits: Column, count: Column) -> Column:
    """The digits of the quotient (long division), and one more that is 0 where nothing remains and 1 otherwise."""

    def divide(done: Column, digit: Column) -> Column:
        value = F.shiftleft(done["remainder"], DIGIT_BITS) + digit
        return F.struct(
            (value % count).alias("remainder"),
            F.concat(done["digits"], F.array(F.call_function("div", value, count))).alias("digits"),
        )

    return F.aggregate(
        F.concat(digits, F.array_repeat(bigint(0), DEEPER)),
        F.struct(bigint(0).alias("remainder"), no_digits().alias("digits")),
        divide,
        lambda done: F.concat(done["digits"], F.array(F.least(done["remainder"], bigint(1)))),
    )


def _rounded(total: Column, digits: Column) -> Column:
    """The double nearest to the digits (highest first), which start where the total's do and have its sign."""
    nothing = F.struct(bigint(0).alias("bits"), total["exponent"].alias("exponent"))
    return F.aggregate(digits, nothing, _leading, lambda leading: _nearest(leading, total["sign"]))


def _leading(leading: Column, digit: Column) -> Column:
    """The leading bits and one more digit: as much of it as there is room for, the rest rounded to odd."""

    def take(room: Column) -> Column:
        taken = _right(digit, F.lit(DIGIT_BITS) - room)
        odd = (_left(taken, F.lit(DIGIT_BITS) - room) != digit).cast("bigint")
        return F.struct(
            _left(leading["bits"], room).bitwiseOR(taken).bitwiseOR(odd).alias("bits"),
            (leading["exponent"] - room).alias("exponent"),
        )

    return let(F.least(F.lit(DIGIT_BITS), F.lit(LEADING) - _length(leading["bits"])), take)


def _nearest(leading: Column, sign: Column) -> Column:
    """The double nearest to sign * bits * 2^exponent, ties to even."""

    def nearest(cut: Column) -> Column:
        kept = _right(leading["bits"], cut)
        rest = leading["bits"] - _left(kept, cut)
        up = (rest * 2 + kept.bitwiseAND(1) > _left(bigint(1), cut)).cast("bigint")
        return times_power((sign * (kept + up)).cast("double"), leading["exponent"] + cut)

    # Below the least double all is cut: a double near zero has fewer bits, and so is rounded only once, too.
    cut = F.greatest(F.lit(0), _length(leading["bits"]) - PRECISION, F.lit(LEAST) - leading["exponent"])
    return let(F.least(cut, F.lit(LEADING + 1)), nearest)


def _length(value: Column) -> Column:
    """How many bits a bigint >= 0 has; 1 for 0."""
    return F.length(F.bin(value))


def _right(value: Column, bits: Column) -> Column:
    return F.call_function("shiftright", value, bits)


def _left(value: Column, bits: Column) -> Column:
    return F.call_function("shiftleft", value, bits)
