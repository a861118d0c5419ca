"""EMR: a step on a cluster that is found by its id or tags, or on one of its own; added once, however often asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lakemill.errors import LakemillError, UsageError
from lakemill.submit.aws import Aws, Call, once
from lakemill.submit.requests import Asked, add_step, new_cluster
from lakemill.submit.settings import Settings
from lakemill.submit.wait import State

ACTIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
WAITS = ["PENDING", "RUNNING"]
OVER = ("COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED")


@dataclass(frozen=True)
class Step:
    """A step. alone: the cluster is there for it alone, and ends with it."""

    aws: Aws
    cluster: str
    step: str
    alone: bool
    logs: str

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return f"step {self.step} of cluster {self.cluster}"

    def state(self) -> State:
        """The step's state; while it waits, or where the cluster ended under it, also the cluster's."""
        call = Call("emr", "describe_step", {"ClusterId": self.cluster, "StepId": self.step})
        status = self.aws.do(call)["Step"]["Status"]
        name = status["State"]
        if name == "COMPLETED":
            return State(name, over=True, done=True)
        cluster = self.aws.do(Call("emr", "describe_cluster", {"ClusterId": self.cluster}))["Cluster"]["Status"]
        ended = cluster["State"] in ENDED
        reasons = _failure(status) + (_cluster_says(cluster) if ended or name not in ("RUNNING", *OVER) else [])
        return State(name, "; ".join(dict.fromkeys(reasons)), over=ended or name in OVER)

    def cancel(self) -> str | None:
        """End the step, or the cluster that is there for it alone.

        EMR answers with a status for each step: that the request was taken does not say that a step will be cancelled.
        """
        if self.alone:
            self.aws.do(Call("emr", "terminate_job_flows", {"JobFlowIds": [self.cluster]}))
            return None
        call = Call("emr", "cancel_steps", {"ClusterId": self.cluster, "StepIds": [self.step]})
        answers = self.aws.do(call).get("CancelStepsInfoList", [])
        refused = [answer for answer in answers if answer.get("Status") == "FAILED"]
        return " ".join(answer.get("Reason") or "EMR does not say why." for answer in refused) or None


def _failure(status: dict[str, Any]) -> list[str]:
    """Why a step failed, as far as EMR says."""
    details = status.get("FailureDetails") or {}
    reasons = [details.get("Reason"), details.get("Message"), (status.get("StateChangeReason") or {}).get("Message")]
    log = [f"log: {details['LogFile']}"] if details.get("LogFile") else []
    return [reason for reason in reasons if reason] + log


def _cluster_says(status: dict[str, Any]) -> list[str]:
    """How the cluster is, which a step that waits depends on."""
    message = (status.get("StateChangeReason") or {}).get("Message")
    return [f"cluster {status['State']}" + (f": {message}" if message else "")]


def start_step(aws: Aws, asked: Asked, say: Callable[[str], None], sleep: Callable[[float], None]) -> Step:
    """The step that does what was asked: the one that is under way already, or a new one."""
    if asked.settings.new_cluster:
        return _on_a_new_cluster(aws, asked, say, sleep)
    cluster = find_cluster(aws, asked.settings)
    logs = _logs(cluster.get("LogUri"), cluster["Id"])
    known = _steps(aws, cluster["Id"], asked)
    waiting = [step for step, state in known.items() if state in WAITS]
    if waiting:
        say(f"the same run is under way already: step {waiting[0]} of cluster {cluster['Id']}")
        return Step(aws, cluster["Id"], waiting[0], False, logs)

    def added() -> str:
        return str(aws.do(add_step(asked, cluster["Id"]), again=False)["StepIds"][0])

    def listed() -> str | None:
        return next(iter(set(_steps(aws, cluster["Id"], asked)) - set(known)), None)

    return Step(aws, cluster["Id"], once(added, listed, sleep), False, logs)


def _on_a_new_cluster(aws: Aws, asked: Asked, say: Callable[[str], None], sleep: Callable[[float], None]) -> Step:
    settings = asked.settings
    assert settings.new_cluster
    request = new_cluster(asked, settings.new_cluster)
    known = _clusters_of_its_own(aws, asked)
    cluster = next((active for active in known if not _over(_steps(aws, active, asked))), None)
    if cluster:
        say(f"the same run is under way already: cluster {cluster}")
    else:
        cluster = once(
            lambda: str(aws.do(request, again=False)["JobFlowId"]),
            lambda: next(iter(set(_clusters_of_its_own(aws, asked)) - set(known)), None),
            sleep,
        )
    return Step(aws, cluster, _its_step(aws, cluster, asked, sleep), True, _logs(settings.logs.uri, cluster))


def _its_step(aws: Aws, cluster: str, asked: Asked, sleep: Callable[[float], None]) -> str:
    """The step that a cluster was made with, which is not always listed at once."""
    for number in range(6):
        steps = _steps(aws, cluster, asked)
        if steps:
            return next(iter(steps))
        sleep(2**number)
    raise LakemillError(f"cluster {cluster}: EMR lists no step of this run; look at it there, then run again.")


def _logs(uri: str | None, cluster: str) -> str:
    """Where a cluster's logs come to lie; EMR says s3n:// for s3://, which other tools do not know."""
    if not uri:
        return "the cluster's own disks, for it was made without a place for logs"
    return f"{uri.rstrip('/').replace('s3n://', 's3://', 1)}/{cluster}/"


def _steps(aws: Aws, cluster: str, asked: Asked) -> dict[str, str]:
    """The steps with this run's id, and their states."""
    steps = aws.each("emr", "list_steps", "Steps", ClusterId=cluster)
    return {step["Id"]: step["Status"]["State"] for step in steps if step["Name"].startswith(asked.title)}


def _over(steps: dict[str, str]) -> bool:
    """Whether the step that a cluster was made with has ended: the cluster takes minutes to end after it."""
    return bool(steps) and not set(steps.values()) & set(WAITS)


def _clusters_of_its_own(aws: Aws, asked: Asked) -> list[str]:
    """The active clusters that were made for this run."""
    clusters = aws.each("emr", "list_clusters", "Clusters", ClusterStates=ACTIVE)
    return [str(cluster["Id"]) for cluster in clusters if cluster["Name"].startswith(asked.title)]


def find_cluster(aws: Aws, settings: Settings) -> dict[str, Any]:
    """The running cluster with this id, or the one with these tags; raises UsageError where there is not just one."""
    if settings.cluster:
        return describe_cluster(aws, settings.cluster)
    active = [cluster["Id"] for cluster in aws.each("emr", "list_clusters", "Clusters", ClusterStates=ACTIVE)]
    described = [describe_cluster(aws, name) for name in active]
    fitting = [cluster for cluster in described if _has(cluster, settings.cluster_tags)]
    if len(fitting) != 1:
        tags = ", ".join(f"{key}={value}" for key, value in settings.cluster_tags.items())
        these = ", ".join(f"{cluster['Id']} {cluster['Name']}" for cluster in fitting) or "none"
        raise UsageError(
            f"{settings.file}: one active cluster in {settings.region} with the tags {tags} was expected; found: "
            f"{these}. Tag one, name one by its id, or let the run make its own (`new:`); nothing was created."
        )
    return fitting[0]


def describe_cluster(aws: Aws, cluster: str) -> dict[str, Any]:
    """What EMR says of a cluster."""
    return dict(aws.ask("emr", "describe_cluster", ClusterId=cluster)["Cluster"])


def _has(cluster: dict[str, Any], tags: Any) -> bool:
    own = {tag["Key"]: tag["Value"] for tag in cluster.get("Tags", [])}
    return all(own.get(key) == value for key, value in tags.items())
