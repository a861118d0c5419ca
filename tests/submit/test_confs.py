"""Every conf under `spark:` is in the request, once and as it is written, or is refused by its name."""

import random
import re

import pytest

from lakemill.conf import load_conf
from lakemill.errors import UsageError
from lakemill.submit.requests import job_run, step
from lakemill.submit.submit import ask

from .conftest import APPLICATION, CLUSTER, JARS, PLACES, SUBMIT, write

WHERE = {"emr": PLACES + SUBMIT + CLUSTER + "spark:\n", "emr-serverless": PLACES + SUBMIT + APPLICATION + JARS}
TABLE = ["gold.daily_sales"]


def quoted(text):
    """As YAML, sign by sign by its number: its other forms fold blanks beside the ends of lines."""
    return '"' + "".join(f"\\U{ord(sign):08x}" for sign in text) + '"'


def asked(project, environment, confs):
    lines = "".join(f"  {quoted(key)}: {quoted(value)}\n" for key, value in confs.items())
    write(project, environment, WHERE[environment] + (lines or "  spark.a: b\n"))
    return ask(load_conf(project, environment), environment, TABLE, "auto")


def arrived(project, environment, confs):
    """The confs as the service gets them, and the --py-files."""
    made = asked(project, environment, confs)
    if environment == "emr":
        words = step(made)["HadoopJarStep"]["Args"]
        found = [words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "--conf"]
        assert len({key for key, _ in found}) == len(found)
        return dict(found), words[words.index("--py-files") + 1].split(",")
    request = job_run(made, "first").parameters
    (defaults,) = request["configurationOverrides"]["applicationConfiguration"]
    option, files = request["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"].split(" ")
    assert option == "--py-files"
    return defaults["properties"], files.split(",")


@pytest.mark.parametrize("environment", WHERE)
def test_random_values_arrive_as_they_are_written(project, environment):
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    signs = "ab1 ,;='\"\\$`{}()[]#:!%&*|<>?~äß数😀\u00a0\u2028/-"
    confs = {}
    for number in range(60):
        value = "".join(chance.choices(signs, k=chance.randint(1, 12))).strip()
        confs[f"spark.some.conf{number}"] = value or "x"
    got, _ = arrived(project, environment, confs)
    assert {key: got[key] for key in confs} == confs


@pytest.mark.parametrize("environment", WHERE)
def test_the_projects_own_libraries_go_with_the_zip(project, environment):
    """The option --py-files wins over the conf, so what the conf names is in the option."""
    ours = "s3://code/a.zip , s3://code/b.py,"
    confs, files = arrived(project, environment, {"spark.submit.pyFiles": ours, "spark.files": "s3://code/x.json"})
    assert "spark.submit.pyFiles" not in confs and confs["spark.files"] == "s3://code/x.json"
    assert files[0].endswith("/lakemill.zip") and files[1:] == ["s3://code/a.zip", "s3://code/b.py"]


def test_a_step_waits_for_its_run_whatever_the_cluster_is_set_to(project):
    wait = "spark.yarn.submit.waitAppCompletion"
    for confs in ({}, {wait: "true"}):
        assert arrived(project, "emr", confs)[0][wait] == "true"


def test_what_is_set_anyway_may_be_said(project):
    assert arrived(project, "emr", {"spark.submit.deployMode": "cluster"})[0]["spark.submit.deployMode"] == "cluster"


BOTH = {
    "spark.master": ("local[2]", "the service says where a run runs. Leave it out, or put it into conf/local.yaml"),
    "spark.app.name": ("mine", "a run is called by its id"),
    "spark.local.dir": ("/mnt", "a cluster has disks of its own"),
    "spark.submit.deployMode": ("client", "the driver of a run is on the cluster"),
    "spark.yarn.submit.waitAppCompletion": ("False", None),
    "spark.kubernetes.namespace": ("x", "means nothing to emr"),
    "spark.a b": ("x", "has a blank or an equals sign in its name"),
    "spark.a=b": ("x", "has a blank or an equals sign in its name"),
    "spark.a": (" x", "begins or ends with a blank"),
    "spark.b": ("x\n", "begins or ends with a blank"),
    "spark.submit.pyFiles": ("/home/me/ourlib.zip", "names /home/me/ourlib.zip, .* as s3://your-bucket/ourlib.zip"),
    "spark.files": ("s3://x/y.json,data/z.json", "names data/z.json, which is on this machine"),
    "spark.hadoop.fs.s3a.secret.key": ("hunter2", "is a secret"),
}


@pytest.mark.parametrize("environment", WHERE)
@pytest.mark.parametrize("key", BOTH)
def test_refused_by_name(project, environment, key):
    value, says = BOTH[key]
    with pytest.raises(UsageError, match=says) as refused:
        asked(project, environment, {key: value})
    assert str(refused.value).startswith(f"conf/{environment}.yaml: {key} under spark ")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ("emr", "spark.emr-serverless.driverEnv.A"),
        ("emr-serverless", "spark.yarn.maxAppAttempts"),
        ("emr-serverless", "spark.yarn.submit.waitAppCompletion"),
    ],
)
def test_what_the_service_would_ignore(project, environment, key):
    with pytest.raises(UsageError, match=f"{key} under spark means nothing to {environment}"):
        asked(project, environment, {key: "true"})


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\ufffe"])
def test_control_characters(project, sign):
    write(project, "emr", WHERE["emr"] + f'  spark.x: "a\\u{ord(sign):04x}b"\n')
    with pytest.raises(UsageError, match=r"spark\.x under spark has a control character"):
        ask(load_conf(project, "emr"), "emr", TABLE, "auto")


def test_confs_of_the_base_are_sent_too(project):
    write(project, "base", "jobs: jobs\nspark:\n  spark.base: one\n  spark.both: one\n")
    got, _ = arrived(project, "emr", {"spark.both": "two"})
    assert (got["spark.base"], got["spark.both"]) == ("one", "two")


def test_delta_is_among_the_extensions_that_a_project_names():
    from lakemill.lake.session import DELTA, EXTENSIONS, _with_delta

    delta = DELTA[EXTENSIONS]
    named = {"a.B": f"{delta},a.B", f"a.B, {delta}": f"a.B,{delta}", "": delta, delta: delta}
    assert {given: _with_delta({EXTENSIONS: given})[EXTENSIONS] for given in named} == named


def test_a_library_that_the_zip_has_not_is_told(project, capsys):
    from lakemill.cli import main

    (project / "jobs" / "shared" / "ours.py").write_text("import decimal, yaml\nfrom numpy.linalg import norm\n")
    text = (project / "jobs" / "gold" / "daily_sales.py").read_text()
    (project / "jobs" / "gold" / "daily_sales.py").write_text(text + "\ndef late():\n    import shared.ours, ourlib\n")
    assert main(["run", "gold.daily_sales", "--env", "emr", "--dry-run"], project) == 0
    told = re.findall(r"(\S+) imports (\S+), which the zip has not", capsys.readouterr().err)
    assert told == [("gold.daily_sales", "numpy"), ("gold.daily_sales", "ourlib")]
