"""How a map joins and unites its sources: what an update needs to know of it.

A change of one source is that change sent through the map beside the other sources, if every row of the map's result
needs a row of that source (inner joins are multilinear: DBSP, Budiu et al., VLDB 2023). The optional side of an outer
join, or what a semi or anti join looks up, is no such source: its change is the map with the new rows less the map with
the old ones, and only rows that meet the change by the join's columns can differ.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

Origin = tuple[int, str]
"""A column of a source: the source's place among the job's, and the column's name."""


@dataclass(frozen=True)
class Branch:
    """One alternative of the map's unions: the sources of which its rows need a row each, and those they do without."""

    needed: frozenset[int]
    optional: frozenset[int] = frozenset()

    @property
    def sources(self) -> frozenset[int]:
        """All sources of the branch."""
        return self.needed | self.optional


@dataclass(frozen=True)
class Link:
    """Rows of two sources meet only where these columns are equal: (a column of `one`, the column of `other`)."""

    one: int
    other: int
    columns: tuple[tuple[str, str], ...]
    optional: bool = False
    """Whether `other` is the optional side, so that `one` keeps its rows without it."""

    def turned(self) -> "Link":
        """The same, seen from the other source."""
        return replace(self, one=self.other, other=self.one, columns=tuple((b, a) for a, b in self.columns))


@dataclass(frozen=True)
class Joins:
    """What a map does with its sources, by their places.

    branches: the alternatives of its unions.   links: which columns bring rows of two sources together.
    optional: sources on the optional side of a join.   opaque: those of which that side is more than one plain source.
    origins: the columns of its result that are a source's own, unchanged.
    """

    branches: tuple[Branch, ...]
    links: tuple[Link, ...] = ()
    optional: frozenset[int] = frozenset()
    opaque: frozenset[int] = frozenset()
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def beside(self, source: int) -> frozenset[int]:
        """The other sources whose rows meet rows of this one."""
        branches = [branch.sources for branch in self.branches if source in branch.sources]
        return frozenset().union(*branches) - {source}

    def constant(self, source: int) -> bool:
        """Whether the map gives rows that need none of this source, from sources that its change is sent beside."""
        given = self.beside(source)
        return any(source not in branch.sources and branch.needed <= given for branch in self.branches)

    def path(self, source: int) -> Iterator[Link]:
        """How the rows that a change of this source can meet are found: each link from a source that is reached."""
        reached, waiting = {source}, [source]
        while waiting:
            one = waiting.pop(0)
            for link in self._from(one, source):
                if link.other not in reached:
                    reached.add(link.other)
                    waiting.append(link.other)
                    yield link

    def found_by(self, source: int) -> tuple[str, ...]:
        """The columns by which rows meet the optional source; none where they are no plain columns of one source."""
        looked_up = [link.columns for link in self.links if link.optional and link.other == source]
        return tuple(its for _, its in max(looked_up, key=len, default=()))

    def told_by(self, source: int) -> dict[str, str]:
        """The columns of the map's result that are this source's own, and what the source calls them."""
        return {name: column for name, (at, column) in self.origins.items() if at == source}

    def _from(self, one: int, start: int) -> Iterator[Link]:
        for link in self.links:
            if link.one == one:
                yield link
            elif link.other == one and (not link.optional or one == start):
                yield link.turned()
