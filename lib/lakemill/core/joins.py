"""What an update has to know about the way in which a map joins and unites its sources.

A source of which every row of the map's result needs a row (as in an inner join) is simple: the map gives the change of
its result, when it is given the change of that source and the other sources as they are. (Inner joins are multilinear:
DBSP, Budiu et al., VLDB 2023.)

A source that rows of the result can do without is not: the optional side of an outer join, and the table that a semi
join or an anti join looks up. Its change is what the map gives with its new rows, less what the map gives with its old
ones. Only rows that meet a changed row of that source, by the columns of the join, can differ between the two.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

Origin = tuple[int, str]
"""A column of a source: the source's place among the job's, and the column's name."""


@dataclass(frozen=True)
class Branch:
    """One alternative of the map's unions.

    needed: the sources of which each of its rows needs a row.   optional: those that its rows can do without.
    """

    needed: frozenset[int]
    optional: frozenset[int] = frozenset()

    @property
    def sources(self) -> frozenset[int]:
        """All sources of the branch."""
        return self.needed | self.optional


@dataclass(frozen=True)
class Link:
    """Two sources, `left` and `right`, whose rows meet only where columns of theirs are equal.

    columns: the pairs of them, of `left` and of `right`.
    """

    left: int
    right: int
    columns: tuple[tuple[str, str], ...]
    optional: bool = False
    """Whether `right` is the optional side, so that `left` keeps its rows without it."""

    def turned(self) -> "Link":
        """The same link, seen from the other source."""
        return replace(self, left=self.right, right=self.left, columns=tuple((b, a) for a, b in self.columns))


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
        """Whether the map would give rows without any row of this source, when a change of it is sent through the map.

        They would be added at every change: the other sources that the change is sent beside are all that they need.
        """
        given = self.beside(source)
        return any(source not in branch.sources and branch.needed <= given for branch in self.branches)

    def path(self, source: int) -> Iterator[Link]:
        """The links by which the rows are found that a change of this source can meet, in the order to go by them.

        Each leads from the source itself, or from one that an earlier link leads to, to one that is new.
        """
        reached, waiting = {source}, [source]
        while waiting:
            here = waiting.pop(0)
            for link in self._from(here, source):
                if link.right not in reached:
                    reached.add(link.right)
                    waiting.append(link.right)
                    yield link

    def found_by(self, source: int) -> tuple[str, ...]:
        """The columns of an optional source by which rows find it; none where these are not plain columns."""
        looked_up = [link.columns for link in self.links if link.optional and link.right == source]
        return tuple(column for _, column in max(looked_up, key=len, default=()))

    def told_by(self, source: int) -> dict[str, str]:
        """The columns of the map's result that are this source's own, and what the source calls them."""
        return {name: column for name, (at, column) in self.origins.items() if at == source}

    def _from(self, here: int, start: int) -> Iterator[Link]:
        for link in self.links:
            if link.left == here:
                yield link
            elif link.right == here and (not link.optional or here == start):
                yield link.turned()
