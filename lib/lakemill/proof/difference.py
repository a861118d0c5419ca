"""Where a table differs from what it should hold, in words, and samples of its keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, functions as F
from pyspark.sql.types import StructType

from lakemill.columns import column
from lakemill.core.bags import SIGN
from lakemill.errors import row_text, value_text
from lakemill.job import RESERVED

SHOWN = 200
PARTS = 1_000_000
"""Into how many parts keys fall by their hash: the least sample is one of them."""


@dataclass(frozen=True)
class Difference:
    """One key, or row, that is not as it should be. kind: missing row, extra row, or the column that differs."""

    kind: str
    row: str
    stored: str
    expected: str


def sampled(frame: DataFrame, names: Sequence[str], kinds: StructType, fraction: float) -> DataFrame:
    """The rows of about this fraction of the keys, always of the same ones; `names`: the key, of these types."""
    if fraction == 1:
        return frame
    told = F.xxhash64(*[column(name).cast(kinds[name].dataType) for name in names])
    return frame.where(F.pmod(told, F.lit(PARTS)) < round(fraction * PARTS))


def differences(unequals: DataFrame, key: tuple[str, ...]) -> tuple[int, list[Difference]]:
    """How many rows differ, and the first of them in words. Rows of one key are shown as one difference a column."""
    count, rows = first_rows(unequals, key)
    return count, _in_words(rows, key)


def damaged(states: DataFrame, key: tuple[str, ...]) -> tuple[int, list[Difference]]:
    """How many states are wrong, and the first of them in words."""
    count, rows = first_rows(states, key)
    return count, [
        Difference(
            "damaged state",
            row_text({name: row[name] for name in key}),
            f"{row['_part']} {value_text(row['_stored'])}",
            value_text(row["_expected"]),
        )
        for row in rows
    ]


def first_rows(frame: DataFrame, key: tuple[str, ...]) -> tuple[int, list[dict[str, object]]]:
    """How many rows there are, and the first of them by key."""
    kept = frame.persist()
    try:
        count = kept.count()
        first = kept.orderBy(*[column(name) for name in key]) if key else kept
        rows = first.limit(SHOWN).collect() if count else []
    finally:
        kept.unpersist()
    return count, [row.asDict(recursive=True) for row in rows]


def _in_words(rows: list[dict[str, object]], key: tuple[str, ...]) -> list[Difference]:
    pairs: dict[str, tuple[str, dict[bool, dict[str, object]]]] = {}
    for row in rows:
        named = {name: row[name] for name in key or row if name != SIGN}
        _, pair = pairs.setdefault(repr(named), (row_text(named), {}))
        pair[int(str(row[SIGN])) > 0] = row
    return [difference for shown, pair in pairs.values() for difference in _pair_in_words(shown, pair)]


def _pair_in_words(shown: str, pair: dict[bool, dict[str, object]]) -> list[Difference]:
    stored, expected = pair.get(True), pair.get(False)
    if stored is None:
        return [Difference("missing row", shown, "", "a row")]
    if expected is None:
        return [Difference("extra row", shown, "a row", "")]
    return [
        Difference(
            "damaged state" if name == RESERVED else f"column {name}",
            shown,
            value_text(value),
            value_text(expected[name]),
        )
        for name, value in stored.items()
        if name != SIGN and value != expected[name]
    ]
