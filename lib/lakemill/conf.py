"""Configuration: where tables, jobs and the landing are, and Spark's settings. Strict: an unknown key is an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from lakemill.errors import UsageError, did_you_mean
from lakemill.job import TABLE_NAME

ENVIRONMENTS = ("local", "emr", "emr-serverless")
MAPS = ("tables", "spark", "submit")
KEYS = ("lake", "landing", "jobs", *MAPS)
GLUE = "glue:"
"""Begins the place of a table that a catalog knows: glue:database.table."""


@dataclass(frozen=True)
class Conf:
    """root: the project's folder; relative paths are below it.   lake: root of the tables.   landing: of the dumps.

    jobs: folder of the job files.   tables: places of tables that are not at <lake>/<layer>/<name>: a path, or
    glue:database.table.   spark: confs.   submit: how runs are submitted to this environment, as it is written.
    """

    root: Path
    lake: str = "lake"
    landing: str = "landing"
    jobs: str = "jobs"
    tables: Mapping[str, str] = field(default_factory=dict)
    spark: Mapping[str, str] = field(default_factory=dict)
    submit: Mapping[str, Any] = field(default_factory=dict)


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds conf/base.yaml."""
    for folder in (start, *start.parents):
        if (folder / "conf" / "base.yaml").is_file():
            return folder
    raise UsageError(
        f"{start} is in no lakemill project: no folder at or above it holds conf/base.yaml. "
        "Change into your project, or start one with `lakemill init`."
    )


def load_conf(root: Path, environment: str = "local") -> Conf:
    """conf/base.yaml, overridden by conf/<environment>.yaml; raises UsageError for what it does not know."""
    if environment not in ENVIRONMENTS:
        raise UsageError(f'There is no environment "{environment}". {did_you_mean(environment, ENVIRONMENTS)}')
    conf = Conf(root)
    for path in (root / "conf" / "base.yaml", root / "conf" / f"{environment}.yaml"):
        if path.is_file():
            conf = _over(conf, path)
    return replace(
        conf,
        lake=_place(root, conf.lake),
        landing=_place(root, conf.landing),
        jobs=_place(root, conf.jobs),
        tables={name: _place(root, place) for name, place in conf.tables.items()},
    )


def _over(conf: Conf, path: Path) -> Conf:
    settings = _read(path)
    for key, value in settings.items():
        if key not in KEYS:
            raise UsageError(f'{path}: there is no setting "{key}". {did_you_mean(str(key), KEYS)}')
        if not isinstance(value, dict if key in MAPS else str):
            wanted = "a map" if key in MAPS else "a text"
            raise UsageError(f'{path}: "{key}" is {value!r}; {wanted} was expected.')
    tables = {**conf.tables, **texts(path, "tables", settings.get("tables") or {})}
    for name in tables:
        if not TABLE_NAME.fullmatch(name):
            raise UsageError(f'{path}: "{name}" under tables is no table name; one reads layer.name in small letters.')
    spark = {**conf.spark, **texts(path, "spark", settings.get("spark") or {})}
    return replace(
        conf, **{key: settings[key] for key in settings if key not in ("tables", "spark")}, tables=tables, spark=spark
    )


def texts(path: Path | str, key: str, values: Mapping[Any, Any]) -> dict[str, str]:
    """A map of texts as YAML writes them (true, not True); raises UsageError for what is none."""
    for name, value in values.items():
        if not isinstance(name, str) or isinstance(value, dict | list) or value is None:
            raise UsageError(f'{path}: "{name}: {value}" under {key}: a name and a text were expected.')
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(settings, dict):
        raise UsageError(f"{path}: settings were expected, as `lake: lake`; found {type(settings).__name__}.")
    return settings


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key that is given twice."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    names = [loader.construct_object(key) for key, _ in node.value]
    for name in names:
        if names.count(name) > 1:
            raise yaml.YAMLError(f'"{name}" is given twice')
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _place(root: Path, place: str) -> str:
    """A path below the project's folder, unless it is absolute, has a scheme as s3://, or is a catalog's table."""
    elsewhere = "://" in place or place.startswith(("/", GLUE))
    return place.rstrip("/") if elsewhere else str(root / place)
