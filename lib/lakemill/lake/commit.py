"""One write of a target: its progress in the same commit, read back, or nothing."""

from collections.abc import Callable

from lakemill.errors import CommitLost
from lakemill.lake.log import Commit
from lakemill.lake.progress import Progress, confirm, lost_race, recording
from lakemill.lake.tables import Table


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
