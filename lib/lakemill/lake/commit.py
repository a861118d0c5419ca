"""One write of a target: its progress in the same commit, read back, or nothing.

Delta skips a MERGE whose transaction number was taken without a word, so every write is read back.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from delta.exceptions import DeltaConcurrentModificationException
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakemill.errors import CommitLost, UsageError
from lakemill.lake.log import Commit, Log
from lakemill.lake.progress import Progress, app_id, progress_of
from lakemill.lake.tables import Table, append

METADATA = "spark.databricks.delta.commitInfo.userMetadata"
TXN_APP = "spark.databricks.delta.write.txnAppId"
TXN_VERSION = "spark.databricks.delta.write.txnVersion"


def committed(target: Table, planned: int, progress: Progress, write: Callable[[], None]) -> Commit:
    """The commit that `write` made with this progress; raises CommitLost where another process was first.

    `planned`: the target's version that `write` was planned from.
    """
    try:
        with recording(target.spark, target.name, progress):
            write()
    except Exception as error:
        if not lost_race(error):
            raise
        raise CommitLost(
            f"{target.name}: another process committed to it meanwhile; nothing of this run was written. Run again."
        ) from error
    return confirm(target.log(), target.name, progress, planned)


def repeat(target: Table, progress: Progress, planned: int) -> Commit:
    """The progress alone, on top of the log: where readers find it, and log clean-up does not.

    `planned`: the target's version of which this is the progress.
    """
    nothing = target.spark.createDataFrame([], target.log().schema)
    return committed(target, planned, progress, lambda: append(target, nothing))


def is_old(target: Table, progress: Progress, sources: Iterable[float]) -> bool:
    """Whether the target's progress was written longer ago than half of what it and its sources keep of their past.

    sources: for how long each of them keeps it, in milliseconds.
    """
    log = target.log()
    written = log.commit(progress.version)
    kept = min(log.keeps_files, log.keeps_log, *sources)
    return written is None or time.time() * 1000 - int(written.info["timestamp"]) > kept / 2


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
        recorded = progress_of(commit) if commit else None
        if commit and recorded and recorded.nonce == progress.nonce:
            if commit.transaction(app_id(table)) != progress.run:
                continue  # Delta's auto compaction, which ran inside our write and says what it said
            _alone(log, table, planned, version)
            return commit
        if commit is None or (recorded and recorded.run <= progress.run):
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
