"""Landing: which manifests a feed's folder holds, and how far a table has read them. Values only; nothing is read here.

A position is the time of the newest manifest that was read and a digest of all manifests up to that time. Where the
digest is as it was, exactly those are known, and what is younger is new. A manifest that comes later under an earlier
time, or the same one (clocks of object stores count whole seconds), changes the digest: then all are looked at again.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from lakemill.lake.progress import Position
from lakemill.sources.storage import Stamp


@dataclass(frozen=True)
class Landing:
    """A feed's folder as it is now. folders: by name, the stamp of the folder's manifest; None where it has none."""

    uri: str
    feed: str
    folders: Mapping[str, Stamp | None]

    @property
    def manifests(self) -> dict[str, Stamp]:
        """The folders with a manifest, in the order of their names.

        A folder whose name begins with a dot is one that is moved into its place when it is complete.
        """
        complete = {name: stamp for name, stamp in sorted(self.folders.items()) if not name.startswith(".")}
        return {name: stamp for name, stamp in complete.items() if stamp}

    @property
    def under_way(self) -> list[str]:
        """The folders that are not complete yet: a manifest is written last."""
        return sorted(set(self.folders) - set(self.manifests))

    @property
    def left(self) -> str:
        """What lies in the landing and is left for a later run, in words; nothing where nothing is."""
        waiting = self.under_way
        return f"left for a later run, since they have no manifest.json yet: {', '.join(waiting)}" if waiting else ""

    def without(self, folders: Collection[str]) -> "Landing":
        """The landing as if these folders were not complete yet: they are new to the next run, too."""
        return replace(self, folders={name: stamp for name, stamp in self.folders.items() if name not in folders})

    def position(self) -> Position:
        """How far the landing reads now."""
        mark = max((stamp.modified for stamp in self.manifests.values()), default=-1)
        return {"mark": mark, "digest": self._digest(mark)}

    def is_as_at(self, position: Position | None) -> bool:
        """Whether the manifests of a position's time, and before, are those of then: none more, fewer or other."""
        mark = (position or {}).get("mark")
        return position is not None and isinstance(mark, int) and position.get("digest") == self._digest(mark)

    def since(self, position: Position | None) -> list[str]:
        """The folders whose manifests came after a position; all, where the landing is not as it was at it."""
        if position is None or not self.is_as_at(position):
            return list(self.manifests)
        return [name for name, stamp in self.manifests.items() if stamp.modified > position["mark"]]

    def _digest(self, mark: int) -> str:
        stamps = [(name, s.size, s.modified) for name, s in self.manifests.items() if s.modified <= mark]
        return hashlib.sha256(json.dumps(stamps).encode()).hexdigest()[:32]
