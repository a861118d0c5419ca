"""One commit a run: written with its progress, read back, and measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from time import monotonic

from lakemill.lake.commit import committed
from lakemill.lake.progress import Progress
from lakemill.lake.tables import Table
from lakemill.observe.runs import Run, measure


def commit(target: Table, planned: int, progress: Progress, run: Run, write: Callable[[], None]) -> None:
    """Write with the progress, read the commit back, and put what it cost into `run`.

    `planned`: the target's version that the plan was made from.
    """
    with stage(run, "write"):
        done = committed(target, planned, replace(progress, run_id=run.run_id), write)
    measure(run, done)


@contextmanager
def stage(run: Run, name: str) -> Iterator[None]:
    """Add the seconds of the body to a stage of the run."""
    began = monotonic()
    try:
        with run.profile.stage(name) if run.profile else nullcontext():
            yield
    finally:
        run.stages[name] = round(run.stages.get(name, 0.0) + monotonic() - began, 3)
