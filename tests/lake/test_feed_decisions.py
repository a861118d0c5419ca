"""What a log tells of a source: decided from commits that are written down, without Spark.

The oracle replays what was done to the table (which rows and files it had after each statement, what was on disk) and
knows no actions; the code under test sees the actions alone.
"""

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from literal_log import LiteralLog, add, cdc, declares, info, pinned, remove
from pyspark.sql.types import StructType

from lakemill.errors import LakemillError
from lakemill.lake.change import COMPARED, FEED, Change
from lakemill.lake.feed import change_since
from lakemill.lake.progress import TablePosition

PLAIN = StructType().add("k", "string").add("n", "integer")


@dataclass
class State:
    """A table after a statement."""

    files: dict[str, int]
    """Its files, and how many rows each has."""
    schema: StructType = PLAIN
    feed: bool = True
    partitions: tuple[str, ...] = ()


@dataclass
class Made:
    """A table's history: a state after each statement, what each statement was, and what is on disk."""

    chance: random.Random
    states: list[State] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)
    commits: list[list[dict]] = field(default_factory=list)
    feeds: list[list[str]] = field(default_factory=list)
    """The files that a statement's feed is read from."""
    lost: set[str] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    vacuums: list[int] = field(default_factory=list)
    next: int = 0
    vectors: bool = True

    def file(self) -> str:
        self.next += 1
        return f"part-{self.next}.parquet"

    def act(self) -> None:
        """One statement."""
        now = replace(self.states[-1], files=dict(self.states[-1].files))
        weights = {"append": 5, "delete": 3, "vector": 2 * self.vectors, "update": 3, "overwrite": 1, "optimize": 2,
                   "properties": 1, "add column": 1, "drop column": 0.4, "widen": 0.5, "feed off": 0.5, "feed on": 1,
                   "partition": 0.3, "vacuum": 1, "restore": 1, "nothing": 1}  # fmt: skip
        (deed,) = self.chance.choices(list(weights), weights.values())
        getattr(self, f"_{deed.replace(' ', '_')}")(now, deed)

    def commit(self, now: State, deed: str, actions: list[dict], feed: list[str] | None = None) -> None:
        self.states.append(now)
        self.deeds.append(deed)
        self.commits.append(actions)
        self.feeds.append(feed or [])

    def _come(self, now: State, rows: int, moves: bool = False) -> dict:
        path = self.file()
        now.files[path] = rows
        return add(path, rows, moves=moves)

    def _append(self, now: State, deed: str) -> None:
        action = self._come(now, self.chance.randint(1, 5))
        self.commit(now, deed, [info("WRITE"), action], [action["add"]["path"]])

    def _rewritten(self, now: State, deed: str, keeps: bool) -> None:
        if not now.files:
            return self._nothing(now, deed)
        path = self.chance.choice(sorted(now.files))
        rows = now.files.pop(path)
        actions, feed = [info(deed.upper()), remove(path, rows)], [path]
        if keeps or rows > 1:
            actions.append(self._come(now, rows if keeps else rows - 1))
            feed.append(actions[-1]["add"]["path"])
        if self.states[-1].feed and len(actions) == 3:
            feed = [f"_change_data/{self.file()}"]
            actions.append(cdc(feed[0]))
        return self.commit(now, deed, actions, feed)

    def _delete(self, now: State, deed: str) -> None:
        self._rewritten(now, deed, keeps=False)

    def _vector(self, now: State, deed: str) -> None:
        """A row of a file goes by a deletion vector: the same file goes and comes."""
        whole = [path for path, rows in now.files.items() if rows > 1]
        if not whole:
            return self._nothing(now, deed)
        path = self.chance.choice(sorted(whole))
        now.files[path] -= 1
        marked = add(path)
        marked["add"]["deletionVector"] = {"storageType": "i", "pathOrInlineDv": "wi5b=000010000siXQKl0rr91000f55c8Xg0"}
        return self.commit(now, deed, [info("DELETE"), remove(path), marked], [path])

    def _update(self, now: State, deed: str) -> None:
        self._rewritten(now, deed, keeps=True)

    def _overwrite(self, now: State, deed: str) -> None:
        went = [remove(path, rows) for path, rows in now.files.items()]
        now.files.clear()
        came = self._come(now, 2)
        paths = [came["add"]["path"], *(action["remove"]["path"] for action in went)]
        self.commit(now, deed, [info("WRITE", operationParameters={"mode": "Overwrite"}), came, *went], paths)

    def _optimize(self, now: State, deed: str) -> None:
        if not now.files:
            return self._nothing(now, deed)
        went = [remove(path, rows, moves=True) for path, rows in now.files.items()]
        rows = sum(now.files.values())
        now.files.clear()
        return self.commit(now, deed, [info("OPTIMIZE"), *went, self._come(now, rows, moves=True)])

    def _restore(self, now: State, deed: str) -> None:
        """To an earlier state of the same columns of which all files are still there."""
        then = [s for s in self.states if (s.schema, s.feed, s.partitions) == (now.schema, now.feed, now.partitions)]
        then = [s for s in then if not self.lost & s.files.keys()]
        back = self.chance.choice(then).files if then else now.files
        came = [add(path, rows) for path, rows in back.items() if now.files.get(path) != rows]
        went = [remove(path, rows) for path, rows in now.files.items() if back.get(path) != rows]
        now.files = dict(back)
        paths = [next(iter(action.values()))["path"] for action in came + went]
        self.commit(now, deed, [info("RESTORE"), *came, *went], paths)

    def _nothing(self, now: State, _deed: str) -> None:
        self.commit(now, "nothing", [info("WRITE")])

    def _declared(self, now: State, deed: str) -> None:
        self.commit(now, deed, [info(deed.upper()), declares(now.schema, now.feed, now.partitions)])

    _properties = _declared

    def _feed_off(self, now: State, deed: str) -> None:
        now.feed = False
        self._declared(now, deed)

    def _feed_on(self, now: State, deed: str) -> None:
        now.feed = True
        self._declared(now, deed)

    def _partition(self, now: State, deed: str) -> None:
        now.partitions = ("k",) if not now.partitions else ()
        self._declared(now, deed)

    def _add_column(self, now: State, deed: str) -> None:
        now.schema = StructType([*now.schema.fields, *StructType().add(f"more_{len(self.states)}", "string").fields])
        self._declared(now, deed)

    def _drop_column(self, now: State, deed: str) -> None:
        now.schema = StructType(now.schema.fields[1:]) if len(now.schema.fields) > 1 else now.schema
        self._declared(now, deed)

    def _widen(self, now: State, deed: str) -> None:
        fields = [replace_type(field) for field in now.schema.fields]
        now.schema = StructType(fields)
        self._declared(now, deed)

    def _vacuum(self, now: State, deed: str) -> None:
        """What no file of the newest state is goes from disk."""
        known = {path for state in self.states for path in state.files}
        fed = {path for paths in self.feeds for path in paths}
        self.lost |= (known | fed) - now.files.keys()
        self.commit(now, deed, [info("VACUUM END")])
        self.vacuums.append(len(self.states) - 1)


def replace_type(field):
    wider = StructType().add(field.name, "long")[0]
    return wider if field.dataType.simpleString() == "int" else field


def made(seed: int, vectors: bool = True) -> Made:
    """A random table; sometimes its log was cleaned up to a version."""
    history = Made(random.Random(seed), vectors=vectors)
    first = State({"part-0.parquet": 3})
    history.commit(first, "append", [info("CREATE TABLE"), declares(PLAIN), add("part-0.parquet", 3)],
                   ["part-0.parquet"])  # fmt: skip
    for _ in range(history.chance.randint(1, 9)):
        history.act()
    if history.chance.random() < 0.2:
        history.gone = set(range(history.chance.randint(0, len(history.states) - 1)))
    return history


CHANGES_DATA = {"append", "delete", "vector", "update", "overwrite"}
REMOVES = {"delete", "vector", "update", "overwrite"}
DECLARES = {"properties", "feed off", "feed on", "partition", "add column", "drop column", "widen"}


def expected(history: Made, after: int, through: int) -> dict[str, object]:
    """What the change is, by the states and deeds alone."""
    if history.gone & set(range(after + 1, through + 1)):
        return {"problem": "FEED_EXPIRED", "changes_data": True}
    span = range(after + 1, through + 1)
    came = [at for at in span if changes(history, at)]
    answer: dict[str, object] = {
        "changes_data": bool(came),
        "removes": any(history.deeds[at] in REMOVES or (history.deeds[at] == "restore" and fewer(history, at))
                       for at in span),
    }  # fmt: skip
    declared = any(history.deeds[at] in DECLARES for at in span)
    if declared and after in history.gone:  # nobody knows any more what the columns were
        return answer | {"problem": "SCHEMA_CHANGED", "changes_data": True}
    if any(history.states[at - 1].schema[name] not in history.states[at].schema.fields
           and name not in history.states[at].schema.names
           for at in span for name in history.states[at - 1].schema.names):  # fmt: skip
        return answer | {"problem": "SCHEMA_CHANGED", "changes_data": True}
    if not came:
        return answer
    kept = after not in history.gone and not history.lost & history.states[after].files.keys()
    reason = unreadable(history, after, through, came)
    answer["kept"] = kept
    if reason:
        known = {"by": COMPARED, "remark": reason, "removes": True, "problem": ""}
        return answer | (known if kept else {"problem": reason, "by": FEED})
    return answer | {"problem": "", "by": FEED}


def changes(history: Made, at: int) -> bool:
    moved = history.states[at - 1].files != history.states[at].files
    return history.deeds[at] in CHANGES_DATA or (history.deeds[at] == "restore" and moved)


def fewer(history: Made, at: int) -> bool:
    return bool(history.states[at - 1].files.items() - history.states[at].files.items())


def unreadable(history: Made, after: int, through: int, came: list[int]) -> str:
    """Why the feed cannot be read, if it cannot."""
    states = history.states
    if not all(states[at].feed for at in range(after, through + 1)) or not states[-1].feed:
        return "FEED_MISSING"
    declared = [at for at in range(through + 1) if at == 0 or history.deeds[at] in DECLARES]
    if declared[-1] > after and max(at for at in declared if at <= after) in history.gone:
        return "FEED_MISSING"  # what the log no longer tells is taken for off: then comparing is right, too
    kinds = [[field.simpleString() for field in state.schema.fields] for state in states[after : through + 1]]
    if any(set(before) - set(now) for before, now in pairwise(kinds)):
        return "FEED_UNREADABLE"
    if len({state.partitions for state in states[after:]}) > 1:
        return "FEED_UNREADABLE"
    if any(set(history.feeds[at]) & history.lost for at in came):
        return "FEED_EXPIRED"
    return ""


def log_of(history: Made) -> LiteralLog:
    return LiteralLog(history.commits, gone=history.gone)


@pytest.mark.parametrize("seed", range(0, 400, 2))
def test_a_random_table_is_told_as_it_was_made(seed):
    for history in (made(seed), made(seed + 1)):
        is_told(history)


def is_told(history: Made) -> None:
    """Since every version of it."""
    log = log_of(history)
    newest = log.version
    for after in range(newest + 1):
        commit = log.commit(after)
        read = TablePosition(after, "t", commit.id if commit else "")
        found = change_since(pinned(log, history.lost), read)
        if after == newest:
            assert (found.changes_data, found.problem, found.ahead) == (False, "", False)
            continue
        wanted = expected(history, after, newest)
        assert {name: getattr(found, name) for name in wanted} == wanted, (after, history.deeds, history.gone, found)


def test_every_answer_is_met_by_the_random_tables():
    """Else the fuzz above would pass by being too easy."""
    met = set()
    for seed in range(400):
        history = made(seed)
        for after in range(len(history.states) - 1):
            wanted = expected(history, after, len(history.states) - 1)
            met.add((wanted.get("problem") or wanted.get("remark", ""), wanted.get("by"), wanted["changes_data"]))
    reasons = {reason for reason, *_ in met}
    assert {"", "FEED_EXPIRED", "FEED_MISSING", "FEED_UNREADABLE", "SCHEMA_CHANGED"} <= reasons
    assert {(reason, COMPARED, True) for reason in ("FEED_EXPIRED", "FEED_MISSING", "FEED_UNREADABLE")} <= met


@pytest.mark.parametrize("seed", range(400, 440))
def test_what_a_change_costs_is_what_its_files_hold(seed):
    history = made(seed, vectors=False)
    log, newest = log_of(replace(history, gone=set())), len(history.states) - 1
    found = change_since(pinned(log), TablePosition(0, "t", log.commit(0).id))
    came = [at for at in range(1, newest + 1) if changes(history, at)]
    if found.problem == "" and came:
        files = [path for at in came for path in history.feeds[at]]
        known = {path: rows for state in history.states for path, rows in state.files.items()}
        fed = [path for path in files if path.startswith("_change_data")]
        assert found.feed_rows == sum(known.get(path, 0) for path in files)
        assert found.feed_bytes == 50 * len(fed) + 100 * (len(files) - len(fed))


@pytest.mark.parametrize("seed", range(60))
def test_a_gap_in_a_log_is_damage_and_a_missing_beginning_is_a_clean_up(seed):
    """Delta's clean-up takes the oldest commits only."""
    chance = random.Random(seed)
    newest = chance.randint(2, 8)
    log = LiteralLog([[info("CREATE TABLE"), declares(PLAIN)], *[[info("WRITE"), add(f"f{n}")] for n in range(newest)]])
    log.gone = set(chance.sample(range(newest + 1), chance.randint(1, newest)))
    after = chance.randint(0, newest - 1)
    lacking = sorted(log.gone & set(range(after + 1, newest + 1)))
    gap = any(set(range(after, version)) - log.gone for version in lacking)
    commit = log.commit(after)
    read = TablePosition(after, "t", commit.id if commit else "")
    if gap:
        with pytest.raises(LakemillError, match="its log is damaged: version"):
            change_since(pinned(log), read)
    else:
        assert change_since(pinned(log), read).problem == ("FEED_EXPIRED" if lacking else "")


def at(log: LiteralLog, version: int, **changed: object) -> TablePosition:
    commit = log.commit(version)
    return replace(TablePosition(version, "t", commit.id if commit else ""), **changed)


def simple(newest: int = 3) -> LiteralLog:
    return LiteralLog(
        [
            [info("CREATE TABLE"), declares(PLAIN), add("f0")],
            *[[info("WRITE"), add(f"f{n}")] for n in range(1, newest + 1)],
        ]
    )


def told(log: LiteralLog, read: TablePosition | None, **kinds: object) -> Change:
    return change_since(pinned(log, **kinds), read)


def test_a_source_that_was_never_read_has_no_change():
    found = told(simple(), None)
    assert (found.after, found.through, found.changes_data, found.problem) == (-1, -1, False, "")


def test_another_table_in_its_place_is_told():
    log = simple()
    assert told(log, at(log, 1, table_id="other")).problem == "SOURCE_RECREATED"
    assert "another table than before" in told(log, at(log, 1, table_id="other")).detail
    assert "went back behind version 9" in told(log, TablePosition(9, "t", "x")).detail
    other = told(log, at(log, 2, commit="not this one"))
    assert (other.problem, "version 2 is not the one that was read" in other.detail) == ("SOURCE_RECREATED", True)


def test_a_position_without_a_commit_is_taken_at_its_word():
    log = simple()
    assert told(log, TablePosition(2, "t", "")).problem == ""


def test_a_pin_behind_what_was_read_is_ahead():
    log = simple()
    found = told(log, at(log, 3), version=1)
    assert found.ahead and not found.changes_data and not found.problem


def test_an_overwrite_is_told_where_the_sizes_are_known():
    log = simple(1)
    log.made.append([info("WRITE", operationParameters={"mode": "Overwrite"}), add("g"), remove("f0"), remove("f1")])
    assert told(log, at(log, 1)).remark == ""
    log.sizes = {1: 200}
    assert (told(log, at(log, 1)).remark, told(log, at(log, 1)).detail) == (
        "SOURCE_OVERWRITTEN",
        "version 2 replaced all its rows",
    )
    log.sizes = {1: 201}
    assert told(log, at(log, 1)).remark == "", "some of its files stayed"


@pytest.mark.parametrize(
    ("operation", "whole"),
    [
        (info("WRITE", operationParameters={"mode": "Overwrite"}), True),
        (info("CREATE OR REPLACE TABLE AS SELECT"), True),
        (info("REPLACE TABLE"), True),
        (info("DELETE"), False),
        (info("MERGE"), False),
        (info("WRITE", operationParameters={"mode": "Append"}), False),
    ],
    ids=lambda value: str(value["commitInfo"]["operation"]) if isinstance(value, dict) else str(value),
)
def test_which_statements_replace_all_rows(operation, whole):
    log = simple(0)
    log.made.append([operation, add("g"), remove("f0")])
    log.sizes = {0: 100}
    assert (told(log, at(log, 0)).remark == "SOURCE_OVERWRITTEN") == whole


def test_where_a_feed_has_files_of_its_own_the_others_may_go():
    log = simple(0)
    log.made.append([info("UPDATE"), remove("f0"), add("f1"), cdc("_change_data/c")])
    assert (told(log, at(log, 0), lost=["f0"]).remark, told(log, at(log, 0), lost=["f0"]).kept) == ("", False)
    gone = told(log, at(log, 0), lost=["_change_data/c"])
    assert (gone.remark, gone.by, "1 files of its change feed are gone" in gone.detail) == (
        "FEED_EXPIRED",
        COMPARED,
        True,
    )


@pytest.mark.parametrize("path", ["a b/part%201", "s3://other/f", "/elsewhere/f", "file:/elsewhere/f"])
def test_files_are_named_as_the_protocol_codes_them(path):
    from urllib.parse import unquote

    log = simple(0)
    log.made.append([info("WRITE"), add(path)])
    assert told(log, at(log, 0), lost=[unquote(path)]).problem == ""
    assert told(log, at(log, 0), lost=[unquote(path)]).remark == "FEED_EXPIRED"
