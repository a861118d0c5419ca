"""A fake EMR and EMR Serverless on loopback: boto3 talks to it as to AWS, and what it is given begins and ends as told.

A test says how a step or a job run lives: a list of the states that are seen one after the other, or a program that
runs it. It also says which answers get lost. The shapes of requests are botocore's business, which checks them.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

Status = dict[str, Any]
"""A State, and for EMR a StateChangeReason or FailureDetails, for EMR Serverless stateDetails."""
RELEASES = {
    "emr-spark-8.0.0": {"Spark": "4.0.2-amzn-0", "Delta": "4.0.0-amzn-1-spark"},
    "emr-7.13.0": {"Spark": "3.5.6-amzn-2", "Delta": "3.3.2-amzn-1"},
}
WITH_DELTA = [{"Classification": "delta-defaults", "Properties": {"delta.enabled": "true"}}]
OVER = {"COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED", "SUCCESS"}


class Refusal(Exception):
    """An error that AWS answers with: its code, its text, and the status."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        self.code, self.text, self.status = code, text, status


class Life:
    """How one step or job run goes: each look at it sees the next of these states, the last one for ever."""

    def __init__(self, states: list[Status]) -> None:
        self.states = states

    def look(self) -> Status:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def cancel(self) -> None:
        self.states = [{"State": "CANCELLING"}, {"State": "CANCELLED"}]


class Work(Life):
    """A step or job run that a program really does, in a thread of its own."""

    def __init__(self, program: Callable[[], str | None]) -> None:
        super().__init__([{"State": "RUNNING"}])
        threading.Thread(target=self._do, args=[program], daemon=True).start()

    def _do(self, program: Callable[[], str | None]) -> None:
        try:
            wrong = program()
        except Exception as error:
            wrong = repr(error)
        # EMR Serverless tells the last lines of what was said; EMR knows no more than that spark-submit failed.
        failed = {"State": "FAILED", "FailureDetails": {"Reason": "Unknown Error."}, "stateDetails": wrong}
        self.states = [failed if wrong else {"State": "COMPLETED"}]


class FakeEmr:
    """`begins` is asked for the life of each step (a StepConfig) or job run (a StartJobRun request) that is made."""

    def __init__(self, begins: Callable[[dict[str, Any]], Life]) -> None:
        self._lock = threading.RLock()
        self.forget(begins)

    def forget(self, begins: Callable[[dict[str, Any]], Life]) -> None:
        """Begin anew, at the same address."""
        self.begins = begins
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.faults: dict[str, list[str]] = {}
        """By operation, what befalls its next calls: "lost" (done, but never answered), or an error's code."""
        self.refuses_to_cancel: str | None = None
        """Why it cancels no step. EMR says so step by step, in an answer that is none of an error."""
        self.clusters: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, list[dict[str, Any]]] = {}
        self.applications: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def __enter__(self) -> "FakeEmr":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.asked)

    def add_cluster(self, tags: dict[str, str] | None = None, **said: Any) -> str:
        name = f"j-{next(self._numbers):013d}"
        self.clusters[name] = {
            "Id": name,
            "Name": "shared",
            "ReleaseLabel": "emr-spark-8.0.0",
            "Status": {"State": "WAITING", "StateChangeReason": {"Message": "Cluster ready to run steps."}},
            "Configurations": WITH_DELTA,
            "LogUri": "s3n://cluster-logs/",
            "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        } | said
        self.steps[name] = []
        return name

    def add_application(self, name: str, **said: Any) -> str:
        self.applications[name] = {
            "applicationId": name,
            "releaseLabel": "emr-spark-8.0.0",
            "state": "STOPPED",
            "autoStartConfiguration": {"enabled": True},
        } | said
        return name

    def answer(self, operation: str, said: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.asked.append((operation, said))
            return dict(getattr(self, f"_{re.sub(r'(?<!^)(?=[A-Z])', '_', operation).lower()}")(said))

    # EMR.

    def _list_release_labels(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"ReleaseLabels": list(RELEASES)}

    def _describe_release_label(self, said: dict[str, Any]) -> dict[str, Any]:
        release = said["ReleaseLabel"]
        if release not in RELEASES:
            raise Refusal("ValidationException", f"The release label {release} is invalid.")
        apps = [{"Name": name, "Version": version} for name, version in RELEASES[release].items()]
        return {"ReleaseLabel": release, "Applications": apps}

    def _list_clusters(self, said: dict[str, Any]) -> dict[str, Any]:
        """A cluster a page, so that whoever reads only the first sees it."""
        found = [each for each in self.clusters.values() if each["Status"]["State"] in said["ClusterStates"]]
        at = int(said.get("Marker", 0))
        page = [{key: each[key] for key in ("Id", "Name", "Status")} for each in found[at : at + 1]]
        return {"Clusters": page} | ({"Marker": str(at + 1)} if at + 1 < len(found) else {})

    def _cluster(self, name: str) -> dict[str, Any]:
        if name not in self.clusters:
            raise Refusal("InvalidRequestException", f"Cluster id '{name}' is not valid.")
        return self.clusters[name]

    def _describe_cluster(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"Cluster": self._cluster(said["ClusterId"])}

    def _run_job_flow(self, said: dict[str, Any]) -> dict[str, Any]:
        starting = {"State": "STARTING", "StateChangeReason": {"Message": "Configuring cluster software"}}
        kept = {key: said[key] for key in ("Name", "ReleaseLabel", "Configurations", "LogUri", "Tags")}
        name = self.add_cluster(**kept, Status=starting)
        self._add(name, said["Steps"])
        return {"JobFlowId": name}

    def _terminate_job_flows(self, said: dict[str, Any]) -> dict[str, Any]:
        for name in said["JobFlowIds"]:
            reason = {"Code": "USER_REQUEST", "Message": "Terminated by user request"}
            self.clusters[name]["Status"] = {"State": "TERMINATED", "StateChangeReason": reason}
            for step in self.steps[name]:
                step["life"].states = [{"State": "CANCELLED"}]
        return {}

    def _add_job_flow_steps(self, said: dict[str, Any]) -> dict[str, Any]:
        self._cluster(said["JobFlowId"])
        return {"StepIds": self._add(said["JobFlowId"], said["Steps"])}

    def _add(self, cluster: str, steps: list[dict[str, Any]]) -> list[str]:
        names = [f"s-{next(self._numbers):013d}" for _ in steps]
        for name, step in zip(names, steps, strict=True):
            self.steps[cluster].insert(0, {"Id": name, "Name": step["Name"], "life": self.begins(step)})
        return names

    def _list_steps(self, said: dict[str, Any]) -> dict[str, Any]:
        steps = [
            {"Id": step["Id"], "Name": step["Name"], "Status": step["life"].states[0]}
            for step in self.steps[said["ClusterId"]]
        ]
        return {"Steps": steps}

    def _describe_step(self, said: dict[str, Any]) -> dict[str, Any]:
        (step,) = [each for each in self.steps[said["ClusterId"]] if each["Id"] == said["StepId"]]
        return {"Step": {"Id": step["Id"], "Name": step["Name"], "Status": step["life"].look()}}

    def _cancel_steps(self, said: dict[str, Any]) -> dict[str, Any]:
        status = {"Status": "FAILED", "Reason": self.refuses_to_cancel} if self.refuses_to_cancel else {}
        for step in self.steps[said["ClusterId"]]:
            if step["Id"] in said["StepIds"] and not status:
                step["life"].cancel()
                step["life"].states[0] = {"State": "CANCEL_PENDING"}
        return {"CancelStepsInfoList": [{"StepId": name, "Status": "SUBMITTED"} | status for name in said["StepIds"]]}

    # EMR Serverless.

    def _get_application(self, said: dict[str, Any]) -> dict[str, Any]:
        name = said["applicationId"]
        if name not in self.applications:
            raise Refusal("ResourceNotFoundException", f"Application {name} does not exist", 404)
        return {"application": self.applications[name]}

    def _start_job_run(self, said: dict[str, Any]) -> dict[str, Any]:
        """A token starts one run."""
        name = next((run["id"] for run in self.runs.values() if run["token"] == said["clientToken"]), None)
        if name is None:
            number = next(self._numbers)
            name = f"00r{number:013d}"
            made = {"id": name, "name": said["name"], "createdAt": 1_700_000_000 + number}
            self.runs[name] = made | {"token": said["clientToken"], "life": self.begins(said)}
        return {"applicationId": said["applicationId"], "jobRunId": name, "arn": "arn:aws:emr-serverless:::run"}

    def _list_job_runs(self, said: dict[str, Any]) -> dict[str, Any]:
        """A run a page, newest first."""
        runs, at = list(self.runs.values())[::-1], int(said.get("nextToken", 0))
        page = [
            {"id": run["id"], "name": run["name"], "createdAt": run["createdAt"]} | _serverless(run["life"].states[0])
            for run in runs[at : at + 1]
        ]
        return {"jobRuns": page} | ({"nextToken": str(at + 1)} if at + 1 < len(runs) else {})

    def _get_job_run(self, said: dict[str, Any]) -> dict[str, Any]:
        run = self.runs[said["jobRunId"]]
        return {"jobRun": {"jobRunId": run["id"]} | _serverless(run["life"].look())}

    def _cancel_job_run(self, said: dict[str, Any]) -> dict[str, Any]:
        self.runs[said["jobRunId"]]["life"].cancel()
        return {"jobRunId": said["jobRunId"]}

    # HTTP.

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                operation, said = _operation(self.command, self.path, dict(self.headers), body)
                fault = (fake.faults.get(operation) or [""]).pop(0)
                try:
                    if fault and fault != "lost":
                        raise Refusal(fault, f"{fault} for a test", 500 if "Internal" in fault else 400)
                    answer, status, kind = fake.answer(operation, said), 200, ""
                except Refusal as refusal:
                    answer, status, kind = {"message": refusal.text}, refusal.status, refusal.code
                if fault == "lost":
                    self.close_connection = True
                    self.connection.close()
                    return
                self._send(answer, status, kind)

            do_GET = do_DELETE = do_POST

            def _send(self, answer: dict[str, Any], status: int, kind: str) -> None:
                body = json.dumps(answer | ({"__type": kind} if kind else {})).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if kind:
                    self.send_header("x-amzn-errortype", kind)
                self.end_headers()
                self.wfile.write(body)

        return Handler


def _serverless(status: Status) -> dict[str, Any]:
    """A state as EMR Serverless says it."""
    name = {"COMPLETED": "SUCCESS"}.get(status["State"], status["State"])
    return {"state": name, "stateDetails": status.get("stateDetails", "")}


def _operation(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and what it was asked with, of either service's protocol."""
    if "X-Amz-Target" in headers:
        return headers["X-Amz-Target"].split(".")[1], json.loads(body)
    path, _, query = path.partition("?")
    _, _, application, *rest = path.split("/")
    named = {"applicationId": application} | dict(pair.split("=") for pair in query.split("&") if pair)
    if not rest:
        return "GetApplication", named
    if len(rest) == 1:
        return ("StartJobRun", named | json.loads(body)) if method == "POST" else ("ListJobRuns", named)
    named["jobRunId"] = rest[1]
    return {"GET": "GetJobRun", "DELETE": "CancelJobRun"}[method], named


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)
