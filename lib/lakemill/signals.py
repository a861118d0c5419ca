"""Ctrl-C, SIGTERM and SIGHUP end a command within seconds: Spark's jobs are cancelled, and whoever waits for them ends.

While Spark runs, no exception is raised out of the middle of a call to the JVM: its answer would stay in the
connection, and the next call would take it for its own. A thread of its own cancels the jobs instead, so the call under
way fails as any call may, and all that has to be put back is put back. A commit under way is then whole or not there.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 12.0
"""Seconds after which a command that was told to end is ended, whatever it waits for; its last words have as long.

Whoever runs commands in containers gives them 30 seconds, if nobody says otherwise.
"""
PAUSE = 0.3


class Signalled(KeyboardInterrupt):
    """A program, not a person, wants the command to end: a scheduler, or a terminal that is closed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Heard:
    """The signal that this process was sent, and whether its last words, the ledger's, may still be written."""

    number: int | None = None
    last_words = False
    over = threading.Event()


def heard() -> int | None:
    """The signal that asked this command to end; None where none did."""
    return _Heard.number


def name_of(number: int) -> str:
    """A signal as people know it."""
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


@contextmanager
def listening() -> Iterator[None]:
    """Hear the signals inside, but for one that is ignored, as nohup has it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _Heard.number, _Heard.last_words, _Heard.over = None, False, threading.Event()
    before = {number: signal.getsignal(number) for number in ENDING}
    listened = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in listened:
        signal.signal(number, _hear)
    try:
        yield
    finally:
        _Heard.over.set()
        for number in listened:
            signal.signal(number, before[number])


@contextmanager
def last_words() -> Iterator[None]:
    """Spark's jobs inside are not cancelled: what was done is recorded also when a signal was heard."""
    _Heard.last_words = True
    try:
        yield
    finally:
        _Heard.last_words = False


def _hear(number: int, frame: FrameType | None) -> None:
    context = _spark()
    if context is None:
        raise KeyboardInterrupt if number == signal.SIGINT else Signalled(number)
    if _Heard.number is None:
        _Heard.number = number
        threading.Thread(target=_end, args=(context, number, _Heard.over), daemon=True).start()


def _spark() -> Any:
    """The running SparkContext; None where Spark did not start yet."""
    module = sys.modules.get("pyspark.core.context")
    return module.SparkContext._active_spark_context if module else None


def _end(context: Any, number: int, over: threading.Event) -> None:
    """Cancel Spark's jobs until the command is over, or end the process where it does not end."""
    deadline = monotonic() + PATIENCE
    while not (over.wait(PAUSE) or _Heard.last_words) and monotonic() < deadline:
        try:
            context.cancelAllJobs()
        except Exception:  # the JVM was told to end, too, and is gone
            break
    if not over.wait(PATIENCE if _Heard.last_words else max(deadline - monotonic(), 0)):
        print(f"lakemill: stopped by {name_of(number)}; what was under way is whole, or not there.", file=sys.stderr)
        sys.stderr.flush()
        process = getattr(context._gateway, "proc", None)
        if process:
            process.kill()
        os._exit(128 + number)
