"""Exact sums of doubles, so that a total depends on the values alone and not on the order of their rows.

A double is cut into three whole digits ("limbs") of base 2^27, at the place ("bin") of its highest bit. Limbs are
added as bigints, which is exact and can be undone; the total is rounded once, when it is read. This is a
superaccumulator: R. M. Neal, "Fast exact summation using small and large superaccumulators", arXiv:1505.05571 (2015).
What lies below the leading bits of a total is rounded to odd, which a second rounding cannot tell from the exact
value: S. Boldo and G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
odd", IEEE Transactions on Computers 57(4) (2008).

Bins run from -40 (the least double) to 37 (the greatest). A total is kept as entries, one for each of its bins, in
any order: array<struct<value: int (the bin), count: bigint, high: bigint, middle: bigint, low: bigint>>. It holds up
to 2^34 rows.
"""

import math

from pyspark.sql import Column, functions as F

from lakemill.columns import let

WIDTH = 27
"""Bits of a digit."""

NEAR = (0, 1, -1, 2, -2)
"""The bins of nearly all data (6e-17 to 2e24), most frequent first: they need neither a logarithm nor a power."""

LEADING = 61
"""Bits of a total that are rounded: more than the 54 that tell the nearest double, and twice as much is a bigint."""

PRECISION = 53
"""Bits of a double."""

LEAST = -1074
"""The exponent of the least double."""

DEEPER = 4
"""Digits that a division goes on for: a quotient starts up to two digits late, and three digits have 55 bits."""


def place(x: Column) -> Column:
    """The bin (int) of a double: floor(log2(|x|) / 27), or one off where |x| is next to a power of 2^27.

    Both zeros are in bin 0; NULL, NaN and the infinities have no bin (NULL).
    """
    size = F.abs(x)
    bins = F.when(size == 0.0, 0)
    for near in NEAR:
        bins = bins.when((size >= 2.0 ** (WIDTH * near)) & (size < 2.0 ** (WIDTH * (near + 1))), near)
    # Spark's logarithm is that of StrictMath, the same everywhere: a removed row finds the bin that it was added to.
    return bins.when(size < math.inf, F.floor(F.ln(size) * (1 / (WIDTH * math.log(2)))).cast("int"))


def limbs(x: Column, bins: Column) -> dict[str, Column]:
    """The bigints `high`, `middle`, `low` of a double x in bin b; all are 0 for a zero, NULL where there is no bin.

    x == high * 2^(27 b) + middle * 2^(27 (b - 1)) + low * 2^(27 (b - 2)) exactly; |high| <= 2^27, and the others are
    in [0, 2^27), also of a negative x. `bins` is a column that already holds place(x), and not that expression: it
    would be copied into every use, which is 20 times slower and more.
    """
    # x in units of its middle digit, 2^26 <= |scaled| <= 2^54: a multiple of 2^-27, so all that follows is exact.
    scaled = F.when(bins == NEAR[0], x * 2.0 ** (WIDTH * (1 - NEAR[0])))
    for near in NEAR[1:]:
        scaled = scaled.when(bins == near, x * 2.0 ** (WIDTH * (1 - near)))
    scaled = scaled.otherwise(_scaled(x, (F.lit(1) - bins) * WIDTH))
    whole = F.floor(scaled)
    low = F.floor((scaled - whole.cast("double")) * 2.0**WIDTH)
    return {"high": F.shiftright(whole, WIDTH), "middle": _last_digit(whole), "low": low}


def rounded_sum(entries: Column) -> Column:
    """The double nearest to the exact total, ties to even; infinite only where the exact total rounds to that.

    0.0 (never -0.0) for no entries and for a total of zero; NULL for NULL.
    """
    return let(_carried(entries), lambda total: _rounded(total, total["digits"]))


def rounded_mean(entries: Column, count: Column) -> Column:
    """The double nearest to the exact total / count, ties to even; count is a bigint from 1 to 2^36 - 1.

    0.0 (never -0.0) where that rounds to zero, infinite only where it rounds to that; NULL for NULL.
    """
    return let(
        F.struct(_carried(entries).alias("total"), count.cast("bigint").alias("count")),
        lambda given: _rounded(given["total"], _divided(given["total"]["digits"], given["count"])),
    )


def _carried(entries: Column) -> Column:
    """The total as its sign (1 or -1), its digits in [0, 2^27), highest first, and the exponent above the first."""
    return let(let(entries, _added), lambda total: let(_sign(total["digits"]), lambda sign: _carry(total, sign)))


def _added(entries: Column) -> Column:
    """The limbs added up by their place, lowest first and not carried, with room for the carry."""
    bins = F.transform(entries, lambda entry: entry["value"])
    lowest, highest = (F.coalesce(end(bins), F.lit(0)) for end in (F.array_min, F.array_max))
    # A sum of limbs is less than 2^63: with two places above the highest it ends within 2^81, and the sign is beyond.
    places = F.sequence(lowest - 2, highest + 2)
    return F.struct(
        F.transform(places, lambda at: _added_at(entries, at)).alias("digits"),
        ((highest + 3) * WIDTH).alias("exponent"),
    )


def _added_at(entries: Column, at: Column) -> Column:
    """The sum of all limbs of one place."""
    return F.aggregate(
        entries,
        _whole(0),
        lambda total, entry: (
            total
            + F.when(entry["value"] == at, entry["high"])
            .when(entry["value"] == at + 1, entry["middle"])
            .when(entry["value"] == at + 2, entry["low"])
            .otherwise(_whole(0))
        ),
    )


def _sign(digits: Column) -> Column:
    """1 or -1: what is carried beyond the highest place is 0, or -1 for a negative total."""
    beyond = F.aggregate(digits, _whole(0), lambda carry, digit: F.shiftright(carry + digit, WIDTH))
    return F.when(beyond < 0, _whole(-1)).otherwise(_whole(1))


def _carry(total: Column, sign: Column) -> Column:
    """The absolute value, carried from the lowest digit up."""

    def carry(done: Column, digit: Column) -> Column:
        value = done["carry"] + digit * sign
        return F.struct(
            F.shiftright(value, WIDTH).alias("carry"),
            F.concat(F.array(_last_digit(value)), done["digits"]).alias("digits"),
        )

    start = F.struct(_whole(0).alias("carry"), _no_digits().alias("digits"))
    carried = F.aggregate(total["digits"], start, carry, lambda done: done["digits"])
    return F.struct(sign.alias("sign"), carried.alias("digits"), total["exponent"].alias("exponent"))


def _divided(digits: Column, count: Column) -> Column:
    """The digits of the quotient (long division), and one more that is 0 where nothing remains and 1 otherwise."""

    def divide(done: Column, digit: Column) -> Column:
        value = F.shiftleft(done["remainder"], WIDTH) + digit
        return F.struct(
            (value % count).alias("remainder"),
            F.concat(done["digits"], F.array(F.call_function("div", value, count))).alias("digits"),
        )

    return F.aggregate(
        F.concat(digits, F.array_repeat(_whole(0), DEEPER)),
        F.struct(_whole(0).alias("remainder"), _no_digits().alias("digits")),
        divide,
        lambda done: F.concat(done["digits"], F.array(F.least(done["remainder"], _whole(1)))),
    )


def _rounded(total: Column, digits: Column) -> Column:
    """The double nearest to the digits (highest first), which start where the total's do and have its sign."""
    nothing = F.struct(_whole(0).alias("bits"), total["exponent"].alias("exponent"))
    return F.aggregate(digits, nothing, _leading, lambda leading: _nearest(leading, total["sign"]))


def _leading(leading: Column, digit: Column) -> Column:
    """The leading bits and one more digit: as much of it as there is room for, the rest rounded to odd."""

    def take(room: Column) -> Column:
        taken = _right(digit, F.lit(WIDTH) - room)
        odd = (_left(taken, F.lit(WIDTH) - room) != digit).cast("bigint")
        return F.struct(
            _left(leading["bits"], room).bitwiseOR(taken).bitwiseOR(odd).alias("bits"),
            (leading["exponent"] - room).alias("exponent"),
        )

    return let(F.least(F.lit(WIDTH), F.lit(LEADING) - _length(leading["bits"])), take)


def _nearest(leading: Column, sign: Column) -> Column:
    """The double nearest to sign * bits * 2^exponent, ties to even."""

    def nearest(cut: Column) -> Column:
        kept = _right(leading["bits"], cut)
        rest = leading["bits"] - _left(kept, cut)
        up = (rest * 2 + kept.bitwiseAND(1) > _left(_whole(1), cut)).cast("bigint")
        return _scaled((sign * (kept + up)).cast("double"), leading["exponent"] + cut)

    # Below the least double all is cut: a double near zero has fewer bits, and so is rounded only once, too.
    cut = F.greatest(F.lit(0), _length(leading["bits"]) - PRECISION, F.lit(LEAST) - leading["exponent"])
    return let(F.least(cut, F.lit(LEADING + 1)), nearest)


def _scaled(value: Column, exponent: Column) -> Column:
    """value * 2^exponent; in two steps, as the power alone may be beyond the doubles. StrictMath's powers are exact."""
    half = F.shiftright(exponent, 1)
    return value * F.pow(F.lit(2.0), half) * F.pow(F.lit(2.0), exponent - half)


def _last_digit(value: Column) -> Column:
    return value.bitwiseAND((1 << WIDTH) - 1)


def _length(value: Column) -> Column:
    """How many bits a bigint >= 0 has; 1 for 0."""
    return F.length(F.bin(value))


def _right(value: Column, bits: Column) -> Column:
    return F.call_function("shiftright", value, bits)


def _left(value: Column, bits: Column) -> Column:
    return F.call_function("shiftleft", value, bits)


def _whole(number: int) -> Column:
    return F.lit(number).cast("bigint")


def _no_digits() -> Column:
    return F.array().cast("array<bigint>")
