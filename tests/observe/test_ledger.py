"""The ledger has each commit of a run once, whatever is killed between a table's commit and the end of its run.

The oracle is the story itself: which commits were made, by whom, is known from the making.
"""

import random
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from lakemill.lake.log import Commit, Log
from lakemill.lake.progress import Progress, app_id
from lakemill.observe.ledger import additions
from lakemill.observe.runs import DONE, FAILED, RECOVERED, SKIPPED, Run

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = ("gold.a", "gold.b", "silver.c")


class Story(Log):
    """A table's log as it grows."""

    def __init__(self, table: str, entries: list[Commit] | None = None, made: str = "") -> None:
        self.table, self.entries, self.made = table, entries or [], made or uuid.uuid4().hex

    @property
    def table_id(self) -> str:
        return self.made

    @property
    def version(self) -> int:
        return len(self.entries) - 1

    def commit(self, version: int) -> Commit | None:
        return self.entries[version]

    def frozen(self) -> "Story":
        return Story(self.table, list(self.entries), self.made)

    def write(self, run_id: str, old: bool = False, numbered: bool = True, changes: bool = True) -> int:
        """A commit of lakemill's with its progress; `old`: of a lakemill that named no run."""
        number = len(self.entries) + 1
        progress = Progress(number, {}, "f", "update", "UPDATE", run_id="" if old else run_id)
        info = {
            "operation": "MERGE",
            "timestamp": (BEGAN + timedelta(hours=number)).timestamp() * 1000,
            "operationMetrics": {"numTargetRowsInserted": "2", "numTargetRowsUpdated": "1"},
            "userMetadata": progress.text(),
        }
        actions = [{"commitInfo": info}]
        if numbered:
            actions.append({"txn": {"appId": app_id(self.table), "version": number}})
        if changes:
            actions.append({"add": {"path": "x", "dataChange": True, "size": 1}})
        self.entries.append(Commit(len(self.entries), tuple(actions)))
        return self.version

    def write_foreign(self) -> None:
        self.entries.append(Commit(len(self.entries), ({"commitInfo": {"operation": "OPTIMIZE", "timestamp": 0}},)))


@dataclass
class Book:
    """A ledger: its rows and to which versions they tell. A writer that looked at an older one has to look again."""

    rows: list[Run] = field(default_factory=list)
    told: dict = field(default_factory=dict)
    known: set = field(default_factory=set)
    version: int = 0

    def add(self, runs, logs, seen: int) -> bool:
        if seen != self.version:
            return False
        added, self.told = additions(runs, {name: log.frozen() for name, log in logs.items()}, self.told, self.known)
        self.rows += added
        self.version += bool(added)
        return True

    def commits(self) -> list[tuple[str, int | None]]:
        return sorted((row.target, row.version) for row in self.rows if row.status in (DONE, RECOVERED))


def done(run_id: str, table: str, version: int) -> Run:
    return Run(run_id, table, plan="update", reason="UPDATE", version=version)


def nothing_new(run_id: str, log: Story) -> Run:
    return Run(run_id, log.table, plan="nothing", reason="NOTHING_NEW", version=log.version)


def test_what_was_killed_is_told_by_the_next_run():
    log, book = Story("gold.a"), Book()
    log.write("first")
    book.add([nothing_new("second", log)], {"gold.a": log}, 0)
    (row,) = book.rows
    assert (row.run_id, row.version, row.status, row.rows_out, row.reason) == ("first", 0, RECOVERED, 3, "UPDATE")
    assert row.started_at == BEGAN + timedelta(hours=1)
    assert "before it was recorded" in row.detail
    assert book.add([nothing_new("third", log)], {"gold.a": log}, 1)
    assert len(book.rows) == 1


def test_what_was_told_for_a_run_it_does_not_tell_again():
    log, book = Story("gold.a"), Book()
    mine = done("mine", "gold.a", log.write("mine"))
    book.add([done("other", "gold.a", log.write("other"))], {"gold.a": log}, 0)
    assert [(row.run_id, row.status) for row in book.rows] == [("mine", RECOVERED), ("other", DONE)]
    book.add([mine], {"gold.a": log}, 1)
    assert book.commits() == [("gold.a", 0), ("gold.a", 1)]


def test_failures_are_told_and_so_is_a_commit_of_a_run_that_failed_after_it():
    log, book = Story("gold.a"), Book()
    failed = replace(done("mine", "gold.a", -1), status=FAILED, error="confirming it failed")
    log.write("mine")
    skipped = Run("mine", "gold.b", status=SKIPPED)
    book.add([failed, skipped], {"gold.a": log, "gold.b": Story("gold.b")}, 0)
    assert sorted(row.status for row in book.rows) == [FAILED, RECOVERED, SKIPPED]
    assert book.commits() == [("gold.a", 0)]


def test_a_table_made_anew_in_the_place_of_another_is_told_from_its_beginning():
    log, book = Story("gold.a"), Book()
    for _ in range(4):
        book.add([done("r", "gold.a", log.write(uuid.uuid4().hex))], {"gold.a": log}, book.version)
    anew = Story("gold.a")
    book.add([done("new", "gold.a", anew.write("new"))], {"gold.a": anew}, book.version)
    assert book.rows[-1].version == 0


def test_a_ledger_of_an_older_lakemill_is_made_whole_once():
    log = Story("gold.a")
    for _ in range(5):
        log.write("", old=True)
    log.write("", old=True, changes=False)  # progress that `maintain` repeated: no run made it
    log.write("", old=True, numbered=False)  # and what Delta's auto compaction says
    log.write_foreign()
    book = Book(known={("gold.a", 1), ("gold.a", 4)})
    book.add([done("new", "gold.a", log.write("new"))], {"gold.a": log}, 0)
    assert book.commits() == [("gold.a", version) for version in (0, 2, 3, 8)]


def test_two_commits_of_a_run_are_told_by_the_last():
    log, book = Story("gold.a"), Book()
    log.write("where")
    log.write("where")
    book.add([nothing_new("next", log)], {"gold.a": log}, 0)
    assert book.commits() == [("gold.a", 1)]


@pytest.mark.parametrize("seed", range(300))
def test_ledger_and_logs_agree_after_any_kills(seed):
    """Several processes run tables at one time, are killed anywhere, look at ledgers that move under them."""
    chance, book = random.Random(seed), Book()
    logs, made = {name: Story(name) for name in TABLES}, set()
    processes = [_process(chance, logs, made, book) for _ in range(chance.randint(2, 12))]
    while processes:
        process = chance.choice(processes)
        if chance.random() < 0.1 or next(process, None) is None:
            processes.remove(process)
    last = [nothing_new("last", log) for log in logs.values()]
    book.add(last, logs, book.version)
    assert book.commits() == sorted(made), f"seed {seed}"
    assert book.add(last, logs, book.version) and book.commits() == sorted(made), f"seed {seed}"


def _process(chance, logs, made, book):
    """A run, one step at a time: the tables, with others' commits between, then the ledger."""
    run_id, runs = uuid.UUID(int=chance.getrandbits(128)).hex[:12], []
    for name in chance.sample(TABLES, chance.randint(1, len(TABLES))):
        kind, log = chance.random(), logs[name]
        if kind < 0.5:
            version = log.write(run_id, changes=chance.random() < 0.8)
            made.add((name, version))
            yield "committed"
            runs.append(done(run_id, name, version))
        elif kind < 0.7:
            runs.append(nothing_new(run_id, log))
        elif kind < 0.8:
            log.write("", changes=False)  # `maintain` repeats the progress
            log.write_foreign()
        else:
            runs.append(Run(run_id, name, status=FAILED))
        yield "ran"
    seen = book.version
    yield "looked at the ledger"
    while not book.add(runs, {run.target: logs[run.target] for run in runs}, seen):
        seen = book.version
        yield "looked again"
    yield "recorded"
