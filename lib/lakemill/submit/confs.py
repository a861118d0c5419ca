"""The confs of a project on their way to a cluster: each arrives as it does here, or is refused by its name."""

import re
from collections.abc import Iterator, Mapping

from lakemill.errors import UsageError

PY_FILES = "spark.submit.pyFiles"
WAITS = "spark.yarn.submit.waitAppCompletion"
ALWAYS = {WAITS: "true"}
"""What every step says itself, so that no default of a cluster's stands: without it a step is COMPLETED as soon as YARN
has taken the run, whatever becomes of it."""
FIXED = {
    "spark.master": (None, "the service says where a run runs"),
    "spark.app.name": (None, "a run is called by its id, by which the same command finds it again"),
    "spark.submit.deployMode": ("cluster", "the driver of a run is on the cluster"),
    "spark.local.dir": (None, "a cluster has disks of its own for it, and uses those"),
    WAITS: ("true", "with it a step would be COMPLETED before the run is over, and the command would exit with 0"),
}
"""What the run sets itself: the value that may be given (None: none), and why no other."""
ELSEWHERE = {
    "emr": ("spark.emr-serverless.", "spark.kubernetes.", "spark.mesos."),
    "emr-serverless": ("spark.yarn.", "spark.kubernetes.", "spark.mesos."),
}
"""What the service ignores, for it is about another one."""
PATHS = ("spark.jars", "spark.files", "spark.archives", "spark.yarn.dist.files", "spark.yarn.dist.archives")
SECRET = re.compile(r"secret|password|token|access\.?key", re.IGNORECASE)
CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check_confs(environment: str, file: str, confs: Mapping[str, str]) -> None:
    """Raise UsageError for the first conf that would not arrive, or that everybody could read."""
    for key, value in confs.items():
        for fault in _faults(environment, key, value):
            raise UsageError(f"{file}: {key} under spark {fault}")


def _faults(environment: str, key: str, value: str) -> Iterator[str]:
    """What is wrong with a conf, and what to do; a value that may be a secret is not told."""
    if SECRET.search(key):
        yield (
            "is a secret, and whoever may look at the run could read it. Leave it out and let the run's role have "
            "the right."
        )
    if key in FIXED and value != FIXED[key][0]:
        yield f'is "{value}", and {FIXED[key][1]}. Leave it out, or put it into conf/local.yaml.'
    if key.startswith(ELSEWHERE[environment]):
        yield f"means nothing to {environment}, which would ignore it. Put it into the conf of where it does."
    if re.search(r"[\s=]", key) or CONTROL.search(key):
        yield "has a blank or an equals sign in its name, after which spark-submit would begin its value."
    if CONTROL.search(value):
        yield "has a control character in its value, which the service does not take."
    if value and value != value.strip():
        yield "begins or ends with a blank, which Spark cuts off on a cluster. Leave the blank out."
    if key in (PY_FILES, *PATHS):
        yield from _faulty_paths(key, value)


def _faulty_paths(key: str, value: str) -> Iterator[str]:
    """A file of this machine is none of the cluster's; one that the release has is named by its whole path."""
    for path in py_files({PY_FILES: value}):
        if "://" not in path and (key == PY_FILES or not path.startswith("/")):
            yield f"names {path}, which is on this machine. Put it on S3, as s3://your-bucket/{path.split('/')[-1]}."
        if key == PY_FILES and re.search(r"[\s'\"\\]", path):
            yield f"names {path}; a place without blanks and quotes was expected."


def py_files(confs: Mapping[str, str]) -> list[str]:
    """The project's own libraries. They go beside lakemill's zip, for spark-submit forgets the conf for the option."""
    return [path for path in (part.strip() for part in confs.get(PY_FILES, "").split(",")) if path]


def sent(confs: Mapping[str, str]) -> dict[str, str]:
    """The confs that are sent as such."""
    return {key: value for key, value in confs.items() if key != PY_FILES}
