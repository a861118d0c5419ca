"""Who in this lake was made from which version of a table, and what of its past each of them still needs."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakemill.job import Job
from lakemill.lake.files import list_files
from lakemill.lake.log import Commit
from lakemill.lake.progress import last_progress
from lakemill.lake.tables import Lake, Table

LOG_FILE = re.compile(r"(\d{20})\.(json|checkpoint\..*)")


@dataclass(frozen=True)
class Reader:
    """The table `name` was made from `version` of `source`, which then had the id `source_id`.

    Its next update reads what came after; verify, and joins, read that version itself.
    """

    name: str
    source: str
    source_id: str
    version: int


@dataclass(frozen=True)
class Need:
    """What a reader needs of a table's past.

    version: the newest that has the rows which the reader was made from.   files_from, log_from: what was deleted
    from the table, and what was written to its log, since then (milliseconds since 1970; infinite: nothing).
    """

    reader: Reader
    version: int
    files_from: float
    log_from: float


@dataclass(frozen=True)
class LogFiles:
    """When the commits and the checkpoints of a table's log were written, by version (milliseconds since 1970)."""

    commits: Mapping[int, int]
    checkpoints: Mapping[int, int]

    def at(self, moment: float) -> int:
        """The version that was the newest at a moment; the oldest one that the log has, where it begins later."""
        return max((version for version, at in self.commits.items() if at <= moment), default=min(self.commits))

    def needed_for(self, version: int) -> int:
        """When the oldest file was written from which Delta builds this version."""
        before = [checkpoint for checkpoint in self.checkpoints if checkpoint <= version]
        return self.checkpoints[max(before)] if before else min(self.commits.values())


def readers(lake: Lake, jobs: Iterable[Job]) -> list[Reader]:
    """Every reader of every table, by what these jobs' targets say they were made from."""
    listed = []
    for job in jobs:
        log = lake.table(job.target).log()
        progress = last_progress(log) if job.sources and log.exists else None
        if progress:
            read = {name: progress.table(name) for name in job.sources}
            listed += [Reader(job.target, name, at.table_id, at.version) for name, at in read.items() if at]
    return listed


def log_files(table: Table) -> LogFiles:
    """The log's files as they lie there now."""
    commits, checkpoints = dict[int, int](), dict[int, int]()
    for name, at in list_files(table.spark, f"{table.uri}/_delta_log").items():
        if known := LOG_FILE.fullmatch(name):
            (commits if known[2] == "json" else checkpoints)[int(known[1])] = at
    return LogFiles(commits, checkpoints)


def need(table: Table, reader: Reader, files: LogFiles) -> Need | None:
    """What the reader needs of the table; None where it is past help, so that its next run rebuilds it anyway."""
    log = table.log()
    commits = log.commits(reader.version, log.version)
    if commits is None or reader.source_id != log.table_id:
        return None
    same = unchanged_until(reader.version, commits)
    files_from = files.commits[same + 1] if same < log.version else math.inf
    next_commit = files.commits[reader.version + 1] if commits else math.inf
    return Need(reader, same, files_from, min(next_commit, files.needed_for(same)))


def unchanged_until(version: int, since: Sequence[Commit]) -> int:
    """The newest version that has the same rows as this one; `since`: the commits after it, in order.

    A commit that sets the table's columns or properties ends it too: its rows may read as others.
    """
    for commit in since:
        if commit.changes_data or commit.metadata:
            return commit.version - 1
    return since[-1].version if since else version
