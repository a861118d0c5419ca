"""What the services take at most. boto3 checks none of it, and a service says only that a request is not valid.

From the models of botocore, and of AWS's pages: the strings of a step are 10,240 characters together, as Java counts.
"""

import re
from collections.abc import Iterator, Mapping

from lakemill.errors import UsageError
from lakemill.submit.requests import MAIN, RUN_TAG, ZIP, Asked, job_run, step
from lakemill.submit.settings import SERVERLESS

STEP = 10_240
PROPERTIES, PROPERTY = 100, 1024
ARGUMENTS, PARAMETERS = 1024, 102_400
TAGS = {"emr": 50, SERVERLESS: 200}
TAG_KEY, TAG_VALUE = 128, 256
TAG = {"emr": re.compile(r"[\w .:/=+@-]*"), SERVERLESS: re.compile(r"[A-Za-z0-9 /_.:=+@-]*")}
OBJECT_KEY = 1024


def check_limits(asked: Asked) -> None:
    """Raise UsageError, naming the setting, for the first thing that the service would not take."""
    faults = [_tags(asked), _keys(asked), _job_run(asked) if asked.settings.environment == SERVERLESS else _step(asked)]
    for fault in (listed for some in faults for listed in some):
        raise UsageError(f"{asked.settings.file}: {fault} Nothing was sent.")


def _tags(asked: Asked) -> Iterator[str]:
    tags, environment = asked.settings.tags, asked.settings.environment
    if len(tags) >= TAGS[environment]:
        yield f"{len(tags)} tags are given; {TAGS[environment] - 1} is the most beside the run's own."
    for key, value in tags.items():
        if key == RUN_TAG or key.lower().startswith("aws:"):
            yield f'the tag "{key}" has a name that {"lakemill" if key == RUN_TAG else "AWS"} keeps for itself.'
        for text, most in ((key, TAG_KEY), (value, TAG_VALUE)):
            if _size(text) > most:
                yield f'"{text[:20]}..." of the tag "{key[:20]}" has {_size(text):,} characters; {most} is the most.'
            if not TAG[environment].fullmatch(text):
                signs = "letters" if environment == "emr" else "letters from A to Z"
                yield f'"{text}" of the tag "{key}": {signs}, digits, blanks and _.:/=+-@ were expected.'
        if not key:
            yield "a tag has no name."


def _keys(asked: Asked) -> Iterator[str]:
    key = asked.settings.code.key(f"{asked.artifact.sha256}/{max(ZIP, MAIN, key=len)}")
    if len(key.encode()) > OBJECT_KEY:
        yield f'"code" under submit has {len(asked.settings.code.prefix):,} characters; S3 takes names of {OBJECT_KEY}.'


def _step(asked: Asked) -> Iterator[str]:
    """What is too long among a step's strings."""
    jar = step(asked)["HadoopJarStep"]
    size = sum(map(_size, [jar["Jar"], *jar["Args"]]))
    if size > STEP:
        yield _too_much(asked, f"the step has {size:,} characters; EMR takes {STEP:,}.")


def _job_run(asked: Asked) -> Iterator[str]:
    """What is too much, or too long, among a job run's properties and arguments."""
    request = job_run(asked, after="first").parameters
    (defaults,) = request["configurationOverrides"]["applicationConfiguration"]
    yield from _properties(defaults["properties"])
    driver = request["jobDriver"]["sparkSubmit"]
    number = len(driver["entryPointArguments"])
    if number > ARGUMENTS:
        yield _too_much(asked, f"the run has {number:,} arguments; EMR Serverless takes {ARGUMENTS:,}.")
    if _size(driver["sparkSubmitParameters"]) > PARAMETERS:
        yield f"spark.submit.pyFiles under spark is too long; {PARAMETERS:,} characters is the most."


def _properties(confs: Mapping[str, str]) -> Iterator[str]:
    if len(confs) > PROPERTIES:
        yield f"{len(confs)} confs are under spark; EMR Serverless takes {PROPERTIES}. Set others in the application."
    for key, value in confs.items():
        if not value:
            yield f"{key} under spark is empty, which EMR Serverless does not take. Leave it out."
        if "\n" in value or "\r" in value:
            yield f"{key} under spark has several lines, which EMR Serverless does not take. Write it in one."
        for what, text in (("name", key), ("value", value)):
            if _size(text) > PROPERTY:
                yield (
                    f"{key[:60]} under spark has a {what} of {_size(text):,} characters; EMR Serverless takes "
                    f"{PROPERTY:,}. Shorten it, or set it in the application."
                )


def _too_much(asked: Asked, what: str) -> str:
    """What takes the most of it, and what to do."""
    confs = sum(_size(key) + _size(value) for key, value in asked.settings.spark.items())
    tables = sum(map(_size, asked.said_tables))
    if tables > confs:
        return f"{what} Its {len(asked.tables)} tables take {tables:,}; run whole layers, as gold.*, or fewer tables."
    return f"{what} The confs under spark take {confs:,}; set some of them on the cluster itself."


def _size(text: str) -> int:
    """How long a text is for Java."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
