"""Schedule: which tables are worked on when, several at a time, each after all that it reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait


def scheduled(
    names: Sequence[str], reads: Mapping[str, Set[str]], threads: int, work: Callable[[str], None],
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[str]:  # fmt: skip
    """Do the work of each name, after that of the names that it reads; yield each when its work is done.

    names: in an order in which each stands after those that it waits for.   reads: these, by name; names that are not
    among `names` do not count.   threads: how many are worked on at a time; a single one is worked on in the caller's
    own thread.   stopped: asked before each; where it says so, no more are begun.   What `work` raises is raised here.
    """
    if threads == 1:
        for name in names:
            if stopped():
                return
            work(name)
            yield name
        return
    waiting, done, under_way = list(names), set[str](), dict[Future[None], str]()
    with ThreadPoolExecutor(threads, thread_name_prefix="table") as pool:
        while waiting or under_way:
            ready = [] if stopped() else [name for name in waiting if not _needed(name, names, reads) - done]
            for name in ready[: threads - len(under_way)]:
                waiting.remove(name)
                under_way[pool.submit(work, name)] = name
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                name = under_way.pop(future)
                future.result()
                done.add(name)
                yield name


def _needed(name: str, names: Sequence[str], reads: Mapping[str, Set[str]]) -> set[str]:
    return set(reads[name]) & set(names)
