"""What is over a service's limits is refused by name; what is not refused fits botocore's models and AWS's pages."""

import random
import string
from dataclasses import replace
from functools import cache

import pytest

from lakemill.conf import load_conf
from lakemill.errors import UsageError
from lakemill.graph import select
from lakemill.submit.aws import Call
from lakemill.submit.limits import check_limits
from lakemill.submit.requests import add_step, job_run, new_cluster
from lakemill.submit.submit import ask

from .conftest import APPLICATION, JARS, PLACES, SUBMIT, write
from .test_requests import misfits, operation

ROLE = "arn:aws:iam::123456789012:role/"
NEW = "  cluster:\n    new: {service_role: run, instance_profile: nodes, primary: m7g.xlarge, core: m7g.xlarge}\n"
WHERE = {
    "emr": "  cluster: {id: j-1ABCDEFGHIJKL}\nspark:\n  spark.a: b\n",
    "new": NEW + "spark:\n  spark.a: b\n",
    "emr-serverless": APPLICATION + JARS,
}


@pytest.fixture
def small(tmp_path):
    """A project whose zip is made quickly enough to be made very often."""
    (tmp_path / "conf").mkdir()
    write(tmp_path, "base", "jobs: jobs\n")
    return tmp_path


def tables(project, numbers):
    """So many empty jobs in each layer; all their tables."""
    for layer, number in numbers.items():
        (project / "jobs" / layer).mkdir(parents=True, exist_ok=True)
        for at in range(number):
            (project / "jobs" / layer / f"{'t' * 40}_{at:04d}.py").write_text("")
    return [f"{layer}.{'t' * 40}_{at:04d}" for layer, number in numbers.items() for at in range(number)]


def asked(project, where, spark="", submit="", wanted=None):
    environment = "emr" if where == "new" else where
    write(project, environment, PLACES + SUBMIT + submit + WHERE[where] + spark)
    return ask(load_conf(project, environment), environment, wanted or tables(project, {"gold": 1}), "auto")


def last(made):
    """The request that runs something."""
    settings = made.settings
    if settings.environment == "emr-serverless":
        return job_run(made, "first")
    return new_cluster(made, settings.new_cluster) if settings.new_cluster else add_step(made, settings.cluster)


def request(project, where, spark="", submit="", wanted=None):
    return last(asked(project, where, spark, submit, wanted))


@cache
def shape(service, name):
    return operation(Call(service, name, {}))


def over(call):
    """What of a request the service would not take."""
    step = next(iter(call.parameters.get("Steps", [])), None)
    words = [step["HadoopJarStep"]["Jar"], *step["HadoopJarStep"]["Args"]] if step else []
    size = sum(len(word.encode("utf-16-le")) // 2 for word in words)
    long = [f"{size} characters"] if size > 10_240 else []
    return misfits(shape(call.service, call.operation), call.parameters) + long


def test_random_requests_fit_or_are_refused(small):
    """Sizes are around the limits, so that both happen often."""
    seed = random.randrange(2**32)
    print("seed", seed)
    chance, ends = random.Random(seed), {"fits": 0, "refused": 0}
    wholes = {where: asked(small, where) for where in WHERE}
    for _ in range(400):
        confs = chance.choice([1, 2, 30, 97, 98, 99, 100, 101])
        size = chance.choice([1, 20, 50, 1023, 1024, 1025])
        values = ["".join(chance.choices(string.ascii_letters + ".,=/😀"[: chance.randint(4, 5)], k=size))] * confs
        spark = {f"spark.c{at}": value for at, value in enumerate(values)}
        tag = "".join(chance.choices("aZ9 _.:/=+@-äß数&", k=chance.choice([0, 1, 127, 128, 129])))
        tags = chance.choice([{}, {f"t{tag[: chance.randint(0, 127)]}": tag * chance.randint(1, 2)}])
        whole = wholes[chance.choice([*WHERE])]
        settings = replace(whole.settings, spark={**whole.settings.spark, **spark}, tags=tags)
        made = replace(whole, settings=settings)
        try:
            check_limits(made)
            found = over(last(made))
        except UsageError as refused:
            assert "Nothing was sent" in str(refused) and str(refused).startswith("conf/emr")
            ends["refused"] += 1
        else:
            assert found == []
            ends["fits"] += 1
    assert min(ends.values()) > 10


@pytest.mark.parametrize("where", WHERE)
def test_very_many_tables_are_said_by_layers(small, where):
    """What the cluster is told is the same tables there, for the zip has the same jobs."""
    everything = tables(small, {"gold": 200, "silver": 1100, "bronze": 3})
    (small / "jobs" / "shared").mkdir()
    (small / "jobs" / "shared" / "texts.py").write_text("")
    cases = {("bronze.*", "gold.*", "silver.*"): everything, ("gold.*", everything[200]): everything[:201]}
    for said, wanted in cases.items():
        call = request(small, where, wanted=wanted)
        assert over(call) == []
        words = _words(call.parameters)
        assert tuple(words[-len(said) :]) == said and words[-len(said) - 2] == "--run-id"
        assert sorted(select(_jobs(everything), said)) == sorted(wanted)


def _words(request):
    """The arguments of a step or of a job run."""
    if "Steps" in request:
        return request["Steps"][0]["HadoopJarStep"]["Args"]
    return request["jobDriver"]["sparkSubmit"]["entryPointArguments"]


def _jobs(names):
    from lakemill import Count, Job

    return {name: Job(source="raw.t", key=[], reduce={"n": Count()}, target=name) for name in names}


@pytest.mark.parametrize("where", ["emr", "new"])
def test_very_many_tables_of_a_layer_are_refused(small, where):
    wanted = tables(small, {"gold": 230})[:229]
    with pytest.raises(UsageError, match=r"takes 10,240\. Its 229 tables take 11,450; run whole layers, as gold\.\*"):
        request(small, where, wanted=wanted)


REFUSED = {
    "step": ("emr", "".join(f"  spark.c{at}: {'x' * 500}\n" for at in range(20)), "", "The confs under spark take 10,"),
    "confs": ("emr-serverless", "".join(f"  spark.c{at}: x\n" for at in range(100)), "", "101 confs are under spark"),
    "value": ("emr-serverless", f"  spark.files: s3://x/{'y' * 1020}\n", "", r"spark\.files under spark has a value"),
    "name": ("emr-serverless", f"  ? spark.{'y' * 1020}\n  : x\n", "", "has a name of 1,026 characters"),
    "empty": ("emr-serverless", '  spark.x: ""\n', "", "is empty, which EMR Serverless does not take"),
    "lines": ("emr-serverless", '  spark.x: "a\\nb"\n', "", "has several lines"),
    "arguments": ("emr-serverless", f"  spark.submit.pyFiles: s3://x/{'y' * 102_400}\n", "", "pyFiles under"),
    "tag": ("new", "", "  tags: {'a&b': x}\n", '"a&b" of the tag "a&b": letters, digits'),
    "tag on Serverless": ("emr-serverless", "", "  tags: {team: Größe}\n", '"Größe" of the tag "team": letters from A'),
    "tag of AWS": ("new", "", "  tags: {'aws:x': x}\n", '"aws:x" has a name that AWS keeps for itself'),
    "tag of ours": ("new", "", "  tags: {lakemill-run: x}\n", "has a name that lakemill keeps for itself"),
    "tag without a name": ("new", "", "  tags: {'': x}\n", "a tag has no name"),
    "long tag": ("new", "", f"  tags: {{a: {'x' * 257}}}\n", 'of the tag "a" has 257 characters; 256 is the most'),
    "tags": ("new", "", f"  tags: {{{', '.join(f't{at}: x' for at in range(50))}}}\n", "50 tags are given; 49 is"),
    "code": ("emr", "", "  unused: x\n", "no setting"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_name(small, what):
    where, spark, submit, says = REFUSED[what]
    with pytest.raises(UsageError, match=says):
        request(small, where, spark, submit)


@pytest.mark.parametrize("where", WHERE)
def test_a_place_for_code_that_is_too_long(small, where, monkeypatch):
    monkeypatch.setitem(globals(), "SUBMIT", SUBMIT.replace("programs", "p" * 960))
    with pytest.raises(UsageError, match=r'"code" under submit has 960 characters; S3 takes names of 1024'):
        request(small, where)


@pytest.mark.parametrize("role", ["a b", "ä", "x" * 65, "a/b/c d", "a?b"])
def test_a_role_that_is_none(small, role):
    with pytest.raises(UsageError, match='"role" under submit is .*; the ARN of a role'):
        request(small, "emr", submit=f"  role: '{ROLE}{role}'\n")
