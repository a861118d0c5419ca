"""One write of a target: its progress in the same commit, read back, or nothing."""

import time
from collections.abc import Callable, Iterable

from lakemill.errors import CommitLost
from lakemill.lake.log import Commit
from lakemill.lake.progress import Progress, confirm, lost_race, recording
from lakemill.lake.tables import Table, append


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


def repeat(target: Table, progress: Progress, planned: int) -> None:
    """The progress alone, on top of the log: where readers find it, and log clean-up does not.

    `planned`: the target's version of which this is the progress.
    """
    nothing = target.spark.createDataFrame([], target.log().schema)
    committed(target, planned, progress, lambda: append(target, nothing))


def is_old(target: Table, progress: Progress, sources: Iterable[Table]) -> bool:
    """Whether the target's progress was written longer ago than half of what the tables involved keep of their past."""
    written = target.log().commit(progress.version)
    kept = [kept for table in (target, *sources) for kept in (table.log().keeps_files, table.log().keeps_log)]
    return written is None or time.time() * 1000 - int(written.info["timestamp"]) > min(kept) / 2
