"""Progress: what a table was made from, written into the same commit as its rows, so that the two cannot part.

A commit's userMetadata holds it; its `txn` (appId `lakemill/<table>`, version = the run's number) makes Delta take
a number once. Delta skips a MERGE whose number was taken without a word, so every write is read back.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace

from delta.exceptions import DeltaConcurrentModificationException
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakemill.errors import CommitLost, UsageError
from lakemill.lake.log import Commit, Log

METADATA = "spark.databricks.delta.commitInfo.userMetadata"
TXN_APP = "spark.databricks.delta.write.txnAppId"
TXN_VERSION = "spark.databricks.delta.write.txnVersion"
KEY = "lakemill"


@dataclass(frozen=True)
class Progress:
    """run: its number, 1 first.   versions, ids: each source's version and table id.   fingerprint: of the job.

    commits: the id of each source's commit of that version, where it was read; another one there is another table.
    landing: for a table fed by dumps, a digest of the landing as it was last read.   plan, reason: how the run went.
    nonce: tells this commit from any other.   version: of the target, where it was read.
    """

    run: int
    versions: Mapping[str, int]
    ids: Mapping[str, str]
    fingerprint: str
    plan: str
    reason: str
    landing: str = ""
    commits: Mapping[str, str] = field(default_factory=dict)
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    version: int = -1

    def text(self) -> str:
        """As a commit's userMetadata."""
        return json.dumps({KEY: asdict(self)}, sort_keys=True)

    def again(self) -> "Progress":
        """The same under the next number: for a writer that changes no row."""
        return replace(self, run=self.run + 1, nonce=uuid.uuid4().hex, version=-1)


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
        found = progress_of(commit)
        if found and commit.transaction(app_id(table)) == found.run:
            return found
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
    return next((found for commit in commits if commit and (found := progress_of(commit))), None)


def _foreign(commit: Commit, taken: int) -> NoProgress:
    operation = commit.info.get("operation", "an unknown operation")
    if operation == "RESTORE":
        return NoProgress("TARGET_RESTORED", f"version {commit.version} restored an older one", taken)
    return NoProgress("PROGRESS_LOST", f"version {commit.version} ({operation}) was not written by lakemill", taken)


def progress_of(commit: Commit) -> Progress | None:
    """The progress that a commit carries, if it is one of lakemill's."""
    try:
        said = json.loads(commit.info.get("userMetadata") or "null")
    except ValueError:
        return None
    if not isinstance(said, dict) or KEY not in said:
        return None
    return replace(Progress(**said[KEY]), version=commit.version)


@contextmanager
def recording(spark: SparkSession, table: str, progress: Progress) -> Iterator[None]:
    """Every Delta write inside carries the progress and takes the run's number: there must be exactly one.

    The confs are the session's: a conf left behind would make a later write vanish, so they are always unset.
    """
    confs = {METADATA: progress.text(), TXN_APP: app_id(table), TXN_VERSION: str(progress.run)}
    preset = [key for key in confs if spark.conf.get(key, None) is not None]
    if preset:
        raise UsageError(
            f"{table}: {', '.join(preset)} is set already; lakemill sets it itself for each commit. Unset it."
        )
    try:
        for key, value in confs.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key in confs:
            spark.conf.unset(key)


def lost_race(error: Exception) -> bool:
    """Whether a write failed because another one committed first; PySpark does not always translate Delta's own."""
    if isinstance(error, Py4JJavaError):
        return "io.delta.exceptions." in str(error.java_exception)
    return isinstance(error, DeltaConcurrentModificationException)


def confirm(log: Log, table: str, progress: Progress, planned: int) -> Commit:
    """The commit that holds this progress; raises CommitLost where another run took its number.

    `planned`: the version that the run started from. What somebody else wrote since then is under our commit, where
    nobody would look for it: then the table is not what its progress says, and that is said aloud.
    """
    for version in range(log.version, -1, -1):
        commit = log.commit(version)
        found = progress_of(commit) if commit else None
        if commit and found and found.nonce == progress.nonce:
            if commit.transaction(app_id(table)) != progress.run:
                continue  # Delta's auto compaction, which ran inside our write and says what it said
            _alone(log, table, planned, version)
            return commit
        if commit is None or (found and found.run <= progress.run):
            break
    raise CommitLost(
        f"{table}: run {progress.run} was committed by another process first; nothing of this one was written. "
        "Run again: it starts from what the other one left."
    )


def _alone(log: Log, table: str, planned: int, ours: int) -> None:
    between = (log.commit(version) for version in range(planned + 1, ours))
    foreign = [commit for commit in between if commit is None or commit.changes_data]
    if foreign:
        raise CommitLost(
            f"{table}: somebody else wrote to it while this run was at work, and version {ours} of this run stands on "
            f"theirs. `lakemill run {table} --policy rebuild` makes it right; let nobody but lakemill write it."
        )
