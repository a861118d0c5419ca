"""Waiting for a run elsewhere: in the service's own states, for as long as it takes; Ctrl-C cancels it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lakemill.submit.aws import ERRORS, passing, words

SHORTEST, LONGEST = 2.0, 30.0


@dataclass(frozen=True)
class State:
    """The service's word for how a run is, and what it says about it. over: it stays so.   done: it went well."""

    name: str
    reason: str = ""
    over: bool = False
    done: bool = False


class Running(Protocol):
    """A run at a service. place: how a person finds it there.   logs: where its logs come to lie."""

    @property
    def place(self) -> str: ...
    @property
    def logs(self) -> str: ...
    def state(self) -> State:
        """How it is now; raises what boto3 does."""

    def cancel(self) -> None:
        """Ask the service to end it; raises what boto3 does."""


def wait(running: Running, say: Callable[[str], None], sleep: Callable[[float], None]) -> State:
    """Wait until it is over; its last state.

    The first Ctrl-C asks the service to cancel it and waits on, because a run that is being cancelled still runs; the
    second is the caller's KeyboardInterrupt, and stops the waiting alone.
    """
    last, pause, cancelled = State(""), SHORTEST, False
    while True:
        try:
            state = _state(running, last, say)
            if state != last:
                say(f"{running.place}: {state.name}" + (f" ({state.reason})" if state.reason else ""))
                pause = SHORTEST
            if state.over:
                return state
            last = state
            sleep(pause)
            pause = min(pause * 1.5, LONGEST)
        except KeyboardInterrupt:
            if cancelled:
                raise
            cancelled = True
            _cancel(running, say)


def _state(running: Running, last: State, say: Callable[[str], None]) -> State:
    """How it is now, or the last that was heard where the service does not answer at the moment."""
    try:
        return running.state()
    except ERRORS as error:
        if not passing(error):
            say(f"{running.place} goes on; the same command again finds it.")
            raise words(error) from None
        say(f"{running.place}: no answer ({words(error)}) Still waiting; Ctrl-C cancels the run.")
        return last


def _cancel(running: Running, say: Callable[[str], None]) -> None:
    say(f"{running.place}: cancelling. Ctrl-C again stops waiting for that.")
    try:
        running.cancel()
    except ERRORS as error:
        say(f"{running.place}: it could not be cancelled: {words(error)} It goes on.")
