"""A small project, S3 / IAM / STS from moto, and a fake EMR, all on loopback and with credentials that are none."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import loaders, session
from fake_emr import FakeEmr, Life
from moto.moto_api._internal.models import moto_api_backend
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"  # moto's
SUBMIT = f"""\
submit:
  region: eu-central-1
  account: "{ACCOUNT}"
  release: emr-spark-8.0.0
  code: s3://code/programs
  logs: s3://logs
"""
PLACES = "lake: s3://lake/tables\nlanding: s3://lake/landing\n"
CLUSTER = "  cluster:\n    tags: {lakemill: shop}\n"
APPLICATION = f"  application: 00f0000000000001\n  role: arn:aws:iam::{ACCOUNT}:role/run\n"
JARS = "spark:\n  spark.jars: /usr/share/aws/delta/lib/delta-spark.jar,/usr/share/aws/delta/lib/delta-storage.jar\n"


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """Every test's clients would read AWS's models, megabytes of JSON, anew."""
    loader = loaders.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", lambda _search_path=None: loader)
        yield


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The shop's jobs, and a conf for both ways of running."""
    return new_project(tmp_path / "project")


def new_project(folder: Path) -> Path:
    shutil.copytree(ROOT / "jobs", folder / "jobs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "conf" / "contracts", folder / "conf" / "contracts")
    write(folder, "base", "jobs: jobs\n")
    write(folder, "emr", PLACES + SUBMIT + CLUSTER)
    write(folder, "emr-serverless", PLACES + SUBMIT + APPLICATION + JARS)
    return folder


def write(project: Path, environment: str, text: str) -> None:
    (project / "conf" / f"{environment}.yaml").write_text(text)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def fake_emr() -> Iterator[FakeEmr]:
    with FakeEmr(lambda _: Life([])) as fake:
        yield fake


@cache
def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-central-1")


@pytest.fixture
def aws(
    moto_url: str, fake_emr: FakeEmr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[str], Any]]:
    """boto3's clients of an account with the buckets and the role that the conf names."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EMR", fake_emr.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EMR_SERVERLESS", fake_emr.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for bucket in ("code", "logs", "lake"):
        place = {"LocationConstraint": "eu-central-1"}
        client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    client("iam").create_role(RoleName="run", AssumeRolePolicyDocument="{}")
    yield client
    moto_api_backend.reset()


@pytest.fixture
def lives() -> list[list[dict[str, Any]]]:
    """The states of the steps and job runs that a test begins, one list each; more than that have failed."""
    return []


@pytest.fixture
def emr(aws: Any, fake_emr: FakeEmr, lives: list[list[dict[str, Any]]]) -> FakeEmr:
    """A fake EMR with one cluster and one application that fit the project's conf."""
    fake_emr.forget(lambda _: Life(lives.pop(0) if lives else [{"State": "FAILED"}]))
    fake_emr.add_application("00f0000000000001")
    fake_emr.add_cluster(tags={"lakemill": "shop", "team": "sales"})
    return fake_emr
