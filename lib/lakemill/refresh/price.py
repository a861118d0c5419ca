"""Price: how many seconds an update and a rebuild of a table would take, told from its earlier runs.

Each is a fixed part and a part for each byte: of the feed for an update, of the sources for a rebuild. Both parts are
medians (Theil 1950, Sen 1968), so that a run on a busy machine, or the first of a process, does not spoil them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from lakemill.lake.change import Change
from lakemill.observe.past import Past

PRICED_BYTES = 8 * 1024 * 1024
"""Of sources that hold no more than this together, a table is updated unasked: both ways take what starting their jobs
takes."""
JOINED = 2
"""A join of more tables than these is priced however small they are: what its update plans and starts grows with them,
and took up to 20 times as long as a rebuild of tables of some megabytes (scripts/bench/tpch)."""
DEARER = 1.2
"""An update has to be expected to take this many times as long as a rebuild before it is given up for one: it reads
less, and what is expected is uncertain."""
MUCH_DEARER = 3
"""An update that was hardly tried has to be this many times as dear: nobody tries again what is given up, and a first
update may have met a busy machine, or a process in which nothing is compiled yet."""
TRIED = 3
"""So many updates by changes of the same sources tell what they take."""
COLD = 2
"""A first run takes at least so many times as long as a later one, where the process had compiled nothing yet. Where an
update takes longer than the rest, a rebuild is tried: at worst it costs as much again as the update, once."""
FIXED_SECONDS = 1.0
"""What a rebuild takes of nothing, where all that is known are rebuilds of about as many bytes."""
SECONDS_A_FEED_BYTE = 0.3 / (1024 * 1024)
"""What an update takes longer for each byte of its feed, where all that is known are updates by feeds of one size."""
APART = 2
"""Sizes that are this many times each other tell what a byte takes; others tell no more than how runs vary."""

Point = tuple[float, float]
"""Bytes, and the seconds that they took."""


@dataclass(frozen=True)
class Price:
    """Seconds that an update and a rebuild are expected to take; None where no run of that kind is known.

    tries: the updates that tell it.   cold: whether no rebuild is known but the one that made the table.
    """

    update: float | None = None
    rebuild: float | None = None
    tries: int = 0
    cold: bool = False

    @property
    def dearer(self) -> bool:
        """Whether the update costs so much more that a rebuild is better."""
        if self.update is None or self.rebuild is None:
            return False
        if self.cold:
            return self.update > self.rebuild / COLD
        return self.update > (DEARER if self.tries >= TRIED else MUCH_DEARER) * self.rebuild

    def __str__(self) -> str:
        both = [("update", self.update), ("rebuild", self.rebuild)]
        told = ", ".join(f"{plan} about {seconds:.1f} s" for plan, seconds in both if seconds is not None)
        return f"{told} as the first run took, and less by now" if self.cold else told


def is_priced(changes: Mapping[str, Change]) -> bool:
    """Whether the sources hold so much that it matters how a table is brought up to date."""
    held = [change.table_bytes for change in changes.values()]
    return all(held) and (sum(held) > PRICED_BYTES or len(held) > JOINED)


def price(past: Iterable[Past], changes: Mapping[str, Change]) -> Price:
    """What bringing a table up to date by these changes is expected to take, by its earlier runs."""
    changed, feed_bytes, source_bytes = moved(changes)
    runs = list(past)
    updates = [(run.feed_bytes, run.seconds) for run in runs if run.plan == "update" and run.changed == changed]
    rebuilt = [run for run in runs if run.plan == "rebuild"]
    later = [run for run in rebuilt if not run.first]
    rebuilds = [(run.source_bytes, run.seconds) for run in later or rebuilt]
    return Price(
        expected(updates, feed_bytes, SECONDS_A_FEED_BYTE),
        expected(rebuilds, source_bytes, median(_a_byte(rebuilds)) if rebuilds else 0.0),
        len(updates),
        bool(rebuilt) and not later,
    )


def moved(changes: Mapping[str, Change]) -> tuple[frozenset[str], int, int]:
    """The sources that changed, the bytes of their feeds, and those that all sources hold."""
    changed = [change for change in changes.values() if change.changes_data]
    feed, held = sum(c.feed_bytes for c in changed), sum(c.table_bytes for c in changes.values())
    return frozenset(change.source for change in changed), feed, held


def expected(points: Sequence[Point], size: float, usual: float) -> float | None:
    """The seconds that so many bytes are expected to take.   usual: those of a byte, where the points do not tell."""
    if not points:
        return None
    told = [
        (of[1] - to[1]) / (of[0] - to[0])
        for of, to in combinations(points, 2)
        if max(of[0], to[0]) >= APART * max(1, min(of[0], to[0]))
    ]
    slope = max(0.0, median(told)) if told else usual
    return max(0.0, median(seconds - slope * read for read, seconds in points) + slope * size)


def _a_byte(points: Iterable[Point]) -> list[float]:
    return [max(0.0, seconds - FIXED_SECONDS) / max(1, read) for read, seconds in points]
