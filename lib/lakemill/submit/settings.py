"""How runs are submitted: the `submit:` map of conf/emr.yaml and conf/emr-serverless.yaml. Strict, as all of conf."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakemill.conf import GLUE, Conf, texts
from lakemill.errors import UsageError, did_you_mean
from lakemill.submit.confs import check_confs

EMR, SERVERLESS = "emr", "emr-serverless"
WHERE = (EMR, SERVERLESS)

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
S3 = re.compile(r"s3://(?P<bucket>[^/]+)(?:/(?P<prefix>[A-Za-z0-9_.=/-]+))?")
CLUSTER = re.compile(r"j-[A-Z0-9]{1,250}")
APPLICATION = re.compile(r"[0-9a-z]{1,64}")
ROLE = r"role/([!-~]{1,512}/)?[A-Za-z0-9_+=,.@-]{1,64}"


@dataclass(frozen=True)
class Place:
    """A bucket, and a prefix in it without slashes at its ends."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """As s3://bucket/prefix."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, name: str) -> str:
        """The key of an object below it."""
        return f"{self.prefix}/{name}" if self.prefix else name


@dataclass(frozen=True)
class NewCluster:
    """A cluster for one run, which ends with it: roles, where it stands, and how large it is.

    primary, core, task: instance types.   core_count, task_count: how many; task instances are spot.
    """

    service_role: str
    instance_profile: str
    primary: str
    core: str
    core_count: int = 1
    task: str | None = None
    task_count: int = 0
    subnet: str | None = None
    security_configuration: str | None = None


@dataclass(frozen=True)
class Settings:
    """How runs are submitted to one environment.

    account: everything is in this AWS account.   code, logs: where programs and logs lie.   role: that the run has.
    cluster, cluster_tags, new_cluster: on EMR, one of them.   application: on EMR Serverless.   tags: of all that is
    made.   lake, landing and tables: places that the run reads and writes.   spark: confs.
    """

    environment: str
    region: str
    account: str
    release: str
    code: Place
    logs: Place
    role: str | None = None
    cluster: str | None = None
    cluster_tags: Mapping[str, str] = field(default_factory=dict)
    new_cluster: NewCluster | None = None
    application: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    spark: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The file that a person changes them in."""
        return f"conf/{self.environment}.yaml"


def read_settings(conf: Conf, environment: str) -> Settings:
    """The settings of an environment; raises UsageError, naming the setting, for what cannot be meant."""
    section = _Section(f"conf/{environment}.yaml", "submit", conf.submit)
    if not conf.submit:
        raise UsageError(
            f"{section.file}: nothing under `submit:` says where and how to run. Write it as conf/{environment}.yaml "
            "of lakemill's own project does, with your account, buckets and roles."
        )
    account = section.text("account", re.compile(r"\d{12}"), "the 12 digits of an AWS account, in quotes")
    role = re.compile(rf"arn:aws[a-z-]*:iam::{account}:{ROLE}"), f"the ARN of a role in the account {account}"
    where = _cluster(section.map("cluster")) if environment == EMR else _application(section)
    settings = Settings(
        environment,
        region=section.text("region", re.compile(r"[a-z]{2}(-[a-z]+)+-\d"), "a region, as eu-central-1"),
        account=account,
        release=section.text("release", re.compile(r"emr-[a-z0-9.-]+"), "an EMR release, as emr-spark-8.0.0"),
        code=section.place("code"),
        logs=section.place("logs"),
        role=section.text("role", *role) if environment == SERVERLESS or section.has("role") else None,
        tags=section.texts("tags"),
        places=_places(conf, section.file),
        spark={key: value for key, value in conf.spark.items() if key.startswith("spark.")},
        **where,
    )
    section.nothing_else()
    _check_spark(settings)
    return settings


def _application(section: "_Section") -> dict[str, Any]:
    """The application on EMR Serverless."""
    return {"application": section.text("application", APPLICATION, "an application's id, as 00f1abcdefgh2345")}


def _cluster(section: "_Section") -> dict[str, Any]:
    """The cluster: by its id, by its tags, or a new one."""
    ways = [way for way in ("id", "tags", "new") if section.has(way)]
    if len(ways) != 1:
        raise section.refusal("id", "one of id (of a running cluster), tags (that one running cluster has), or new")
    cluster: dict[str, Any] = {}
    if ways == ["id"]:
        cluster["cluster"] = section.text("id", CLUSTER, "a cluster's id, as j-1ABCDEFGHIJKL")
    elif ways == ["tags"]:
        cluster["cluster_tags"] = section.texts("tags")
    else:
        cluster["new_cluster"] = _new_cluster(section.map("new"))
    section.nothing_else()
    return cluster


def _new_cluster(section: "_Section") -> NewCluster:
    name, kind = re.compile(r"[\w+=,.@/-]+"), re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")
    new = NewCluster(
        section.text("service_role", name, "a role's name"),
        section.text("instance_profile", name, "an instance profile's name"),
        section.text("primary", kind, "an instance type, as m7g.xlarge"),
        section.text("core", kind, "an instance type, as m7g.xlarge"),
        section.count("core_count", 1),
        section.text("task", kind, "an instance type, as m7g.xlarge") if section.has("task") else None,
        section.count("task_count", 1) if section.has("task") else 0,
        section.text("subnet", re.compile(r"subnet-[0-9a-f]+"), "a subnet's id") if section.has("subnet") else None,
        section.text("security_configuration", name, "its name") if section.has("security_configuration") else None,
    )
    section.nothing_else()
    return new


def _places(conf: Conf, file: str) -> tuple[str, ...]:
    """Where the run reads and writes: none of it may be on this machine."""
    named = {"lake": conf.lake, "landing": conf.landing, **{f"tables: {name}": at for name, at in conf.tables.items()}}
    for name, place in named.items():
        if "://" not in place and not place.startswith(GLUE):
            raise UsageError(
                f"{file}: {name} is at {place}, on this machine; a cluster cannot read it. "
                f"Give a place such as s3://your-bucket/{name.split(':')[0]}."
            )
    return tuple(named.values())


def _check_spark(settings: Settings) -> None:
    """All confs arrive; and on EMR Serverless, Delta is one of them."""
    check_confs(settings.environment, settings.file, settings.spark)
    if settings.environment == SERVERLESS and "delta" not in settings.spark.get("spark.jars", ""):
        raise UsageError(
            f"{settings.file}: spark.jars under spark names no Delta jar. The release has them: "
            "/usr/share/aws/delta/lib/delta-spark.jar,/usr/share/aws/delta/lib/delta-storage.jar"
        )


class _Section:
    """A map of a conf file, read setting by setting, each checked; what is left over is unknown."""

    def __init__(self, file: str, name: str, values: Mapping[str, Any]) -> None:
        self.file, self._name, self._values, self._read = file, name, values, set[str]()

    def has(self, key: str) -> bool:
        """Whether the setting is given."""
        self._read.add(key)
        return self._values.get(key) is not None

    def text(self, key: str, shape: re.Pattern[str], wanted: str) -> str:
        """A text of this shape."""
        value = self._take(key, lambda value: isinstance(value, str) and bool(shape.fullmatch(value)), wanted)
        return str(value)

    def count(self, key: str, default: int) -> int:
        """How many; the default where nothing is given."""
        if not self.has(key):
            return default
        return int(self._take(key, lambda n: type(n) is int and n > 0, "a number from 1"))

    def texts(self, key: str) -> dict[str, str]:
        """A map of texts, empty where nothing is given."""
        if not self.has(key):
            return {}
        value = self._take(key, lambda value: isinstance(value, dict), "a map of texts")
        return texts(self.file, f"{self._name}: {key}", value)

    def map(self, key: str) -> "_Section":
        """A map in this one."""
        return _Section(self.file, f"{self._name}: {key}", self._take(key, lambda v: isinstance(v, dict), "a map"))

    def place(self, key: str) -> Place:
        """A place on S3."""
        wanted = "a place on S3, as s3://your-bucket/code"
        match = S3.fullmatch(self.text(key, S3, wanted).rstrip("/"))
        if not match or not BUCKET.fullmatch(match["bucket"]):
            raise self.refusal(key, wanted)
        return Place(match["bucket"], (match["prefix"] or "").strip("/"))

    def nothing_else(self) -> None:
        """Raise UsageError for a setting that nobody asked for."""
        unknown = sorted(set(map(str, self._values)) - self._read)
        if unknown:
            raise UsageError(
                f'{self.file}: there is no setting "{unknown[0]}" under {self._name}. '
                f"{did_you_mean(unknown[0], self._read)}"
            )

    def refusal(self, key: str, wanted: str) -> UsageError:
        """The error that tells what was expected."""
        given = f"is {self._values[key]!r}" if self._values.get(key) is not None else "is missing"
        return UsageError(f'{self.file}: "{key}" under {self._name} {given}; {wanted} was expected.')

    def _take(self, key: str, fits: Callable[[Any], bool], wanted: str) -> Any:
        if not self.has(key) or not fits(self._values[key]):
            raise self.refusal(key, wanted)
        return self._values[key]
