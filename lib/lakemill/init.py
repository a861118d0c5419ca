"""lakemill init: a project of your own, on a Delta table that you have: conf, one job, one test."""

import importlib.resources
import json
from pathlib import Path
from string import Template
from typing import Any

from lakemill.errors import UsageError
from lakemill.job import TABLE_NAME

NUMBERS = ("byte", "short", "integer", "long")
KEYS = ("string", "date", "boolean", *NUMBERS)


def init(folder: Path, table: str, place: str) -> list[Path]:
    """Write the project; raises UsageError where something is there already or `place` is no Delta table."""
    if not TABLE_NAME.fullmatch(table):
        raise UsageError(f'"{table}" is no table name; one reads layer.name in small letters, as raw.orders.')
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; give `lakemill init` a new folder. Nothing was written.")
    columns = _columns(place)
    values = _values(table, str(Path(place).resolve()) if "://" not in place else place, columns)
    written = []
    for name, target in {
        "base.yaml": "conf/base.yaml",
        "local.yaml": "conf/local.yaml",
        "job.py": f"jobs/gold/{values['name']}.py",
        "test.py": f"tests/test_{values['name']}.py",
    }.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        text = importlib.resources.files("lakemill").joinpath("templates", f"{name}.txt").read_text(encoding="utf-8")
        path.write_text(Template(text).substitute(values), encoding="utf-8")
        written.append(path)
    return written


def _columns(place: str) -> dict[str, Any]:
    """The columns of a local Delta table, from its log: no Spark is needed to start a project."""
    log = Path(place) / "_delta_log"
    if "://" in place or not log.is_dir():
        raise UsageError(f"{place}: there is no Delta table on this machine's disk. Give its folder by --at.")
    for path in sorted(log.glob("*.json"), reverse=True):
        for line in path.read_text(encoding="utf-8").splitlines():
            said = json.loads(line).get("metaData")
            if said:
                return {field["name"]: field["type"] for field in json.loads(said["schemaString"])["fields"]}
    raise UsageError(
        f"{place}: its log no longer says which columns it has; write the job by hand, as the README shows."
    )


def _values(table: str, place: str, columns: dict[str, Any]) -> dict[str, str]:
    key = next(
        (name for name, kind in columns.items() if kind in KEYS and not name.endswith("id")), next(iter(columns))
    )
    exact = [n for n, kind in columns.items() if n != key and (kind in NUMBERS or str(kind).startswith("decimal"))]
    number = next((name for name in exact if not name.endswith("id")), None)
    kept = [key, *([number] if number else [])]
    name = table.split(".")[1]
    return {
        "table": table,
        "place": place,
        "name": f"{name}_by_{_plain(key)}",
        "key": key,
        "columns": ", ".join(f'"{each}"' for each in kept),
        "imports": "Count, Job, Max, Sum, run" if number else "Count, Job, run",
        "sums": f', "total_{_plain(number)}": Sum("{number}"), "largest_{_plain(number)}": Max("{number}")'
        if number
        else "",
        "map": f"{name}_rows",
        "kind": str(columns[key]),
    }


def _plain(name: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else "_" for each in name.lower())
