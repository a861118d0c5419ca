"""One commit a run: written with its progress, read back, and measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from lakemill.lake.commit import committed
from lakemill.lake.log import Commit
from lakemill.lake.progress import Progress
from lakemill.lake.tables import Table
from lakemill.observe.runs import Run


def commit(target: Table, planned: int, progress: Progress, run: Run, write: Callable[[], None]) -> None:
    """Write with the progress, read the commit back, and put what it cost into `run`.

    `planned`: the target's version that the plan was made from.
    """
    with stage(run, "write"):
        done = committed(target, planned, progress, write)
    _measure(run, done)


@contextmanager
def stage(run: Run, name: str) -> Iterator[None]:
    """Add the seconds of the body to a stage of the run."""
    began = monotonic()
    try:
        yield
    finally:
        run.stages[name] = round(run.stages.get(name, 0.0) + monotonic() - began, 3)


def _measure(run: Run, done: Commit) -> None:
    """What Delta said of the commit."""
    said: dict[str, Any] = done.info.get("operationMetrics") or {}
    run.version = done.version

    def total(*names: str) -> int:
        return sum(int(said.get(name, 0)) for name in names)

    if done.info.get("operation") == "MERGE":
        run.rows_out = total("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted")
        run.rows_rewritten, run.files_rewritten = total("numTargetRowsCopied"), total("numTargetFilesRemoved")
        run.bytes_written = total("numTargetBytesAdded")
    else:
        run.rows_out, run.bytes_written = total("numOutputRows"), total("numOutputBytes")
        run.rows_rewritten, run.files_rewritten = 0, total("numRemovedFiles")
