"""Job: the declaration of one table. A value that checks itself when built and does nothing else."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from pyspark.sql import DataFrame

from lakemill.errors import UsageError
from lakemill.reducers import Latest, PerKey, Reducer

TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\.[a-z][a-z0-9_]{0,62}")
RESERVED = "_state"


@dataclass(frozen=True)
class Dump:
    """A source that is delivered as files: the folders of `feed` in the landing, each with a manifest.json."""

    feed: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", self.feed):
            raise UsageError(f'Dump("{self.feed}"): a feed is a folder of the landing, in small letters, as "sales".')


@dataclass(frozen=True)
class Job:
    """One table: where its rows come from, how a row maps, by which key rows meet, how they reduce.

    source: a table name, several (one that is joined with itself is named twice), or Dump(feed).   map: DataFrame(s)
    -> DataFrame, row by row; None keeps rows as they are.   key: the columns rows meet on; [] is one row for the whole
    table; None keeps rows as they come.   reduce: reducers by column name, Latest(by), or PerKey(fn); empty is the
    distinct keys.   target: the table's name.   cluster: those columns of the key by which rows lie near each other in
    files; none: days and times, then the key as it is.   after: tables that a run brings up to date before it, and with
    it, though it does not read them; where one of them fails, it is left as it is.   comes_with: tables with which a
    run brings it up to date, too.   files: the texts of the files that it was loaded from, its own and those of the
    modules that it imports, by their names below the jobs' folder; none where it was built elsewhere.
    Raises UsageError, in the user's words, where these do not fit together.
    """

    source: str | Sequence[str] | Dump
    target: str
    map: Callable[..., DataFrame] | None = None
    key: Sequence[str] | None = None
    reduce: Mapping[str, Reducer] | Latest | PerKey = field(default_factory=dict)
    cluster: Sequence[str] = ()
    after: Sequence[str] = ()
    comes_with: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.key, str):
            self._refuse(f'key="{self.key}" is a text; a key is a list, as in key=["{self.key}"]')
        if self.key is not None:
            object.__setattr__(self, "key", tuple(self.key))
        for name in ("cluster", "after", "comes_with"):
            given = getattr(self, name)
            if isinstance(given, str):
                self._refuse(f'{name}="{given}" is a text; write {name}=["{given}"]')
            object.__setattr__(self, name, tuple(given))
        if self.outside is None and not isinstance(self.source, str):
            object.__setattr__(self, "source", tuple(cast(Sequence[str], self.source)))
        self._check_names()
        self._check_map()
        self._check_reduce()
        self._check_cluster()

    @cached_property
    def outside(self) -> Dump | None:
        """The source that is no table; None where the job reads tables."""
        return self.source if isinstance(self.source, Dump) else None

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the tables it reads, in the order of the map's parameters; none for a source from outside."""
        if self.outside:
            return ()
        return (self.source,) if isinstance(self.source, str) else tuple(cast(Sequence[str], self.source))

    @property
    def waits_for(self) -> frozenset[str]:
        """The tables that a run brings up to date before it."""
        return frozenset((*self.sources, *self.after))

    @cached_property
    def reducers(self) -> Mapping[str, Reducer]:
        """The reducers by column name; none where it reduces by Latest or PerKey."""
        return self.reduce if isinstance(self.reduce, Mapping) else {}

    def mapped(self, *frames: DataFrame) -> DataFrame:
        """The user's map over one DataFrame a source."""
        if self.map is None:
            return frames[0]
        mapped = self.map(*frames)
        if not isinstance(mapped, DataFrame):
            self._refuse(f"its map {self.map.__name__} gave {type(mapped).__name__}, not a DataFrame")
        return mapped

    def _refuse(self, what: str) -> None:
        raise UsageError(f"{self.target}: {what}.")

    def _check_names(self) -> None:
        if not self.outside and not self.sources:
            self._refuse("it has no source")
        for name in (self.target, *self.sources, *self.after, *self.comes_with):
            if not isinstance(name, str) or not TABLE_NAME.fullmatch(name):
                self._refuse(f'"{name}" is no table name; one reads layer.name in small letters, as gold.daily_sales')
        if self.target in self.sources:
            self._refuse("it reads its own target")
        if self.target in self.after:
            self._refuse("it cannot come after itself")

    def _check_map(self) -> None:
        if self.outside:
            if self.map or self.key is not None or self.reduce:
                self._refuse("a dump is kept raw; map and reduce it in a second job that reads this table")
            return
        if self.map is None:
            if len(self.sources) > 1:
                self._refuse(f"it has {len(self.sources)} sources and no map that joins them")
            return
        try:
            inspect.signature(self.map).bind(*self.sources)
        except TypeError:
            self._refuse(
                f"its map {self.map.__name__}{inspect.signature(self.map)} does not take one DataFrame "
                f"for each of its sources ({', '.join(self.sources)})"
            )

    def _check_cluster(self) -> None:
        other = [name for name in self.cluster if name not in (self.key or ())]
        if other:
            self._refuse(f'it is clustered by "{other[0]}", which is no column of its key {list(self.key or ())}')

    def _check_reduce(self) -> None:
        if not isinstance(self.reduce, Mapping | Latest | PerKey):
            self._refuse(f"reduce is {self.reduce!r}; it is reducers by name, Latest(by=[...]) or PerKey(function)")
        if self.reduce and self.key is None:
            self._refuse("it reduces without a key; key=[] makes one row of the whole table")
        if isinstance(self.reduce, Latest):
            if not self.key:
                self._refuse("Latest keeps the newest row of a key, and it has no key")
            return
        for name, reducer in self.reducers.items():
            if not isinstance(reducer, Reducer):
                self._refuse(f'reduce "{name}" is {reducer!r}; a reducer is such as Count() or Sum("amount")')
        for name in (*(self.key or ()), *self.reducers):
            if name == RESERVED:
                self._refuse(f'"{RESERVED}" is lakemill\'s own column; choose another name')
        twice = set(self.key or ()) & set(self.reducers)
        if twice:
            self._refuse(f'"{min(twice)}" is a key and a reduced column; give one another name')
