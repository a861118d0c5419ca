"""Submitting a run, from conf to its end: package, check, upload, start or find, wait."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lakemill.conf import Conf
from lakemill.errors import UsageError
from lakemill.submit.aws import ERRORS, Aws, Call, code, words
from lakemill.submit.checks import check
from lakemill.submit.emr import start_step
from lakemill.submit.limits import check_limits
from lakemill.submit.package import package
from lakemill.submit.requests import Asked, as_json, requests, uploads
from lakemill.submit.serverless import start_job_run
from lakemill.submit.settings import EMR, read_settings
from lakemill.submit.wait import Running, State, wait

THERE_ALREADY = ("PreconditionFailed", "412", "ConditionalRequestConflict")


@dataclass(frozen=True)
class Ended:
    """A submitted run that is over: its id, where it was, how it ended and where its logs are.

    interrupted: Ctrl-C asked for its end.
    """

    run_id: str
    place: str
    state: State
    logs: str
    seconds: float
    interrupted: bool


def ask(conf: Conf, environment: str, tables: Sequence[str], policy: str) -> Asked:
    """What is to be run where; packages the project. Raises UsageError where conf does not say enough."""
    settings = read_settings(conf, environment)
    artifact = package(conf)
    for table in tables:
        if table not in artifact.tables:
            raise UsageError(f"{table}: its job file {conf.jobs}/{table.replace('.', '/')}.py is not in the zip.")
    asked = Asked(settings, tuple(tables), policy, artifact)
    check_limits(asked)
    return asked


def dry_run(asked: Asked) -> list[dict[str, Any]]:
    """The exact requests that would be sent to change anything; sends none."""
    return as_json(requests(asked))


def submit(
    asked: Asked,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Ended:
    """Run it there and wait for its end; raises LakemillError where it could not be started."""
    began, aws = time.monotonic(), Aws(asked.settings.region)
    check(aws, asked.settings)
    for call in uploads(asked):
        _upload(aws, call, say)
    running = _start(aws, asked, say, sleep)
    say(f"run {asked.run_id}: {running.place}; logs will be at {running.logs}")
    end = wait(running, say, sleep)
    seconds = round(time.monotonic() - began, 3)
    return Ended(asked.run_id, running.place, end.state, running.logs, seconds, end.interrupted)


def _start(aws: Aws, asked: Asked, say: Callable[[str], None], sleep: Callable[[float], None]) -> Running:
    if asked.settings.environment == EMR:
        return start_step(aws, asked, say, sleep)
    return start_job_run(aws, asked, say)


def _upload(aws: Aws, call: Call, say: Callable[[str], None]) -> None:
    """Once: a key holds its content's sha256, so what is there is the same."""
    place = {key: call.parameters[key] for key in ("Bucket", "Key", "ExpectedBucketOwner")}
    uri = f"s3://{place['Bucket']}/{place['Key']}"
    try:
        aws.do(Call("s3", "head_object", place))
    except ERRORS as error:
        if code(error) not in ("404", "NoSuchKey", "403"):
            raise words(error, uri) from None
    else:
        return
    try:
        aws.do(call)
        say(f"uploaded {uri}")
    except ERRORS as error:
        if code(error) not in THERE_ALREADY:
            raise words(error, uri) from None
