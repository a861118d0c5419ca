"""What a target's log says it was made from: decided from commits that are written down, without Spark.

The oracle goes through what happened to the table from its beginning; the code under test walks back from its end.
"""

import json
import random
from dataclasses import replace

import pytest
from literal_log import LiteralLog, add, declares, info, remove
from pyspark.sql.types import StructType

from lakemill.errors import CommitLost, UsageError
from lakemill.lake.commit import confirm
from lakemill.lake.log import Commit
from lakemill.lake.progress import NoProgress, Progress, app_id, last_progress, read_progress
from lakemill.lake.readers import unchanged_until

TARGET = "gold.t"
COLUMNS = StructType().add("k", "string")


def progress(run: int, plan: str = "update") -> Progress:
    return Progress(run, {"raw.t": {"version": run, "table_id": "id", "commit": "c"}}, "f", plan, "UPDATE")


def ours(made: Progress, *actions: dict, txn: int | None = None, table: str = TARGET) -> list[dict]:
    """A commit of lakemill's; txn: the number it took, where that is not the run's."""
    taken = {"txn": {"appId": app_id(table), "version": made.run if txn is None else txn}}
    return [info("MERGE", userMetadata=made.text()), taken, *actions]


class Made:
    """A random target, and what is to be known of it after each commit."""

    def __init__(self, seed: int) -> None:
        self.chance, self.commits, self.run, self.files = random.Random(seed), [], 0, 0
        self.known: Progress | NoProgress | None = None
        self.moved = False
        """Whether somebody else changed rows since."""
        self.write()
        for _ in range(self.chance.randint(0, 7)):
            kinds = {"write": 4, "repeat": 1, "optimize": 2, "auto compaction": 1, "foreign": 1, "restore": 0.7,
                     "properties": 1, "vacuum": 1, "words": 1}  # fmt: skip
            (kind,) = self.chance.choices(list(kinds), kinds.values())
            getattr(self, kind.replace(" ", "_"))()
        self.log = LiteralLog(self.commits)

    def file(self) -> str:
        self.files += 1
        return f"f{self.files}"

    def append(self, actions: list[dict]) -> None:
        self.commits.append(actions)

    def write(self) -> None:
        """A run; it knows the last number, whoever wrote since."""
        self.run += 1
        made = progress(self.run)
        first = [declares(COLUMNS)] if not self.commits else []
        self.append(ours(made, *first, add(self.file())))
        self.known = replace(made, version=len(self.commits) - 1)

    def repeat(self) -> None:
        """Its progress alone, on top: where it still has one."""
        if isinstance(self.known, Progress):
            self.run += 1
            made = replace(self.known, run=self.run, nonce="again", version=-1)
            self.append(ours(made))
            self.known = replace(made, version=len(self.commits) - 1)

    def optimize(self) -> None:
        self.append([info("OPTIMIZE"), remove("f1", moves=True), add(self.file(), moves=True)])

    def auto_compaction(self) -> None:
        """Delta runs it inside of a write, and it says what that said, but takes no number."""
        said = self.known.text() if isinstance(self.known, Progress) else None
        more = {"userMetadata": said} if said else {}
        self.append([info("OPTIMIZE", **more), remove("f1", moves=True), add(self.file(), moves=True)])

    def foreign(self) -> None:
        self.append([info("UPDATE"), remove("f1"), add(self.file())])
        self.known = NoProgress("PROGRESS_LOST", "", self.run)

    def restore(self) -> None:
        self.append([info("RESTORE"), remove(f"f{self.files}"), add(self.file())])
        self.known = NoProgress("TARGET_RESTORED", "", self.run)

    def properties(self) -> None:
        self.append([info("SET TBLPROPERTIES"), declares(COLUMNS)])

    def vacuum(self) -> None:
        self.append([info("VACUUM END")])

    def words(self) -> None:
        """Somebody's own words in userMetadata, and no row."""
        said = self.chance.choice(['{"other": 1}', "not JSON {", "5", '"lakemill"', "null", ""])
        self.append([info("WRITE", userMetadata=said)])


@pytest.mark.parametrize("seed", range(0, 300, 2))
def test_the_progress_of_a_random_target(seed):
    for made in (Made(seed), Made(seed + 1)):
        found = read_progress(made.log, TARGET)
        if isinstance(made.known, Progress):
            assert found == made.known
        else:
            assert (type(found), found.reason, found.run) == (NoProgress, made.known.reason, made.run)


@pytest.mark.parametrize("seed", range(300, 380))
def test_a_cleaned_log_loses_the_progress_with_the_commit_that_held_it(seed):
    made = Made(seed)
    cleaned = made.chance.randint(0, made.log.version)
    made.log.gone = set(range(cleaned + 1)) - {made.log.version}
    found = read_progress(made.log, TARGET)
    if isinstance(made.known, Progress) and made.known.version not in made.log.gone:
        assert found == made.known
    else:
        assert isinstance(found, NoProgress) and found.run == made.run, "the number survives: it is in the snapshot"
        lost = isinstance(made.known, Progress)
        assert found.reason in ({"PROGRESS_LOST"} if lost else {"PROGRESS_LOST", "TARGET_RESTORED"})


def test_every_answer_is_met_by_the_random_targets():
    known = [Made(seed).known for seed in range(300)]
    reasons = [each.reason for each in known if isinstance(each, NoProgress)]
    assert min(reasons.count("PROGRESS_LOST"), reasons.count("TARGET_RESTORED")) > 20
    assert sum(isinstance(each, Progress) for each in known) > 100


def test_a_table_that_is_not_there_is_a_first_run():
    found = read_progress(LiteralLog([]), TARGET)
    assert isinstance(found, NoProgress) and (found.reason, found.run) == ("FIRST_RUN", 0)


@pytest.mark.parametrize("what", ["another maker's", "another table's", "a copy's, written since"])
def test_a_table_of_another_maker_is_refused(what):
    other = ours(progress(3), add("f1"), declares(COLUMNS), table="gold.other")
    foreign = [info("WRITE"), add("f1"), declares(COLUMNS)]
    log = LiteralLog({"another maker's": [foreign], "another table's": [other],
                      "a copy's, written since": [other, foreign]}[what])  # fmt: skip
    with pytest.raises(UsageError, match="did not make, or made as another table"):
        read_progress(log, TARGET)


@pytest.mark.parametrize("seed", range(420, 450))
def test_what_a_target_claims_is_the_newest_progress_whoever_wrote_since(seed):
    made = Made(seed)
    claimed = last_progress(made.log)
    written = [json.loads(said) for actions in made.commits if (said := _said(actions))]
    assert claimed is not None and claimed.run == written[-1]["lakemill"]["run"]


def _said(actions: list[dict]) -> str | None:
    said = next(action["commitInfo"] for action in actions if "commitInfo" in action).get("userMetadata") or ""
    return said if said.startswith('{"lakemill"') else None


# Reading a commit back.


def before(*more: list[dict]) -> LiteralLog:
    return LiteralLog([ours(progress(1), declares(COLUMNS), add("f1")), *more])


def test_our_own_commit_is_found():
    mine = progress(2)
    assert confirm(before(ours(mine, add("f2"))), TARGET, mine, planned=0).version == 1


def test_a_number_that_another_run_took_is_lost():
    mine, others = progress(2), progress(2)
    with pytest.raises(CommitLost, match="committed by another process first"):
        confirm(before(ours(others, add("f2"))), TARGET, mine, planned=0)


def test_auto_compaction_is_not_our_commit():
    mine = progress(2)
    compaction = [info("OPTIMIZE", userMetadata=mine.text()), remove("f1", moves=True), add("f3", moves=True)]
    assert confirm(before(ours(mine, add("f2")), compaction), TARGET, mine, planned=0).version == 1


def test_what_others_compacted_meanwhile_is_no_harm():
    mine = progress(2)
    moved = [info("OPTIMIZE"), remove("f1", moves=True), add("f3", moves=True)]
    assert confirm(before(moved, ours(mine, add("f2"))), TARGET, mine, planned=0).version == 2


def test_what_others_wrote_under_our_commit_is_told():
    mine = progress(2)
    with pytest.raises(CommitLost, match="somebody else wrote to it"):
        confirm(before([info("DELETE"), remove("f1")], ours(mine, add("f2"))), TARGET, mine, planned=0)


def test_what_others_wrote_before_the_plan_or_after_our_commit_is_no_matter_of_ours():
    mine, foreign = progress(2), [info("WRITE"), add("f9")]
    assert confirm(before(foreign, ours(mine, add("f2")), foreign), TARGET, mine, planned=1).version == 2


def test_a_log_that_was_cleaned_meanwhile_hides_nothing():
    mine = progress(2)
    log = before([info("WRITE"), add("f9")], ours(mine, add("f2")))
    log.gone = {0, 1}
    with pytest.raises(CommitLost, match="somebody else wrote to it"):
        confirm(log, TARGET, mine, planned=0)


# How long the rows of a version stay.


@pytest.mark.parametrize("seed", range(30))
def test_rows_stay_until_a_commit_changes_them_or_the_columns(seed):
    chance = random.Random(seed)
    kinds = {
        "rows": [info("WRITE"), add("f")],
        "moved": [info("OPTIMIZE"), add("f", moves=True), remove("e", moves=True)],
        "columns": [info("ADD COLUMNS"), declares(COLUMNS)],
        "vacuum": [info("VACUUM END")],
    }
    version, names = chance.randint(0, 5), chance.choices(list(kinds), k=chance.randint(0, 6))
    since = [Commit(version + at, tuple(kinds[name])) for at, name in enumerate(names, start=1)]
    stay = next((at for at, name in enumerate(names) if name in ("rows", "columns")), len(names))
    assert unchanged_until(version, since) == version + stay
