"""Tables side by side: each once, after all that it reads, never more at a time than asked for."""

import random
import threading
import time

import pytest

from lakemill.schedule import scheduled


def play(chance: random.Random, threads: int) -> None:
    names = [f"t{n}" for n in range(chance.randint(0, 12))]
    reads = {name: set(chance.sample(names[:at], chance.randint(0, min(at, 3)))) for at, name in enumerate(names)}
    lock, begun, ended, at_once = threading.Lock(), list[str](), set[str](), [0, 0]

    def work(name: str) -> None:
        with lock:
            assert reads[name] <= ended
            begun.append(name)
            at_once[0] += 1
            at_once[1] = max(at_once)
        time.sleep(chance.random() / 1000)
        with lock:
            at_once[0] -= 1
            ended.add(name)

    yielded = list(scheduled(names, reads, threads, work))
    assert sorted(begun) == sorted(yielded) == sorted(names)
    assert at_once[1] <= threads
    assert threads > 1 or begun == names


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_random_graphs(threads):
    for seed in range(100):
        print(f"seed {seed}")
        play(random.Random(seed), threads)


def test_what_is_ready_runs_beside_what_waits():
    """a and c are at work at one time, or this would wait for ever."""
    meeting = threading.Barrier(2, timeout=30)
    order = list[str]()

    def work(name: str) -> None:
        if name in "ac":
            meeting.wait()
        order.append(name)

    reads = {"a": set(), "b": {"a"}, "c": set(), "d": {"b", "c"}}
    assert sorted(scheduled(list("abcd"), reads, 2, work)) == list("abcd")
    assert order[-1] == "d"


@pytest.mark.parametrize("threads", [1, 3])
def test_where_it_is_stopped_nothing_more_begins(threads):
    begun = list[str]()
    done = list(
        scheduled(list("abc"), {"a": set(), "b": {"a"}, "c": {"b"}}, threads, begun.append, lambda: "b" in begun)
    )
    assert done == begun == ["a", "b"]


@pytest.mark.parametrize("threads", [1, 3])
def test_what_the_work_raises_is_raised(threads):
    def work(name: str) -> None:
        raise KeyError(name)

    with pytest.raises(KeyError, match="a"):
        list(scheduled(["a"], {"a": {"another"}}, threads, work))
