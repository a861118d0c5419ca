"""Bad input is refused in words before anything is created: nothing uploaded, no cluster, no step, no job run."""

import pytest
import submit
from fake_emr import RELEASES

from lakemill.cli import main
from lakemill.submit.aws import _client

from .conftest import ACCOUNT, APPLICATION, JARS, PLACES, SUBMIT, write

TABLE = "gold.daily_sales"
ROLE = f"  role: arn:aws:iam::{ACCOUNT}:role/nobody\n"
BY_TAG = "  cluster: {tags: {lakemill: shop}}\n"
NEW = "  cluster:\n    new: {service_role: run, instance_profile: nodes, primary: m7g.xlarge, core: m7g.xlarge}\n"
CHANGES = {"AddJobFlowSteps", "RunJobFlow", "StartJobRun"}


@pytest.fixture
def refused(project, emr, aws, capsys):
    """What the command says to the conf's text; it must have changed nothing."""

    def run(text=None, environment="emr"):
        if text is not None:
            write(project, environment, PLACES + text)
        assert main(["run", TABLE, "--env", environment], project) == 2
        assert not CHANGES & {operation for operation, _ in emr.asked}
        assert not aws("s3").list_objects_v2(Bucket="code").get("Contents")
        return capsys.readouterr().err

    return run


@pytest.fixture
def clients():
    """Clients of this test's own credentials."""
    _client.cache_clear()
    yield
    _client.cache_clear()


def test_no_credentials(refused, clients, monkeypatch):
    _client.cache_clear()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert "There are no AWS credentials" in refused()


def test_a_profile_that_is_not_there(refused, clients, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "nobody" in refused()


def test_a_login_that_is_over(refused, clients, monkeypatch, tmp_path):
    """The way most people sign in: what helps is to sign in again, not to look at the network."""
    config = tmp_path / "config"
    config.write_text(
        "[profile work]\nsso_session = w\nsso_account_id = 123456789012\nsso_role_name = dev\n"
        "[sso-session w]\nsso_region = eu-central-1\nsso_start_url = https://example.invalid/start\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "Sign in (`aws sso login`" in refused()


def test_another_account(refused):
    said = refused(SUBMIT.replace(ACCOUNT, "999988887777") + BY_TAG)
    assert f"for the account 999988887777, and the credentials are of {ACCOUNT}" in said


@pytest.mark.parametrize("place", ["s3://code/programs", "s3://logs", "s3://lake/tables", "s3://lake/landing"])
def test_a_bucket_that_is_not_there(refused, project, place):
    text = (project / "conf" / "emr.yaml").read_text()
    write(project, "emr", text.replace(place, "s3://no-such-bucket"))
    assert "conf/emr.yaml: s3://no-such-bucket: there is no such bucket" in refused()


def test_a_role_that_is_not_there(refused):
    assert f"there is no role nobody in the account {ACCOUNT}" in refused(SUBMIT + BY_TAG + ROLE)
    text = SUBMIT + APPLICATION.replace("role/run", "role/nobody") + JARS
    assert "there is no role nobody" in refused(text, "emr-serverless")


def test_roles_of_a_new_cluster_that_are_not_there(refused, aws):
    assert "there is no instance profile nodes" in refused(SUBMIT + NEW)
    aws("iam").create_instance_profile(InstanceProfileName="nodes")
    assert "there is no role service" in refused(SUBMIT + NEW.replace("service_role: run", "service_role: service"))


def test_a_release_that_is_not_there(refused):
    said = refused(SUBMIT.replace("emr-spark-8.0.0", "emr-spark-8.0.9") + BY_TAG)
    assert 'EMR has no release emr-spark-8.0.9 in eu-central-1. Did you mean "emr-spark-8.0.0"?' in said


@pytest.mark.parametrize("where", [("emr", BY_TAG), ("emr-serverless", APPLICATION + JARS)], ids=["emr", "serverless"])
def test_a_release_too_old(refused, where):
    said = refused(SUBMIT.replace("emr-spark-8.0.0", "emr-7.13.0") + where[1], where[0])
    assert "emr-7.13.0 has Spark 3.5.6-amzn-2; lakemill needs 4.0 or newer" in said


def test_a_delta_too_old(refused, monkeypatch):
    monkeypatch.setitem(RELEASES, "emr-spark-8.0.0", {"Spark": "4.0.2", "Delta": "3.3.2-amzn-1"})
    assert "emr-spark-8.0.0 has Delta 3.3.2-amzn-1; lakemill needs 4.0" in refused()


def test_a_cluster_that_is_not_there(refused):
    assert "there is no cluster j-1NOTTHERE in eu-central-1" in refused(SUBMIT + "  cluster: {id: j-1NOTTHERE}\n")


def test_a_cluster_that_is_gone(refused, emr):
    name = emr.add_cluster(Status={"State": "TERMINATED"})
    assert f"the cluster {name} is TERMINATED" in refused(SUBMIT + f"  cluster: {{id: {name}}}\n")


def test_no_cluster_with_the_tags_or_two(refused, emr):
    said = refused(SUBMIT + "  cluster: {tags: {lakemill: shop, team: nobody}}\n")
    assert "one active cluster in eu-central-1 with the tags lakemill=shop, team=nobody was expected" in said
    assert "found: none" in said
    first, second = next(iter(emr.clusters)), emr.add_cluster(tags={"lakemill": "shop"})
    emr.add_cluster(tags={"lakemill": "shop"}, Status={"State": "TERMINATED"})
    assert f"found: {first} shared, {second} shared." in refused(SUBMIT + BY_TAG)


def test_a_cluster_of_another_release(refused, emr):
    name = emr.add_cluster(ReleaseLabel="emr-7.13.0")
    said = refused(SUBMIT + f"  cluster: {{id: {name}}}\n")
    assert f"the cluster {name} has the release emr-7.13.0, and emr-spark-8.0.0 was expected" in said


def test_a_cluster_without_delta(refused, project, emr):
    name = emr.add_cluster(Configurations=[{"Classification": "spark-defaults", "Properties": {}}])
    assert f"the cluster {name} was made without Delta" in refused(SUBMIT + f"  cluster: {{id: {name}}}\n")


@pytest.mark.parametrize("key", ["spark.jars", "spark.driver.extraClassPath"])
def test_a_cluster_whose_own_confs_name_deltas_jars(project, emr, lives, key):
    lives.append([{"State": "COMPLETED"}])
    named = {"Classification": "spark-defaults", "Properties": {key: "/usr/share/aws/delta/lib/delta-spark.jar"}}
    name = emr.add_cluster(Configurations=[named])
    write(project, "emr", PLACES + SUBMIT + f"  cluster: {{id: {name}}}\n")
    assert main(["run", TABLE, "--env", "emr"], project) == 0


def test_an_application_that_is_not_there(refused):
    said = refused(SUBMIT + APPLICATION.replace("00f0000000000001", "00f9") + JARS, "emr-serverless")
    assert "there is no application 00f9 in eu-central-1" in said


@pytest.mark.parametrize(
    ("application", "says"),
    [
        ({"state": "TERMINATED"}, "is TERMINATED"),
        ({"autoStartConfiguration": {"enabled": False}}, "is STOPPED and does not start itself"),
        ({"releaseLabel": "emr-7.13.0"}, "has the release emr-7.13.0, and emr-spark-8.0.0 was expected"),
    ],
    ids=["gone", "stopped", "release"],
)
def test_an_application_that_cannot_run_it(refused, emr, application, says):
    emr.applications["00f0000000000001"] |= application
    assert f"the application 00f0000000000001 {says}" in refused(environment="emr-serverless")


def test_who_may_not_ask_is_not_refused(project, emr, aws, lives, capsys):
    """Roles and releases may be hidden from the one who submits; the services themselves then refuse."""
    lives.append([{"State": "COMPLETED"}])
    emr.faults["DescribeReleaseLabel"] = ["AccessDeniedException"]
    assert main(["run", TABLE, "--env", "emr"], project) == 0


def test_a_service_that_cannot_be_reached(project, emr, clients, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("lakemill.submit.aws.TRIES", 1)
    assert main(["run", TABLE, "--env", "emr"], project) == 1
    assert "AWS could not be asked" in capsys.readouterr().err


def test_a_file_that_is_no_job(project, tmp_path, capsys):
    other = tmp_path / "other.py"
    other.write_text("")
    for file in (other, project / "jobs" / "gold" / "nothing.py", project / "jobs" / "loose.py"):
        assert submit.command([str(file), "--env", "emr"]) == 2
    (project / "jobs" / "loose.py").write_text("")
    assert submit.command([str(project / "jobs" / "loose.py"), "--env", "emr"]) == 2
    said = capsys.readouterr().err
    assert "is in no lakemill project" in said
    assert said.count("is no job file of the project") == 3


def test_the_script_submits_a_job_file(project, emr, lives, capsys):
    lives.append([{"State": "COMPLETED"}])
    assert submit.command([str(project / "jobs" / "gold" / "daily_sales.py"), "--env", "emr"]) == 0
    (asked,) = [said for operation, said in emr.asked if operation == "AddJobFlowSteps"]
    assert asked["Steps"][0]["HadoopJarStep"]["Args"][-1] == TABLE


def test_no_table_of_that_name(project, emr, capsys):
    assert main(["run", "gold.daily_sale", "--env", "emr"], project) == 2
    assert 'Did you mean "gold.daily_sales"?' in capsys.readouterr().err
    assert not emr.asked
