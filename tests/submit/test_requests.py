"""The requests are AWS's: botocore's models take them to the letter, and moto's EMR and EMR Serverless do them."""

import re

import pytest
from botocore import xform_name
from botocore.session import get_session
from botocore.validate import ParamValidator

from lakemill.conf import load_conf
from lakemill.submit.aws import Aws
from lakemill.submit.emr import start_step
from lakemill.submit.requests import job_run, requests
from lakemill.submit.serverless import start_job_run
from lakemill.submit.submit import ask

from .conftest import ACCOUNT, APPLICATION, JARS, PLACES, ROOT, SUBMIT, write

MORE = f"""\
  role: arn:aws:iam::{ACCOUNT}:role/run
  tags: {{project: shop}}
  cluster:
    new:
      service_role: service
      instance_profile: nodes
      primary: m7g.xlarge
      core: m7g.2xlarge
      core_count: 3
      task: m7g.4xlarge
      task_count: 10
      subnet: subnet-0123456789abcdef0
      security_configuration: lakemill
"""
CONFS = {
    "tags": ("emr", PLACES + SUBMIT + "  cluster: {tags: {lakemill: shop}}\n"),
    "id": ("emr", PLACES + SUBMIT + "  cluster: {id: j-1ABCDEFGHIJKL}\n"),
    "new": ("emr", PLACES + SUBMIT + MORE),
    "serverless": ("emr-serverless", PLACES + SUBMIT + APPLICATION + JARS),
}
TABLES = ["bronze.sales", "silver.sales", "gold.daily_sales"]


def asked(project, what, tables=TABLES):
    environment, text = CONFS[what]
    write(project, environment, text)
    return ask(load_conf(project, environment), environment, tables, "auto")


def misfits(shape, value, where="request"):
    """What of a value breaks the lengths, patterns and choices of its shape: botocore itself checks only types."""
    if shape.type_name == "structure":
        inner = [misfits(shape.members[key], each, f"{where}.{key}") for key, each in value.items()]
    elif shape.type_name == "list":
        inner = [misfits(shape.member, each, f"{where}[{at}]") for at, each in enumerate(value)]
    elif shape.type_name == "map":
        inner = [misfits(shape.value, each, f"{where}.{key}") for key, each in value.items()]
        inner += [misfits(shape.key, key, f"{where}.{key}") for key in value]
    else:
        inner = []
    size = len(value) if hasattr(value, "__len__") else value
    rules = shape.metadata
    wrong = ("max" in rules and size > rules["max"]) or ("min" in rules and size < rules["min"])
    wrong = wrong or ("pattern" in rules and isinstance(value, str) and not _matches(rules["pattern"], value))
    wrong = wrong or (rules.get("enum") and value not in rules["enum"])
    return [found for each in inner for found in each] + ([f"{where} is {value!r}, {rules}"] if wrong else [])


def _matches(pattern, value):
    """Patterns are Java's: their ranges of surrogates are ours of all that lies above."""
    return re.fullmatch(pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff"), value)


def operation(call):
    model = get_session().get_service_model(call.service)
    return model.operation_model(re.sub(r"(?:^|_)(.)", lambda found: found[1].upper(), call.operation)).input_shape


@pytest.mark.parametrize("what", CONFS)
def test_botocores_models_take_them(project, what):
    for call in requests(asked(project, what)):
        if "cluster with the tags" in str(call.parameters.get("JobFlowId")):
            continue
        found = ParamValidator().validate(call.parameters, operation(call))
        assert not found.has_errors(), found.generate_report()
        assert misfits(operation(call), call.parameters) == []


@pytest.mark.parametrize("what", ["id", "new", "serverless"])
def test_also_with_very_many_tables(project, what):
    for number in range(300):
        (project / "jobs" / "gold" / f"a_table_of_a_long_name_{number}.py").write_text("")
    tables = [f"gold.a_table_of_a_long_name_{number}" for number in range(300)]
    for call in requests(asked(project, what, tables)):
        assert misfits(operation(call), call.parameters) == []


def test_a_misfit_is_found():
    """The test's own tool: a token too long, and an application's name that is none."""
    call = get_session().get_service_model("emr-serverless").operation_model("StartJobRun").input_shape
    found = misfits(call, {"clientToken": "x" * 65, "applicationId": "Shop"})
    assert len(found) == 2


@pytest.mark.parametrize("environment", ["emr", "emr-serverless"])
def test_the_shops_own_conf_makes_requests(environment):
    for call in requests(ask(load_conf(ROOT, environment), environment, ["gold.daily_sales"], "auto")):
        assert misfits(operation(call), call.parameters) == []


RIGHTS = {"HeadBucket": "s3:ListBucket", "HeadObject": "s3:GetObject", "GetCallerIdentity": ""}
"""Operations whose right has another name, or that need none."""


def test_the_page_names_every_right_that_is_used():
    """Whoever submits has just these rights, in most companies: a call more is a run that is refused."""
    models = [get_session().get_service_model(name) for name in ("s3", "iam", "sts", "emr", "emr-serverless")]
    known = {xform_name(name): name for model in models for name in model.operation_names}
    code = "".join(path.read_text() for path in (ROOT / "lib" / "lakemill" / "submit").glob("*.py"))
    used = {known[word] for word in re.findall(r'"([a-z_]+)"', code) if word in known}
    assert {"HeadBucket", "AddJobFlowSteps", "StartJobRun"} <= used
    section = (ROOT / "docs" / "emr.md").read_text().split("needs these rights")[1]
    named = section.split("\n\n")[0]
    assert [name for name in sorted(used) if RIGHTS.get(name, name) not in named] == []


@pytest.fixture
def moto_emr(aws, moto_url, monkeypatch):
    """moto's EMR in place of ours; clients are kept by address."""
    from lakemill.submit.aws import _client

    monkeypatch.setenv("AWS_ENDPOINT_URL_EMR", moto_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EMR_SERVERLESS", moto_url)
    _client.cache_clear()
    yield Aws("eu-central-1")
    _client.cache_clear()


def test_moto_makes_the_cluster_and_a_second_one_who_asks_joins(project, moto_emr):
    said = []
    first = start_step(moto_emr, asked(project, "new"), said.append, pytest.fail)
    second = start_step(moto_emr, asked(project, "new"), said.append, pytest.fail)
    assert first == second and len(said) == 1
    cluster = moto_emr.ask("emr", "describe_cluster", ClusterId=first.cluster)["Cluster"]
    assert cluster["ReleaseLabel"] == "emr-spark-8.0.0"
    assert {"Key": "project", "Value": "shop"} in cluster["Tags"]
    assert not first.state().over
    first.cancel()
    cluster = moto_emr.ask("emr", "describe_cluster", ClusterId=first.cluster)["Cluster"]
    assert cluster["Status"]["State"].startswith("TERMINAT")


def test_moto_adds_the_step_to_the_cluster_with_the_tags(project, moto_emr, aws):
    other = start_step(moto_emr, asked(project, "new"), print, pytest.fail)
    moto_emr.do(_call("emr", "add_tags", ResourceId=other.cluster, Tags=[{"Key": "lakemill", "Value": "shop"}]))
    step = start_step(moto_emr, asked(project, "tags"), print, pytest.fail)
    assert (step.cluster, step.alone) == (other.cluster, False) and step.step != other.step
    assert start_step(moto_emr, asked(project, "tags"), print, pytest.fail).step == step.step


def test_moto_starts_the_job_run(project, moto_emr, monkeypatch):
    """moto knows no emr-spark-8.0.0 yet, its runs are over at once, and an application without runs is none to it."""
    made = _call("emr-serverless", "create_application", name="shop", releaseLabel="emr-7.0.0", type="SPARK")
    name = moto_emr.do(made)["applicationId"]
    text = PLACES + SUBMIT + APPLICATION.replace("00f0000000000001", name) + JARS
    monkeypatch.setitem(CONFS, "moto", ("emr-serverless", text))
    first = moto_emr.do(job_run(asked(project, "moto"), after="first"))["jobRunId"]
    run = start_job_run(moto_emr, asked(project, "moto"), print)
    assert run.run != first and run.state().done
    assert moto_emr.ask("emr-serverless", "get_job_run", applicationId=name, jobRunId=run.run)["jobRun"]["tags"] == {
        "lakemill-run": asked(project, "moto").run_id
    }


def _call(service, operation, **parameters):
    from lakemill.submit.aws import Call

    return Call(service, operation, parameters)
