"""EMR Serverless: a job run, started under a token that is the same for the same run, so that it starts once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lakemill.submit.aws import Aws, Call, in_words
from lakemill.submit.requests import Asked, job_run
from lakemill.submit.wait import State

MOST = 50
"""Of job runs in one answer, as the service allows."""
OVER = ("SUCCESS", "FAILED", "CANCELLED")
ENDING = (*OVER, "CANCELLING")
"""A run that is being cancelled does nothing more for whoever asks for it again."""


@dataclass(frozen=True)
class JobRun:
    """A job run of an application."""

    aws: Aws
    application: str
    run: str
    logs: str

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return f"job run {self.run} of application {self.application}"

    def state(self) -> State:
        """The run's state, and what the service says of it unless it just runs."""
        answer = self.aws.do(Call("emr-serverless", "get_job_run", self._names))["jobRun"]
        reason = "" if answer["state"] in ("RUNNING", "SUCCESS") else answer.get("stateDetails") or ""
        return State(answer["state"], reason, over=answer["state"] in OVER, done=answer["state"] == "SUCCESS")

    def cancel(self) -> str | None:
        """End the run."""
        self.aws.do(Call("emr-serverless", "cancel_job_run", self._names))
        return None

    @property
    def _names(self) -> dict[str, str]:
        return {"applicationId": self.application, "jobRunId": self.run}


def start_job_run(aws: Aws, asked: Asked, say: Callable[[str], None]) -> JobRun:
    """The job run that does what was asked: the one that is under way already, or a new one.

    The token is of the run id and of the last run with it that is ending: two that ask at once, or one that asks again
    after a lost answer, get one run; whoever asks after it is over gets a new one, not the old one's end.
    """
    settings = asked.settings
    assert settings.application
    runs = _runs(aws, settings.application, asked)
    waiting = [run for run in runs if run["state"] not in ENDING]
    if waiting:
        say(f"the same run is under way already: job run {waiting[0]['id']}")
        run = str(waiting[0]["id"])
    else:
        with in_words():
            run = str(aws.do(job_run(asked, str(runs[-1]["id"]) if runs else "first"))["jobRunId"])
    logs = f"{settings.logs.uri}/applications/{settings.application}/jobs/{run}/"
    return JobRun(aws, settings.application, run, logs)


def _runs(aws: Aws, application: str, asked: Asked) -> list[dict[str, Any]]:
    """The runs with this id, oldest first."""
    runs = aws.each("emr-serverless", "list_job_runs", "jobRuns", applicationId=application, maxResults=MOST)
    ours = (run for run in runs if run.get("name", "").startswith(asked.title))
    return sorted(ours, key=lambda run: run["createdAt"])  # type: ignore[no-any-return]
