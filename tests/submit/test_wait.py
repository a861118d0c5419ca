"""Waiting: in the service's states, through throttling and cut lines, without an end of its own; Ctrl-C cancels."""

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from lakemill.errors import LakemillError
from lakemill.submit.wait import LONGEST, State, wait

PENDING, RUNNING = State("PENDING", "queued"), State("RUNNING")
DONE, FAILED = State("SUCCESS", over=True, done=True), State("FAILED", "out of memory", over=True)
CANCELLED = State("CANCELLED", over=True)
CUT = ConnectionClosedError(endpoint_url="https://emr")


def refused(code, status=400):
    said = {"Error": {"Code": code, "Message": f"{code} it is"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "DescribeStep")


class Scripted:
    """A run that is, look by look, as it is told; KeyboardInterrupt is a Ctrl-C just then."""

    place, logs = "run 1", "s3://logs/"

    def __init__(self, *looks, cancel=None):
        self.looks, self.cancelled, self.cancel_raises = list(looks), 0, cancel

    def state(self):
        look = self.looks.pop(0)
        if isinstance(look, BaseException):
            raise look
        return look

    def cancel(self):
        self.cancelled += 1
        if self.cancel_raises:
            raise self.cancel_raises


class Waited:
    """What was said, and how long was slept."""

    def __init__(self):
        self.said, self.slept = [], []

    def through(self, run):
        end = wait(run, self.said.append, self.slept.append)
        assert end.interrupted == bool(run.cancelled)
        return end.state


@pytest.fixture
def waited():
    return Waited()


def test_each_state_is_told_once(waited):
    run = Scripted(PENDING, PENDING, RUNNING, RUNNING, RUNNING, DONE)
    assert waited.through(run) == DONE
    assert waited.said == ["run 1: PENDING (queued)", "run 1: RUNNING", "run 1: SUCCESS"]
    assert run.cancelled == 0


def test_the_reason_of_a_failure_is_told(waited):
    assert waited.through(Scripted(RUNNING, FAILED)) == FAILED
    assert waited.said[-1] == "run 1: FAILED (out of memory)"


def test_it_waits_for_days(waited):
    run = Scripted(*[RUNNING] * 10_000, DONE)
    assert waited.through(run) == DONE
    assert sum(waited.slept) > 3 * 86_400
    assert max(waited.slept) == LONGEST


def test_one_who_is_being_cancelled_still_runs(waited):
    assert waited.through(Scripted(State("CANCELLING"), State("CANCELLING"), CANCELLED)) == CANCELLED
    assert len(waited.slept) == 2


@pytest.mark.parametrize("fault", [refused("ThrottlingException"), refused("InternalServerError", 500), CUT], ids=str)
def test_what_passes_is_waited_out(waited, fault):
    assert waited.through(Scripted(RUNNING, fault, fault, DONE)) == DONE
    assert sum("Still waiting" in said for said in waited.said) == 2


def test_what_does_not_pass_ends_the_waiting_and_not_the_run(waited):
    run = Scripted(RUNNING, refused("ExpiredTokenException"))
    with pytest.raises(LakemillError, match="AWS does not take the credentials"):
        waited.through(run)
    assert run.cancelled == 0
    assert "goes on; the same command again finds it" in waited.said[-1]


def test_ctrl_c_cancels_and_waits_for_it(waited):
    run = Scripted(RUNNING, KeyboardInterrupt(), State("CANCELLING"), CANCELLED)
    assert waited.through(run) == CANCELLED
    assert run.cancelled == 1


def test_a_run_that_ended_before_it_could_be_cancelled_is_done(waited):
    assert waited.through(Scripted(RUNNING, KeyboardInterrupt(), DONE)) == DONE


def test_ctrl_c_twice_stops_waiting(waited):
    run = Scripted(RUNNING, KeyboardInterrupt(), State("CANCELLING"), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        waited.through(run)
    assert run.cancelled == 1


def test_a_cancel_that_is_refused_is_said(waited):
    run = Scripted(RUNNING, KeyboardInterrupt(), RUNNING, DONE, cancel=refused("AccessDeniedException"))
    assert waited.through(run) == DONE
    assert any("could not be cancelled" in said and "AccessDenied" in said for said in waited.said)
