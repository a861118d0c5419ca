"""What a table has taken, as its commits tell it: against plain sets, over random deliveries, loads and clean-ups."""

import random
from dataclasses import replace

import pytest
from literal_log import LiteralLog, info

from lakemill.lake.progress import LANDING, Progress, progress_of
from lakemill.sources.landing import Landing
from lakemill.sources.storage import Stamp
from lakemill.sources.taken import LINKS, TOLD_AS, Taken, taken


class Fed:
    """A table and its landing: each load takes what lies there, and is told in a commit."""

    def __init__(self, seed: int) -> None:
        self.chance, self.log = random.Random(seed), LiteralLog([])
        self.folders: dict[str, Stamp] = {}
        self.progress: Progress | None = None
        self.known, self.dumps = set[tuple[str, int, int]](), set[str]()

    @property
    def landing(self) -> Landing:
        return Landing("file:/landing/sales", "sales", dict(self.folders))

    def arrive(self) -> None:
        """Folders come, are filled anew, or go."""
        for _ in range(self.chance.randint(0, 3)):
            self.folders[f"d{self.chance.randint(0, 60)}"] = Stamp(
                self.chance.randint(1, 9), self.chance.randint(0, 99)
            )
        if self.folders and self.chance.random() < 0.2:
            del self.folders[self.chance.choice(sorted(self.folders))]

    def commit(self, progress: Progress) -> Progress:
        self.log.made.append([info("WRITE", userMetadata=progress.text())])
        read = progress_of(self.log.commit(self.log.version))
        assert read
        return read

    def load(self, fails: bool = False) -> None:
        """What a run does: it asks what is taken, and tells what it took; a load that fails is taken back."""
        before = (taken(self.log, self.progress) if self.progress else None) or Taken(dumps=frozenset(self.dumps))
        new = {(f, s.size, s.modified) for f, s in self.landing.manifests.items() if not before.has(f, s)}
        ids = {f"id of {size}" for _, size, _ in new} - before.dumps
        version = self.progress.version if self.progress else -1
        position = before.position(self.landing, ids, version)
        told = self.commit(Progress(1, {LANDING: position}, "dump", "update", "UPDATE"))
        if fails:
            again = self.progress.positions if self.progress else {}
            self.progress = self.commit(Progress(2, again, "dump", "update", "TAKEN_BACK"))
            return
        self.progress = told
        self.dumps |= ids
        self.known |= new


@pytest.mark.parametrize("seed", range(60))
def test_what_is_taken_is_what_was_loaded_and_nothing_else(seed):
    fed = Fed(seed)
    for _ in range(50):
        fed.arrive()
        fed.load(fails=fed.chance.random() < 0.2)
        if fed.chance.random() < 0.2:
            fed.progress = fed.commit(fed.progress.again())  # as maintenance writes it again
        if fed.chance.random() < 0.05:
            fed.log.gone |= set(range(fed.chance.randint(0, fed.log.version)))
        told = taken(fed.log, fed.progress)
        if not told:  # of a load that was taken back before any, or of one that only cleaned commits told
            assert fed.log.gone or TOLD_AS not in fed.progress.positions.get(LANDING, {})
            continue
        assert told.dumps == fed.dumps
        assert told.manifests <= fed.known
        assert all(told.has(f, s) for f, s in fed.landing.manifests.items() if (f, s.size, s.modified) in fed.known)
        assert told.links <= LINKS


def test_a_chain_is_short_and_each_commit_tells_little():
    fed = Fed(0)
    for at in range(10 * LINKS):
        fed.folders[f"day {at:04}"] = Stamp(at, at)
        fed.load()
    sizes = [len(progress_of(fed.log.commit(at)).positions[LANDING][TOLD_AS]["manifests"]) for at in range(10 * LINKS)]
    assert sizes.count(1) > 9 * LINKS
    assert max(sizes) <= 10 * LINKS


def test_a_table_of_before_tells_nothing():
    fed = Fed(0)
    fed.load()
    old = replace(fed.progress, positions={LANDING: {"mark": 1, "digest": "d"}})
    assert taken(fed.log, old) is None
    assert taken(fed.log, replace(fed.progress, positions={})) is None


def test_a_chain_that_does_not_lead_back_tells_nothing():
    fed = Fed(0)
    fed.load()
    position = dict(fed.progress.positions[LANDING])
    position[TOLD_AS] = {**position[TOLD_AS], "since": 7}
    assert taken(fed.log, replace(fed.progress, positions={LANDING: position})) is None
