"""A submitted run that is to end: the service is asked to cancel it, and what it answers is said."""

import os
import signal
import threading
import time

import pytest
from fake_emr import Life

from lakemill.cli import main

from .test_submit import CLEAN, SERVERLESS, TABLE, Told, sent

GOES_ON = [{"State": "RUNNING"}] * 5 + [{"State": "COMPLETED"}]
ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
WHERE = {"emr": ("CancelSteps", "DescribeStep"), "emr-serverless": ("CancelJobRun", "GetJobRun")}


@pytest.fixture
def ended(project, emr, monkeypatch, capsys):
    """The command with a signal to this process while it waits: its exit code, and what it said."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDS}  # nohup has them ignored
    monkeypatch.setattr("lakemill.signals._spark", lambda: None)  # it may run for another test of this process
    monkeypatch.setattr("lakemill.submit.wait.SHORTEST", 0.05)
    monkeypatch.setattr("lakemill.submit.wait.LONGEST", 0.05)

    def run(number, environment="emr"):
        asked = WHERE[environment][1]

        def send():
            while not emr.count(asked):
                time.sleep(0.01)
            os.kill(os.getpid(), number)

        threading.Thread(target=send, daemon=True).start()
        code = main(["run", TABLE, "--env", environment], project)
        return code, capsys.readouterr().err

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("environment", WHERE)
@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
def test_a_signal_cancels_the_run(ended, emr, lives, number, environment):
    """Ctrl-C then waits for the end; whoever sends another signal would not let it."""
    lives.append([{"State": "RUNNING"}])
    code, said = ended(number, environment)
    assert code == ENDS[number]
    assert emr.count(WHERE[environment][0]) == 1
    assert "cancelling" in said
    last = said.strip().splitlines()[-1]
    if number == signal.SIGINT:
        assert "CANCELLED" in last
    else:
        assert "The run may still be under way; the same command again finds it" in last


@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
def test_a_cancel_that_emr_refuses_is_said(ended, emr, lives, number):
    """It answers 200, with a status for the step; a run that Ctrl-C could not end is waited for."""
    emr.refuses_to_cancel = "kinit of the step failed."
    lives.append(GOES_ON[:])
    code, said = ended(number)
    assert code == ENDS[number]
    assert "it could not be cancelled: kinit of the step failed. It goes on." in said
    assert ("COMPLETED" in said) == (number == signal.SIGINT)


def test_a_cancel_that_is_an_error_is_said(ended, emr, lives):
    emr.faults["CancelSteps"] = ["AccessDeniedException"]
    lives.append(GOES_ON[:])
    code, said = ended(signal.SIGTERM)
    assert code == 143
    assert "could not be cancelled: AWS refused CancelSteps" in said and "It goes on." in said


@pytest.mark.parametrize(("environment", "operation"), [("emr", "AddJobFlowSteps"), ("emr-serverless", "StartJobRun")])
def test_a_run_that_is_being_cancelled_is_not_joined(project, emr, lives, environment, operation):
    """It does nothing more: the same command is for a run of its own, on both services."""
    lives.extend([SERVERLESS[:] if environment == "emr-serverless" else CLEAN[:], CLEAN[:]])
    told = Told()
    first = told.run(project, environment)
    being = Life([{"State": {"emr": "CANCEL_PENDING"}.get(environment, "CANCELLING")}])
    for known in (*emr.runs.values(), *(step for steps in emr.steps.values() for step in steps)):
        known["life"] = being
    second = told.run(project, environment)
    assert second.state.done and second.place != first.place
    assert len(sent(emr, operation)) == 2
