"""Progress: what a table was made from, written into the same commit as its rows, so that the two cannot part.

A commit's userMetadata holds it; its `txn` (appId `lakemill/<table>`, version = the run's number) makes Delta take
a number once.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from lakemill.errors import UsageError
from lakemill.lake.log import Commit, Log
from lakemill.maps.definition import Definition

KEY = "lakemill"
LANDING = "landing"
"""The name of the position of a table that is fed by dumps, which has this one source."""


Position = Mapping[str, Any]
"""How far a source was read: a small JSON value that only the source itself understands."""


@dataclass(frozen=True)
class TablePosition:
    """How far a Delta table was read: a version, the table's id, and the id of the commit that made the version.

    Another commit under the same version, or another id, is another table. `commit` is empty where the log did not
    tell it any more.
    """

    version: int
    table_id: str
    commit: str = ""

    def value(self) -> Position:
        """As a position."""
        return asdict(self)


@dataclass(frozen=True)
class Progress:
    """What a target was made from, and how.

    run: the number of the run, 1 first.   positions: how far each source was read, by the source's name.
    fingerprint: of the job.   plan, reason: how the run went.   columns: a digest of the target's columns.   source: a
    digest of the job's files.   made_by: the versions of Spark, Delta and Python.   premises: a digest of what the
    fingerprint follows from.   run_id: of the `lakemill run`, as in the ledger; empty where no run wrote this.   nonce:
    tells this commit from any other.   version: of the target, where it was read. In older tables columns, source,
    made_by, premises and run_id are empty.
    """

    run: int
    positions: Mapping[str, Position]
    fingerprint: str
    plan: str
    reason: str
    columns: str = ""
    source: str = ""
    made_by: str = ""
    premises: str = ""
    run_id: str = ""
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    version: int = -1

    def table(self, name: str) -> TablePosition | None:
        """How far a source table was read; None where the target was not made from it."""
        position = self.positions.get(name)
        return TablePosition(**position) if position else None

    @property
    def definition(self) -> Definition:
        """The definition that made the target."""
        return Definition(self.fingerprint, self.source, self.made_by, self.premises)

    @property
    def versions(self) -> dict[str, int]:
        """The versions of the source tables; other sources have none."""
        return {name: int(position["version"]) for name, position in self.positions.items() if "version" in position}

    def text(self) -> str:
        """As a commit's userMetadata."""
        return json.dumps({KEY: asdict(self)}, sort_keys=True)

    def again(self) -> "Progress":
        """The same under the next number: for a writer that changes no row."""
        return replace(self, run=self.run + 1, run_id="", nonce=uuid.uuid4().hex, version=-1)


@dataclass(frozen=True)
class NoProgress:
    """Why a target has no usable progress: a reason code and what was found. `run`: the last number it took."""

    reason: str
    detail: str
    run: int = 0


def app_id(table: str) -> str:
    """The name under which a table's runs are numbered in its log."""
    return f"lakemill/{table}"


def read_progress(log: Log, table: str) -> Progress | NoProgress:
    """The target's progress, walking back over commits that changed no data, and over nothing else.

    Raises UsageError where a table of another maker stands in the target's place.
    """
    if not log.exists:
        return NoProgress("FIRST_RUN", "the table does not exist yet")
    for version in range(log.version, -1, -1):
        commit = log.commit(version)
        if commit is None:
            detail = f"the commit that held it was cleaned from the log before {version}"
            return NoProgress("PROGRESS_LOST", detail, _taken(log, table))
        progress = progress_of(commit)
        if progress and commit.transaction(app_id(table)) == progress.run:
            return progress
        if commit.changes_data:
            return _foreign(commit, _taken(log, table))
    return NoProgress("PROGRESS_LOST", "no commit holds it", _taken(log, table))


def _taken(log: Log, table: str) -> int:
    """The last run number that this table's log knows; raises UsageError where it knows none."""
    taken = log.transaction(app_id(table))
    if taken is None:
        raise UsageError(
            f"{table}: a Delta table that lakemill did not make, or made as another table, stands at {log.uri}. "
            f"Move it away, or bind {table} to another place under `tables:` in conf; nothing was written."
        )
    return taken


def last_progress(log: Log) -> Progress | None:
    """The newest progress in the log, whatever others wrote after it: what the table claims to be made from."""
    commits = (log.commit(version) for version in range(log.version, -1, -1))
    return next((progress for commit in commits if commit and (progress := progress_of(commit))), None)


def _foreign(commit: Commit, taken: int) -> NoProgress:
    operation = commit.info.get("operation", "an unknown operation")
    if operation == "RESTORE":
        return NoProgress("TARGET_RESTORED", f"version {commit.version} restored an older one", taken)
    return NoProgress("PROGRESS_LOST", f"version {commit.version} ({operation}) was not written by lakemill", taken)


def progress_of(commit: Commit) -> Progress | None:
    """The progress that a commit carries, if it is one of lakemill's."""
    try:
        metadata = json.loads(commit.info.get("userMetadata") or "null")
    except ValueError:
        return None
    if not isinstance(metadata, dict) or KEY not in metadata:
        return None
    recorded = _in_positions(metadata[KEY])
    known = {entry.name: recorded[entry.name] for entry in fields(Progress) if entry.name in recorded}
    return Progress(**known | {"version": commit.version})


def _in_positions(recorded: dict[str, Any]) -> dict[str, Any]:
    """The recorded progress as it is written today: at first each of a position's values had a map of its own."""
    if "positions" in recorded:
        return recorded
    ids, commits = recorded.get("ids", {}), recorded.get("commits", {})
    positions: dict[str, Position] = {
        name: TablePosition(version, ids.get(name, ""), commits.get(name, "")).value()
        for name, version in recorded.get("versions", {}).items()
    }
    if recorded.get("landing"):
        positions[LANDING] = {"digest": recorded["landing"]}
    return recorded | {"positions": positions}
