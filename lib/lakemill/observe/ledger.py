"""The ledger is whole: every commit that a run made is in it once, whatever was killed when.

A run writes it at its end, in one commit for all its tables: one a table would cost half a second each. What was
killed before is told by the commits themselves, which carry their run's progress: the next run of a table adds what is
missing. To which version of each table the ledger tells stands in the ledger's own progress, in the same commit as its
rows, so that nothing is read but the commits since; and as a commit takes a number, of two processes that tell the same
run one is first and the other looks again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from pyspark.sql import functions as F

from lakemill.errors import CommitLost
from lakemill.lake.commit import committed
from lakemill.lake.log import Commit, Log
from lakemill.lake.progress import Position, Progress, TablePosition, app_id, last_progress, progress_of
from lakemill.lake.tables import Lake, Table, append_widening, create
from lakemill.observe.runs import DONE, LEDGER, RECOVERED, REFUSED, Run, frame, measure

ATTEMPTS = 20
"""How often another process may be first."""


def record(lake: Lake, runs: Sequence[Run]) -> None:
    """Add to the ledger what it does not have of these runs, and of earlier ones of their tables.

    A run that found nothing new leaves no trace.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            return _record(lake, lake.table(LEDGER), runs)
        except CommitLost:
            if not left:
                raise


def _record(lake: Lake, ledger: Table, runs: Sequence[Run]) -> None:
    log = ledger.log()
    progress = last_progress(log) if log.exists else None
    known = _versions(ledger) if log.exists and progress is None else set()
    logs = {run.target: lake.table(run.target).log() for run in runs}
    added, positions = additions(runs, logs, progress.positions if progress else {}, known)
    if added:
        _append(ledger, log, added, _next(log, progress, positions))


def additions(
    runs: Sequence[Run], logs: Mapping[str, Log], told: Mapping[str, Position], known: Collection[object]
) -> tuple[list[Run], dict[str, Position]]:
    """The rows that the ledger lacks of the runs' tables, and to which version of each table it then tells.

    told: to which it tells now.   known: the tables and versions that it has, where it does not say to which it tells.
    """
    added, positions = list[Run](), dict(told)
    for run in runs:
        log = logs[run.target]
        if log.exists:
            position = _position(told, run.target, log)
            added += missing(run, position, _made(log, run.target, position), known)
            positions[run.target] = TablePosition(log.version, log.table_id).value()
        elif run.status != DONE:
            added.append(run)
    return added, positions


def missing(run: Run, position: int, made: Iterator[tuple[Progress, Commit]], known: Collection[object]) -> list[Run]:
    """What the ledger lacks of a table: this run, unless another process told it, and those that were killed.

    position: the version to which the ledger tells.   made: the commits after it that runs made, the newest first.
    known: the versions of tables that are told, where no position says it.
    """
    told = run.status != DONE or (run.reason != "NOTHING_NEW" and (run.version is None or run.version > position))
    runs = [run] if told else []
    own = {run.run_id} if run.status in (DONE, REFUSED) else set()
    for progress, commit in made:
        name = progress.run_id or progress.nonce[:12]
        if name not in own and (run.target, commit.version) not in known:
            runs.append(recovered(run.target, name, progress, commit))
        own.add(name)  # a run may make two commits; the last one tells it
    return sorted(runs, key=lambda row: row.started_at)


def recovered(target: str, run_id: str, progress: Progress, commit: Commit) -> Run:
    """A run as its commit tells it."""
    run = Run(run_id, target, commit.at, progress.plan, progress.reason, versions=progress.versions, status=RECOVERED)
    run.detail = "told from its commit: the run ended before it was recorded"
    measure(run, commit)
    return run


def _made(log: Log, target: str, position: int) -> Iterator[tuple[Progress, Commit]]:
    """The commits after a version that runs made, the newest first, as far back as the log has them.

    Of tables that an older lakemill made, no commit names its run: there, those that changed rows.
    """
    for version in range(log.version, position, -1):
        commit = log.commit(version)
        if commit is None:
            return
        progress = progress_of(commit)
        if progress and commit.transaction(app_id(target)) == progress.run and (progress.run_id or commit.changes_data):
            yield progress, commit


def _position(positions: Mapping[str, Position], target: str, log: Log) -> int:
    """The version to which the ledger tells a table; -1 where it tells nothing of this one."""
    position = TablePosition(**positions[target]) if target in positions else None
    return position.version if position and position.table_id == log.table_id else -1


def _versions(ledger: Table) -> set[object]:
    """The tables and versions that a ledger tells which an older lakemill wrote."""
    rows = ledger.pin().rows().where(F.col("status") == DONE).select("target", "version")
    return {(row["target"], row["version"]) for row in rows.collect()}


def _next(log: Log, progress: Progress | None, positions: Mapping[str, Position]) -> Progress:
    taken = progress.run if progress else (log.transaction(app_id(LEDGER)) or 0) if log.exists else 0
    return Progress(taken + 1, positions, "the ledger", "update", "UPDATE")


def _append(ledger: Table, log: Log, runs: Sequence[Run], progress: Progress) -> None:
    rows = frame(ledger.spark, runs)
    write = append_widening if log.exists else create  # an older lakemill's ledger has fewer columns
    committed(ledger, log.version, progress, lambda: write(ledger, rows))
