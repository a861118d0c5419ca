"""The exact requests of a run: what is uploaded, the step, the cluster, the job run. Nothing here is sent."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakemill.submit.aws import Call
from lakemill.submit.confs import ALWAYS, py_files, sent
from lakemill.submit.package import Artifact
from lakemill.submit.settings import SERVERLESS, NewCluster, Settings

PROGRAM = Path(__file__).with_name("cluster.py")
LAST_NAME = 256
DELTA_ON = {"Classification": "delta-defaults", "Properties": {"delta.enabled": "true"}}


@dataclass(frozen=True)
class Asked:
    """What is to be run where: tables in their order, the policy, the zip, and the settings."""

    settings: Settings
    tables: tuple[str, ...]
    policy: str
    artifact: Artifact

    @property
    def run_id(self) -> str:
        """The same for the same tables, policy, release and artifact, which holds jobs, conf and lakemill."""
        decisive = [self.settings.environment, self.settings.release, self.tables, self.policy, self.artifact.sha256]
        return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """What the run is called at AWS; it begins with its id, by which it is found."""
        return f"{self.title} {' '.join(self.tables)}"[:LAST_NAME]

    @property
    def title(self) -> str:
        """What the names of all runs with this id begin with."""
        return f"lakemill {self.run_id}"

    def uri(self, file: str) -> str:
        """Where a file of the artifact lies."""
        return f"{self.settings.code.uri}/{self.artifact.sha256}/{file}"

    @property
    def arguments(self) -> list[str]:
        """What the program on the cluster is told."""
        told = ["--env", self.settings.environment, "--policy", self.policy, "--run-id", self.run_id]
        return [*told, *self.said_tables]

    @property
    def said_tables(self) -> list[str]:
        """The tables by name; where these are very many, a layer that is asked for as a whole as `gold.*`."""
        if sum(map(len, self.tables)) <= LONG:
            return list(self.tables)
        left = {table.split(".")[0] for table in self.artifact.tables - set(self.tables)}
        layers = {table.split(".")[0] for table in self.tables} - left
        names = [table for table in self.tables if table.split(".")[0] not in layers]
        return [*(f"{layer}.*" for layer in sorted(layers)), *names]

    @property
    def py_files(self) -> str:
        """The zip, and the project's own libraries."""
        return ",".join([self.uri(ZIP), *py_files(self.settings.spark)])


ZIP, MAIN = "lakemill.zip", "main.py"
RUN_TAG = "lakemill-run"
LONG = 2000
"""Characters of tables' names; a step has room for 10,240 of everything."""


def requests(asked: Asked) -> list[Call]:
    """All that a run sends to change anything, in its order."""
    settings = asked.settings
    if settings.environment == SERVERLESS:
        return [*uploads(asked), job_run(asked, after="first")]
    if settings.new_cluster:
        return [*uploads(asked), new_cluster(asked, settings.new_cluster)]
    tags = ", ".join(f"{key}={value}" for key, value in settings.cluster_tags.items())
    return [*uploads(asked), add_step(asked, settings.cluster or f"(the id of the cluster with the tags {tags})")]


def uploads(asked: Asked) -> list[Call]:
    """The zip and the program that begins it, to keys that hold the zip's sha256; never over what is there."""
    return [_upload(asked, ZIP, asked.artifact.content), _upload(asked, MAIN, PROGRAM.read_bytes())]


def _upload(asked: Asked, name: str, content: bytes) -> Call:
    return Call(
        "s3",
        "put_object",
        {
            "Bucket": asked.settings.code.bucket,
            "Key": asked.settings.code.key(f"{asked.artifact.sha256}/{name}"),
            "Body": content,
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            "IfNoneMatch": "*",
            "ExpectedBucketOwner": asked.settings.account,
        },
    )


def step(asked: Asked) -> dict[str, Any]:
    """spark-submit as a step; confs are arguments of their own, so that nothing in them needs quoting."""
    given = {**sent(asked.settings.spark), **ALWAYS}
    confs = [word for key, value in sorted(given.items()) for word in ("--conf", f"{key}={value}")]
    spark_submit = ["spark-submit", "--deploy-mode", "cluster", "--name", asked.name, "--py-files", asked.py_files]
    return {
        "Name": asked.name,
        "ActionOnFailure": "TERMINATE_CLUSTER" if asked.settings.new_cluster else "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": [*spark_submit, *confs, asked.uri(MAIN), *asked.arguments],
        },
    }


def add_step(asked: Asked, cluster: str) -> Call:
    """The step on a cluster that is there."""
    role = {"ExecutionRoleArn": asked.settings.role} if asked.settings.role else {}
    return Call("emr", "add_job_flow_steps", {"JobFlowId": cluster, "Steps": [step(asked)], **role})


def new_cluster(asked: Asked, new: NewCluster) -> Call:
    """The step on a cluster of its own, which ends after it."""
    settings = asked.settings
    groups = [_group("MASTER", new.primary, 1, "ON_DEMAND"), _group("CORE", new.core, new.core_count, "ON_DEMAND")]
    if new.task:
        groups.append(_group("TASK", new.task, new.task_count, "SPOT"))
    instances: dict[str, Any] = {"InstanceGroups": groups, "KeepJobFlowAliveWhenNoSteps": False}
    more = {"SecurityConfiguration": new.security_configuration, "StepExecutionRoleArn": settings.role}
    return Call(
        "emr",
        "run_job_flow",
        {
            "Name": asked.name,
            "ReleaseLabel": settings.release,
            "LogUri": f"{settings.logs.uri}/",
            "Applications": [{"Name": "Spark"}],
            "Configurations": [DELTA_ON],
            "ServiceRole": new.service_role,
            "JobFlowRole": new.instance_profile,
            "Instances": instances | ({"Ec2SubnetId": new.subnet} if new.subnet else {}),
            "Steps": [step(asked)],
            "Tags": [{"Key": key, "Value": value} for key, value in _tags(asked).items()],
            **{key: value for key, value in more.items() if value},
        },
    )


def _group(role: str, kind: str, count: int, market: str) -> dict[str, Any]:
    return {"InstanceRole": role, "InstanceType": kind, "InstanceCount": count, "Market": market}


def job_run(asked: Asked, after: str) -> Call:
    """A job run; `after`: the id of the last one with this run id, or "first". A token starts one run, ever."""
    settings = asked.settings
    return Call(
        "emr-serverless",
        "start_job_run",
        {
            "applicationId": settings.application,
            "clientToken": f"{asked.run_id}-{after}",
            "name": asked.name,
            "executionRoleArn": settings.role,
            "jobDriver": {
                "sparkSubmit": {
                    "entryPoint": asked.uri(MAIN),
                    "entryPointArguments": asked.arguments,
                    "sparkSubmitParameters": f"--py-files {asked.py_files}",
                }
            },
            "configurationOverrides": {
                "applicationConfiguration": [{"classification": "spark-defaults", "properties": sent(settings.spark)}],
                "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": f"{settings.logs.uri}/"}},
            },
            "executionTimeoutMinutes": 0,  # no limit; without it the service ends a run after 12 hours
            "tags": _tags(asked),
        },
    )


def _tags(asked: Asked) -> dict[str, str]:
    return {**asked.settings.tags, RUN_TAG: asked.run_id}


def as_json(calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The requests for a person to read; contents of files as their length."""
    return [
        {
            "service": call.service,
            "operation": call.operation,
            "parameters": {
                key: f"({len(value)} bytes)" if isinstance(value, bytes) else value
                for key, value in call.parameters.items()
            },
        }
        for call in calls
    ]
