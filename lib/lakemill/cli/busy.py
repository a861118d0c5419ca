"""The line at a terminal that says what is being done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def busy(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function that says what is being done; at a terminal only, and else nothing is said."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console  # a cluster has neither a terminal nor rich

    with Console(stderr=True).status("starting Spark") as status:
        yield status.update
