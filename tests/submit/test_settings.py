"""The conf of submitting is strict, and speaks of the file and the setting."""

import re

import pytest

from lakemill.conf import load_conf
from lakemill.errors import UsageError
from lakemill.submit.settings import Place, read_settings

from .conftest import ACCOUNT, APPLICATION, CLUSTER, JARS, PLACES, ROOT, SUBMIT, write

NEW = """\
  cluster:
    new: {service_role: service, instance_profile: machines, primary: m7g.xlarge, core: m7g.xlarge, core_count: 2}
"""


RIGHT = PLACES + SUBMIT + CLUSTER


def settings(project, environment, text):
    write(project, environment, text)
    return read_settings(load_conf(project, environment), environment)


def test_the_shops_own_conf_is_right():
    for environment in ("emr", "emr-serverless"):
        found = read_settings(load_conf(ROOT, environment), environment)
        assert found.release == "emr-spark-8.0.0"
        assert found.code == Place("lakemill-example", "code")
    assert found.application and not found.new_cluster


def test_what_the_shops_conf_has_in_comments_is_right_too(project):
    """A person takes the # away."""
    text = (ROOT / "conf" / "emr.yaml").read_text()
    found = settings(project, "emr", re.sub(r"^( *)# ( *)(?=[\w.-]+:( |$))", r"\1\2", text, flags=re.M))
    assert found.new_cluster.task_count == 4 and found.new_cluster.subnet and found.new_cluster.security_configuration
    assert found.role and "glue:shop.daily_sales" in found.places
    assert found.spark["spark.sql.catalogImplementation"] == "hive"


def test_a_cluster_of_its_own(project):
    found = settings(project, "emr", PLACES + SUBMIT + NEW)
    assert found.new_cluster.core_count == 2
    assert found.new_cluster.task is None
    assert found.account == ACCOUNT
    assert found.places == ("s3://lake/tables", "s3://lake/landing")


def test_confs_of_lakemill_are_no_confs_of_spark(project):
    found = settings(project, "emr", RIGHT + "spark: {lakemill.log.level: INFO, spark.x: true}\n")
    assert found.spark == {"spark.x": "true"}


WRONG = {
    "no submit": (PLACES, "nothing under `submit:` says where and how .* conf/emr.yaml of lakemill's own project"),
    "a role elsewhere": (RIGHT + "  role: arn:aws:iam::999988887777:role/run\n", "a role in the account 1234"),
    "a quote in a place": (RIGHT.replace("programs", "o'clock"), '"code" .* a place on S3'),
    "a tag without a text": (RIGHT + "  tags: {owner: }\n", '"owner: None" under submit: tags'),
    "a tag of a list": (RIGHT + "  tags: {owner: [a]}\n", 'under submit: tags: a name and a text'),
    "unknown": (RIGHT + "  relase: x\n", 'no setting "relase" under submit. Did you mean "release"'),
    "account as a number": (RIGHT.replace('"', ""), '"account" under submit is 123456789012; .* in quotes'),
    "no bucket's name": (RIGHT.replace("s3://code", "s3://YOUR_BUCKET"), '"code" .* a place on S3'),
    "not on S3": (RIGHT.replace("s3://code/programs", "code"), '"code" .* a place on S3'),
    "a blank in a place": (RIGHT.replace("programs", "my programs"), '"code" .* a place on S3'),
    "region": (RIGHT.replace("eu-central-1", "Frankfurt"), "a region, as eu-central-1"),
    "release": (RIGHT.replace("emr-spark-8.0.0", "8.0.0"), "an EMR release"),
    "role": (RIGHT + "  role: run\n", '"role" .* the ARN of a role'),
    "two clusters": (RIGHT + "    id: j-1ABC\n", "one of id .*, tags .*, or new"),
    "no cluster": (PLACES + SUBMIT + "  cluster: {}\n", "one of id"),
    "cluster's id": (PLACES + SUBMIT + "  cluster: {id: main}\n", "as j-1ABCDEFGHIJKL"),
    "instances": (PLACES + SUBMIT + NEW.replace("y: m7g.xlarge", "y: large"), "cluster: new .* an instance type"),
    "how many": (PLACES + SUBMIT + NEW.replace("2}", "0}"), '"core_count" .* a number from 1'),
    "in new": (PLACES + SUBMIT + NEW.replace("core_count", "cores"), 'no setting "cores" under submit: cluster: new'),
    "a secret": (RIGHT + "spark: {spark.hadoop.fs.s3a.secret.key: x}\n", "is a secret"),
    "lake": ("landing: s3://lake/landing\n" + SUBMIT + CLUSTER, "lake is at .*project/lake, on this machine"),
    "a table": (RIGHT + "tables: {raw.x: /data/x}\n", "tables: raw.x is at /data/x, on this machine"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_refused(project, what):
    text, says = WRONG[what]
    with pytest.raises(UsageError, match=says) as refused:
        settings(project, "emr", text)
    assert str(refused.value).startswith("conf/emr.yaml: ")


WRONG_SERVERLESS = {
    "no role": (PLACES + SUBMIT + "  application: 00f1\n" + JARS, '"role" under submit is missing; the ARN of a role'),
    "application": (PLACES + SUBMIT + APPLICATION.replace("00f0", "My-") + JARS, "an application's id"),
    "no Delta": (PLACES + SUBMIT + APPLICATION, "spark.jars under spark names no Delta jar"),
    "a cluster": (PLACES + SUBMIT + APPLICATION + CLUSTER + JARS, 'no setting "cluster" under submit'),
}


@pytest.mark.parametrize("what", WRONG_SERVERLESS)
def test_refused_on_serverless(project, what):
    text, says = WRONG_SERVERLESS[what]
    with pytest.raises(UsageError, match=says):
        settings(project, "emr-serverless", text)


def test_tags_are_written_as_yaml_writes_them(project):
    """AWS's own policies want "true", which YAML reads as a truth and Python would write as True."""
    found = settings(project, "emr", RIGHT + "  tags: {for-use-with-amazon-emr-managed-policies: true, cost: 12}\n")
    assert found.tags == {"for-use-with-amazon-emr-managed-policies": "true", "cost": "12"}


def test_tables_may_be_glues(project):
    found = settings(project, "emr", PLACES + "tables: {gold.daily_sales: 'glue:shop.daily'}\n" + SUBMIT + CLUSTER)
    assert "glue:shop.daily" in found.places


def test_a_secret_is_not_told_again(project):
    with pytest.raises(UsageError) as refused:
        settings(project, "emr", RIGHT + "spark: {spark.db.password: hunter2}\n")
    assert not re.search("hunter2", str(refused.value))
