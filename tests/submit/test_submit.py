"""From `lakemill run --env` to its end: what is sent, once, and what comes of it. S3, IAM and STS are moto's."""

import hashlib
import json
import re

import pytest

from lakemill.cli import main
from lakemill.conf import load_conf
from lakemill.errors import LakemillError
from lakemill.submit.package import package
from lakemill.submit.submit import ask, dry_run, submit

from .conftest import PLACES, SUBMIT, write

NEW = "  cluster:\n    new: {service_role: run, instance_profile: nodes, primary: m7g.xlarge, core: m7g.xlarge}\n"
CLEAN = [{"State": "PENDING"}, {"State": "RUNNING"}, {"State": "COMPLETED"}]
TABLE = "gold.daily_sales"


class Told(list):
    """What was said while a run was submitted and followed; it takes no time."""

    def run(self, project, environment, tables=(TABLE,), policy="auto"):
        asked, sleeps = ask(load_conf(project, environment), environment, tables, policy), iter(range(1, 50))
        return submit(asked, self.append, sleep=lambda seconds: None if next(sleeps, None) else self.forever())

    def forever(self):
        pytest.fail(f"it waits for ever: {self}")


@pytest.fixture
def told():
    return Told()


def steps(emr):
    return [step for steps in emr.steps.values() for step in steps]


def sent(emr, operation):
    return [said for name, said in emr.asked if name == operation]


def objects(aws, bucket="code"):
    return [found["Key"] for found in aws("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


# A step on a cluster that is there.


def test_a_step_is_uploaded_added_and_followed(project, emr, aws, lives, told):
    lives.append(CLEAN[:])
    ended = told.run(project, "emr")
    assert ended.state.done and ended.state.name == "COMPLETED"
    assert ended.logs == f"s3://cluster-logs/{next(iter(emr.clusters))}/"
    (asked,) = sent(emr, "AddJobFlowSteps")
    (step,) = asked["Steps"]
    arguments = step["HadoopJarStep"]["Args"]
    assert arguments[:3] == ["spark-submit", "--deploy-mode", "cluster"]
    zipped = arguments[arguments.index("--py-files") + 1]
    uploaded = objects(aws)
    assert sorted(f"s3://code/{key}" for key in uploaded) == sorted([zipped, zipped.replace("lakemill.zip", "main.py")])
    sha256 = zipped.split("/")[-2]
    body = aws("s3").get_object(Bucket="code", Key=f"programs/{sha256}/lakemill.zip")["Body"].read()
    assert hashlib.sha256(body).hexdigest() == sha256 == package(load_conf(project)).sha256
    assert arguments[arguments.index(zipped.replace("lakemill.zip", "main.py")) :][1:] == [
        *["--env", "emr", "--policy", "auto", "--run-id", ended.run_id, TABLE]
    ]
    assert [said.split(": ")[1] for said in told if said.startswith("step")] == [
        "PENDING (cluster WAITING",
        "RUNNING",
        "COMPLETED",
    ]


def test_a_cluster_without_a_place_for_logs(project, emr, lives, told):
    next(iter(emr.clusters.values())).pop("LogUri")
    lives.append(CLEAN[:])
    assert told.run(project, "emr").logs == "the cluster's own disks, for it was made without a place for logs"


def test_an_upload_that_is_refused_is_named(project, aws, emr, told, monkeypatch):
    monkeypatch.setattr("lakemill.submit.submit.check", lambda *_: None)
    aws("s3").delete_bucket(Bucket="code")
    with pytest.raises(LakemillError, match="s3://code/programs/.*/lakemill.zip: AWS refused PutObject"):
        told.run(project, "emr")
    assert not steps(emr)


def test_confs_are_arguments_of_their_own(project, emr, lives, told):
    lives.append(CLEAN[:])
    spark = "spark: {spark.a: \"one 'two' three\", spark.b: true}\n"
    write(project, "emr", PLACES + SUBMIT + "  cluster: {tags: {team: sales}}\n" + spark)
    told.run(project, "emr")
    arguments = sent(emr, "AddJobFlowSteps")[0]["Steps"][0]["HadoopJarStep"]["Args"]
    assert [arguments[at + 1] for at, word in enumerate(arguments) if word == "--conf"] == [
        "spark.a=one 'two' three",
        "spark.b=true",
        "spark.yarn.submit.waitAppCompletion=true",
    ]


def test_the_zip_is_uploaded_once(project, emr, aws, lives, told):
    lives.extend([CLEAN[:], CLEAN[:]])
    told.run(project, "emr")
    told.run(project, "emr")
    assert sum("uploaded" in said for said in told) == len(objects(aws)) == 2


def test_the_same_run_under_way_is_joined(project, emr, lives, told):
    lives.append([{"State": "RUNNING"}, {"State": "RUNNING"}, {"State": "COMPLETED"}])
    emr.answer("AddJobFlowSteps", _step_request(project, emr))
    assert told.run(project, "emr").state.done
    assert len(steps(emr)) == 1
    assert any("under way already" in said for said in told)


def _step_request(project, emr):
    """The request of somebody who asked for the same before."""
    asked = ask(load_conf(project, "emr"), "emr", [TABLE], "auto")
    (request,) = [each for each in dry_run(asked) if each["operation"] == "add_job_flow_steps"]
    return request["parameters"] | {"JobFlowId": next(iter(emr.clusters))}


def test_a_run_that_is_over_is_run_anew(project, emr, lives, told):
    lives.extend([[{"State": "FAILED"}], CLEAN[:]])
    first, second = told.run(project, "emr"), told.run(project, "emr")
    assert first.run_id == second.run_id
    assert not first.state.done and second.state.done
    assert len(steps(emr)) == 2


def test_another_table_policy_or_conf_is_another_run(project, emr, lives, told):
    lives.extend([CLEAN[:] for _ in range(4)])
    ids = [told.run(project, "emr").run_id, told.run(project, "emr", ["silver.sales"]).run_id]
    ids.append(told.run(project, "emr", policy="rebuild").run_id)
    write(project, "emr", (project / "conf" / "emr.yaml").read_text() + "spark: {spark.x: 1}\n")
    ids.append(told.run(project, "emr").run_id)
    assert len(set(ids)) == 4


def test_an_answer_that_is_lost_adds_no_second_step(project, emr, lives, told):
    lives.append([{"State": "PENDING"}, *CLEAN])
    emr.faults["AddJobFlowSteps"] = ["lost"]
    assert told.run(project, "emr").state.done
    assert len(steps(emr)) == emr.count("AddJobFlowSteps") == 1


@pytest.mark.parametrize("state", ["COMPLETED", "FAILED"])
def test_not_even_where_it_is_over_by_then(project, emr, lives, told, state):
    lives.append([{"State": state}])
    emr.faults["AddJobFlowSteps"] = ["lost"]
    assert told.run(project, "emr").state.name == state
    assert len(steps(emr)) == 1


def test_an_older_run_is_not_taken_for_the_lost_one(project, emr, lives, told):
    lives.extend([*[[{"State": "FAILED"}] for _ in range(6)], [{"State": "PENDING"}, *CLEAN]])
    for _ in range(6):
        told.run(project, "emr")
    emr.faults["AddJobFlowSteps"] = ["lost"]
    assert told.run(project, "emr").state.done
    assert len(steps(emr)) == 7


def test_a_throttled_request_is_sent_again(project, emr, lives, told):
    lives.append(CLEAN[:])
    emr.faults["AddJobFlowSteps"] = ["ThrottlingException", "InternalServerError"]
    emr.faults["DescribeStep"] = ["ThrottlingException"]
    assert told.run(project, "emr").state.done
    assert len(steps(emr)) == 1


def test_a_refused_request_is_not(project, emr, told):
    emr.faults["AddJobFlowSteps"] = ["AccessDeniedException"]
    with pytest.raises(LakemillError, match="AWS refused AddJobFlowSteps: .*AccessDeniedException"):
        told.run(project, "emr")
    assert not steps(emr)


FAILURE = {
    "State": "FAILED",
    "FailureDetails": {"Reason": "Unknown Error.", "Message": "exit 1", "LogFile": "s3://logs/j/steps/s/stderr.gz"},
}


def test_the_reason_of_a_failure(project, emr, lives, told):
    lives.append([{"State": "RUNNING"}, FAILURE])
    ended = told.run(project, "emr")
    assert not ended.state.done
    assert ended.state.reason == "Unknown Error.; exit 1; log: s3://logs/j/steps/s/stderr.gz"


def test_a_cluster_that_dies_ends_its_steps(project, emr, lives, told):
    """The step is PENDING for ever; the reason is the cluster's."""
    cluster = next(iter(emr.clusters.values()))
    lives.append([{"State": "PENDING"}])
    begins = emr.begins

    def dies(step):
        reason = {"Code": "INTERNAL_ERROR", "Message": "Failed to provision ec2 instances"}
        cluster["Status"] = {"State": "TERMINATED_WITH_ERRORS", "StateChangeReason": reason}
        return begins(step)

    emr.begins = dies
    ended = told.run(project, "emr")
    assert not ended.state.done
    assert "Failed to provision ec2 instances" in ended.state.reason


def test_ctrl_c_cancels_the_step(project, emr, lives):
    lives.append([{"State": "RUNNING"}])
    asked = ask(load_conf(project, "emr"), "emr", [TABLE], "auto")
    pressed = []

    def sleep(seconds):
        if not pressed:
            pressed.append(True)
            raise KeyboardInterrupt

    ended = submit(asked, lambda said: None, sleep)
    assert ended.state.name == "CANCELLED" and not ended.state.done
    assert sent(emr, "CancelSteps") == [{"ClusterId": next(iter(emr.clusters)), "StepIds": [steps(emr)[0]["Id"]]}]


# A step on a cluster of its own.


@pytest.fixture
def new(project, aws):
    """The project makes a cluster for each run."""
    aws("iam").create_instance_profile(InstanceProfileName="nodes")
    write(project, "emr", PLACES + SUBMIT + "  tags: {project: shop}\n" + NEW)


def test_a_cluster_is_made_for_the_run_and_ends_with_it(project, emr, lives, told, new):
    lives.append(CLEAN[:])
    assert told.run(project, "emr").state.done
    (made,) = sent(emr, "RunJobFlow")
    assert made["Instances"]["KeepJobFlowAliveWhenNoSteps"] is False
    assert made["Steps"][0]["ActionOnFailure"] == "TERMINATE_CLUSTER"
    assert {"Key": "project", "Value": "shop"} in made["Tags"]
    assert made["Configurations"] == [{"Classification": "delta-defaults", "Properties": {"delta.enabled": "true"}}]
    assert any("Configuring cluster software" in said for said in told)


def test_a_lost_answer_makes_no_second_cluster(project, emr, lives, told, new):
    lives.append(CLEAN[:])
    emr.faults["RunJobFlow"] = ["lost"]
    assert told.run(project, "emr").state.done
    assert emr.count("RunJobFlow") == 1 and len(emr.clusters) == 2


def test_its_cluster_under_way_is_joined(project, emr, lives, told, new):
    lives.append([{"State": "RUNNING"}, *CLEAN])
    (request,) = [
        each
        for each in dry_run(ask(load_conf(project, "emr"), "emr", [TABLE], "auto"))
        if each["operation"] == "run_job_flow"
    ]
    emr.answer("RunJobFlow", request["parameters"])
    assert told.run(project, "emr").state.done
    assert len(emr.clusters) == 2


def test_a_cluster_whose_run_is_over_is_not_joined(project, emr, lives, told, new):
    """It takes minutes to end after its step: who asks again then has new data and wants a run, not the old end."""
    lives.extend([CLEAN[:], CLEAN[:]])
    first, second = told.run(project, "emr"), told.run(project, "emr")
    assert second.state.done and first.place != second.place
    assert emr.count("RunJobFlow") == 2


def test_a_lost_answer_is_not_taken_for_the_cluster_before(project, emr, lives, told, new):
    lives.extend([CLEAN[:], CLEAN[:]])
    first = told.run(project, "emr")
    emr.faults["RunJobFlow"] = ["lost"]
    assert told.run(project, "emr").place != first.place
    assert emr.count("RunJobFlow") == 2


def test_ctrl_c_ends_the_cluster(project, emr, lives, new):
    lives.append([{"State": "PENDING"}])
    pressed = []

    def sleep(seconds):
        if not pressed:
            pressed.append(True)
            raise KeyboardInterrupt

    asked = ask(load_conf(project, "emr"), "emr", [TABLE], "auto")
    ended = submit(asked, lambda said: None, sleep)
    assert ended.state.name == "CANCELLED"
    assert emr.count("TerminateJobFlows") == 1 and emr.count("CancelSteps") == 0


# A job run on EMR Serverless.

SERVERLESS = [{"State": "SUBMITTED"}, {"State": "QUEUED", "stateDetails": "at capacity"}, *CLEAN[1:]]


def test_a_job_run(project, emr, lives, told):
    lives.append(SERVERLESS[:])
    ended = told.run(project, "emr-serverless")
    assert ended.state.done and ended.state.name == "SUCCESS"
    (asked,) = sent(emr, "StartJobRun")
    assert asked["clientToken"] == f"{ended.run_id}-first"
    assert asked["executionTimeoutMinutes"] == 0
    driver = asked["jobDriver"]["sparkSubmit"]
    assert driver["sparkSubmitParameters"].startswith("--py-files s3://code/programs/")
    (defaults,) = asked["configurationOverrides"]["applicationConfiguration"]
    assert "delta-spark.jar" in defaults["properties"]["spark.jars"]
    assert any(said.endswith("QUEUED (at capacity)") for said in told)


def test_its_token_is_the_same_until_it_is_over(project, emr, lives, told):
    lives.extend([[*CLEAN[:2], {"State": "FAILED", "stateDetails": "no memory"}], CLEAN[:], CLEAN[:]])
    first, second = told.run(project, "emr-serverless"), told.run(project, "emr-serverless")
    assert (first.state.name, first.state.reason) == ("FAILED", "no memory")
    assert second.state.done and first.place != second.place
    assert told.run(project, "emr-serverless").place not in (first.place, second.place)
    tokens = [said["clientToken"] for said in sent(emr, "StartJobRun")]
    assert len(set(tokens)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", token) for token in tokens)


def test_a_lost_answer_starts_no_second_run(project, emr, lives, told):
    lives.append(CLEAN[:])
    emr.faults["StartJobRun"] = ["lost"]
    assert told.run(project, "emr-serverless").state.done
    assert len(emr.runs) == 1 and emr.count("StartJobRun") == 2


def test_a_job_run_under_way_is_joined(project, emr, lives, told):
    lives.append([{"State": "RUNNING"}, *CLEAN])
    (request,) = [
        each["parameters"]
        for each in dry_run(ask(load_conf(project, "emr-serverless"), "emr-serverless", [TABLE], "auto"))
        if each["operation"] == "start_job_run"
    ]
    emr.answer("StartJobRun", request)
    assert told.run(project, "emr-serverless").state.done
    assert len(emr.runs) == 1


def test_ctrl_c_cancels_the_job_run(project, emr, lives):
    lives.append([{"State": "RUNNING"}])
    pressed = []

    def sleep(seconds):
        if not pressed:
            pressed.append(True)
            raise KeyboardInterrupt

    asked = ask(load_conf(project, "emr-serverless"), "emr-serverless", [TABLE], "auto")
    assert submit(asked, lambda said: None, sleep).state.name == "CANCELLED"


# The command.


def test_the_command_line(project, emr, lives, capsys):
    lives.append([{"State": "COMPLETED"}])
    assert main(["run", TABLE, "--env", "emr", "--json"], project) == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert said["state"] == "COMPLETED" and said["where"].startswith("step s-")
    lives.append([FAILURE])
    assert main(["run", TABLE, "--env", "emr"], project) == 1
    assert "exit 1; log: s3://logs" in capsys.readouterr().err


@pytest.mark.parametrize("environment", ["emr", "emr-serverless"])
def test_a_dry_run_sends_nothing_and_says_what_a_run_sends(project, emr, aws, lives, told, capsys, environment):
    assert main(["run", TABLE, "--env", environment, "--dry-run"], project) == 0
    said = json.loads(capsys.readouterr().out)
    assert not emr.asked and not objects(aws)
    assert sorted(each.name for each in project.iterdir()) == ["conf", "jobs"]
    lives.append(CLEAN[:])
    told.run(project, environment)
    operation = {"emr": "AddJobFlowSteps", "emr-serverless": "StartJobRun"}[environment]
    last = said[-1]["parameters"]
    assert re.sub(r"_(.)", lambda found: found[1].upper(), f"_{said[-1]['operation']}") == operation
    (real,) = sent(emr, operation)
    if environment == "emr":
        assert last.pop("JobFlowId") == "(the id of the cluster with the tags lakemill=shop)"
        real = {key: value for key, value in real.items() if key != "JobFlowId"}
    assert last == real
    assert sorted(f"{each['parameters']['Key']}" for each in said[:-1]) == sorted(objects(aws))


def test_a_dry_run_needs_no_credentials(project, monkeypatch, capsys):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert main(["run", "--env", "emr", "--dry-run"], project) == 0
    assert "bronze.households" in capsys.readouterr().out


def test_a_local_run_has_nothing_to_show(project, capsys):
    assert main(["run", TABLE, "--dry-run"], project) == 2
    assert "--env local sends nothing" in capsys.readouterr().err
