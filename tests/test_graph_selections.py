"""Which tables are meant, and in which order: random graphs and random wishes against a walk by hand."""

import random
from fnmatch import fnmatchcase

import pytest

from lakemill import Job
from lakemill.errors import UsageError
from lakemill.graph import ordered, select, upstream

LAYERS = ("bronze", "silver", "gold")


def first_of(*frames):
    return frames[0]


def random_graph(seed: int) -> tuple[random.Random, dict[str, Job]]:
    """Jobs of which each reads tables made before it, or tables that nobody makes."""
    chance = random.Random(seed)
    jobs: dict[str, Job] = {}
    for number in range(chance.randint(1, 12)):
        known = [*jobs, "raw.a", "raw.b"]
        name = f"{chance.choice(LAYERS)}.t{number}"
        sources = chance.sample(known, min(len(known), chance.randint(1, 3)))
        jobs[name] = Job(source=sources, map=first_of, target=name)
    shuffled = chance.sample(list(jobs), len(jobs))
    return chance, {name: jobs[name] for name in shuffled}


def needs(jobs: dict[str, Job], name: str) -> set[str]:
    """The tables below, step by step."""
    found, waiting = set(), [name]
    while waiting:
        at = waiting.pop()
        if at in jobs and at not in found:
            found.add(at)
            waiting += jobs[at].sources
    return found


@pytest.mark.parametrize("seed", range(80))
def test_a_random_graph_is_run_in_order(seed):
    _, jobs = random_graph(seed)
    order = ordered(jobs)
    assert sorted(order) == sorted(jobs)
    for at, name in enumerate(order):
        assert not set(jobs[name].sources) & set(order[at:]), name
        assert upstream(jobs, name) == needs(jobs, name)


@pytest.mark.parametrize("seed", range(80, 160))
def test_random_wishes_are_met(seed):
    chance, jobs = random_graph(seed)
    patterns = [*jobs, *[f"+{name}" for name in jobs], "silver.*", "+gold.*", "*.t1*", "*"]
    asked = chance.sample(patterns, chance.randint(1, 3))
    wanted: set[str] = set()
    for wish in asked:
        met = {name for name in jobs if fnmatchcase(name, wish.removeprefix("+"))}
        if not met:
            with pytest.raises(UsageError, match="No job makes a table"):
                select(jobs, asked)
            return
        wanted |= set().union(*(needs(jobs, name) for name in met)) if wish.startswith("+") else met
    assert select(jobs, asked) == [name for name in ordered(jobs) if name in wanted]


@pytest.mark.parametrize("seed", range(160, 200))
def test_a_circle_anywhere_is_named(seed):
    chance, jobs = random_graph(seed)
    name = chance.choice(list(jobs))
    below = chance.choice(sorted(needs(jobs, name)))
    job = jobs[below]
    if name in job.sources or name == below:
        with pytest.raises(UsageError, match="in a circle|reads its own target"):
            ordered(jobs | {below: Job(source=[*job.sources, name], map=first_of, target=below)})
        return
    with pytest.raises(UsageError, match="in a circle: .* -> ") as refused:
        ordered(jobs | {below: Job(source=[*job.sources, name], map=first_of, target=below)})
    assert name in str(refused.value) or below in str(refused.value)
