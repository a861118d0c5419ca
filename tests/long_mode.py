"""Long tests: they go on for a given time and print how many cases they did."""

import os
import time
from collections.abc import Iterator

LONG_SECONDS = float(os.environ.get("LAKEMILL_LONG_SECONDS", "600"))


def seeds_until(moment: float) -> Iterator[int]:
    """A new seed each time it is asked for one, until a moment of the monotonic clock; at least one."""
    seed = int(time.time() * 1000) % 2**32
    yield seed
    while time.monotonic() < moment:
        seed += 1
        yield seed
