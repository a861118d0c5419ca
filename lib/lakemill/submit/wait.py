"""Waiting for a run elsewhere: in the service's own states, for as long as it takes; Ctrl-C and SIGTERM cancel it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lakemill.signals import Signalled
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

    def cancel(self) -> str | None:
        """Ask the service to end it; why it will not, where it says so. Raises what boto3 does."""


@dataclass(frozen=True)
class End:
    """The last state of a run, and whether Ctrl-C asked for its end."""

    state: State
    interrupted: bool


def wait(running: Running, say: Callable[[str], None], sleep: Callable[[float], None]) -> End:
    """Wait until it is over.

    The first Ctrl-C asks the service to cancel it and waits on, because a run that is being cancelled still runs; the
    second is the caller's KeyboardInterrupt, and stops the waiting alone. A signal asks, too, and waits for nothing:
    whoever sent it kills the command after seconds.
    """
    last, pause, cancelled = State(""), SHORTEST, False
    while True:
        try:
            state = _state(running, last, say)
            if state != last:
                say(f"{running.place}: {state.name}" + (f" ({state.reason})" if state.reason else ""))
                pause = SHORTEST
            if state.over:
                return End(state, cancelled)
            last = state
            sleep(pause)
            pause = min(pause * 1.5, LONGEST)
        except KeyboardInterrupt as interrupt:
            if not cancelled:
                _cancel(running, say, waits=not isinstance(interrupt, Signalled))
            if cancelled or isinstance(interrupt, Signalled):
                raise
            cancelled = True


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


def _cancel(running: Running, say: Callable[[str], None], waits: bool) -> None:
    say(f"{running.place}: cancelling." + (" Ctrl-C again stops waiting for that." if waits else ""))
    try:
        refused = running.cancel()
    except ERRORS as error:
        refused = str(words(error))
    if refused:
        say(f"{running.place}: it could not be cancelled: {refused} It goes on.")
