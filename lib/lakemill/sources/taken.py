"""What a table has taken from its landing, as its own commits tell it: neither its rows nor old manifests are read.

A commit that loads dumps tells, beside how far the landing reads, which manifests were new to it and which dumps they
were, and the version of the commit that tells of those before. Each so many commits one tells of all, so that few
commits are read. A commit that was taken back is in no such chain, since what follows it goes on from before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lakemill.lake.log import Log
from lakemill.lake.progress import LANDING, Position, Progress, progress_of
from lakemill.sources.landing import Landing
from lakemill.sources.storage import Stamp

TOLD_AS = "taken"
"""Under this name it stands in the position of the landing."""
LINKS = 32
"""A chain has at most so many commits behind the newest."""

Manifest = tuple[str, int, int]
"""A folder's name, and its manifest's size and time."""


@dataclass(frozen=True)
class Taken:
    """The manifests that were looked at, the ids of the dumps that the table holds, and how many commits told it."""

    manifests: frozenset[Manifest] = frozenset()
    dumps: frozenset[str] = frozenset()
    links: int = LINKS

    def has(self, folder: str, stamp: Stamp) -> bool:
        """Whether the folder's manifest, as it is, was looked at."""
        return (folder, stamp.size, stamp.modified) in self.manifests

    def position(self, landing: Landing, dumps: Iterable[str], version: int) -> Position:
        """How far the landing reads, and what is taken once these dumps are, too.

        version: of the commit that told what was taken before.
        """
        whole = self.links >= LINKS
        new = [[f, s.size, s.modified] for f, s in landing.manifests.items() if whole or not self.has(f, s)]
        ids = {*dumps, *(self.dumps if whole else ())} - (set() if whole else self.dumps)
        told = {"manifests": new, "dumps": sorted(ids), "since": None if whole else version}
        return {**landing.position(), TOLD_AS: told}


def taken(log: Log, progress: Progress) -> Taken | None:
    """What the table has taken; None where its commits do not tell all of it."""
    manifests, dumps, links, at = set[Manifest](), set[str](), 0, progress
    while True:
        told: Any = (at.positions.get(LANDING) or {}).get(TOLD_AS)
        if not told:
            return None
        manifests |= {(folder, size, modified) for folder, size, modified in told["manifests"]}
        dumps |= set(told["dumps"])
        if told["since"] is None:
            return Taken(frozenset(manifests), frozenset(dumps), links)
        commit = log.commit(told["since"]) if told["since"] < at.version else None
        before = progress_of(commit) if commit else None
        if before is None:
            return None
        at, links = before, links + 1
