"""lakemill init: a project of your own, on a Delta table that you have: conf, one job, one test."""

import importlib.resources
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from lakemill.errors import UsageError
from lakemill.job import RESERVED, TABLE_NAME

INTEGERS = ("byte", "short", "integer", "long")
KEYS = ("string", "date", "boolean", *INTEGERS)
LATER_KEYS = ("timestamp", "timestamp_ntz", "binary")
"""Better than no key where a table has no other."""
ROOM = 63
"""How long a table's name may be."""


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
        schema = _schema(path)
        if schema is not None:
            return {field["name"]: field["type"] for field in schema}
    raise UsageError(
        f"{place}: its log no longer says which columns it has; write the job by hand, as the README shows."
    )


def _schema(commit: Path) -> list[dict[str, Any]] | None:
    """The columns that a commit says a table has; None where it says nothing of them."""
    # A line of a log ends with \n alone: the texts in it may hold what Unicode takes for an end of a line.
    for line in commit.read_bytes().split(b"\n"):
        try:
            action = json.loads(line) if line.strip() else {}
            if action.get("metaData") is not None:
                return list(json.loads(action["metaData"]["schemaString"])["fields"])
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UsageError(f"{commit} is no commit of a Delta table. Nothing was written.") from None
    return None


def _values(table: str, place: str, columns: Mapping[str, Any]) -> dict[str, str]:
    """What the templates are filled with. Every name goes into them as Python or YAML writes a text."""
    if not columns:
        raise UsageError(f"{place}: the table has no columns. Give one that has some; nothing was written.")
    key = _key(columns)
    numbers = [name for name, kind in columns.items() if name != key and _adds_up(kind)]
    number = next((name for name in numbers if not name.lower().endswith("id")), None)
    kept = [name for name in (key, number) if name is not None] or [next(iter(columns))]
    plain = _plain_names(kept, columns)
    source, named = table.split(".")[1], "counted" if key is None else f"by_{_word(key)}"
    return {
        "table": table,
        "place": _text(place),
        "name": f"{source[: ROOM - len(named) - 1]}_{named}",
        "by": "counted" if key is None else f"by {_word(key)}",
        "key": "[]" if key is None else f"[{_text(plain[key])}]",
        "columns": ", ".join(_text(name) for name in plain.values()),
        "source_columns": ", ".join(_text(name) for name in plain),
        "imports": "Count, Job, run" if number is None else "Count, Job, Max, Sum, run",
        "reduce": _reduce(*(None if name is None else plain[name] for name in (key, number))),
        "renamed": _renamed(plain),
        "map": f"{source}_rows",
    }


def _key(columns: Mapping[str, Any]) -> str | None:
    """The column that rows meet on: one that repeats, as far as its type and name tell; None where no column may."""
    for kinds in (KEYS, LATER_KEYS):
        fitting = [name for name, kind in columns.items() if kind in kinds]
        if fitting:
            return next((name for name in fitting if not name.lower().endswith("id")), fitting[0])
    return None


def _adds_up(kind: Any) -> bool:
    decimal = re.fullmatch(r"decimal\(\d+,(\d+)\)", kind) if isinstance(kind, str) else None
    return kind in INTEGERS or (decimal is not None and int(decimal[1]) <= 18)


def _reduce(key: str | None, number: str | None) -> str:
    """The reducers; none has the key's name."""
    taken = {key.lower()} if key else set()
    reducers = {_unused("rows", taken): "Count()"}
    if number:
        for what, reducer in (("total", "Sum"), ("largest", "Max")):
            name = _unused(f"{what}_{_word(number)}", taken | set(reducers))
            reducers[name] = f"{reducer}({_text(number)})"
    return ", ".join(f"{_text(name)}: {reducer}" for name, reducer in reducers.items())


def _plain_names(kept: Iterable[str], columns: Iterable[str]) -> dict[str, str]:
    """A name for each column that every table can have and every reader can write: its own, if that is such a one."""
    taken, names = {name.lower() for name in columns}, dict[str, str]()
    for name in kept:
        plain = re.fullmatch(r"\w+", name) is not None and name.lower() != RESERVED
        names[name] = name if plain else _unused(_word(name).strip("_") or "column", taken)
        taken.add(names[name].lower())
    return names


def _renamed(plain: Mapping[str, str]) -> str:
    """The call that gives the columns their plain names, for those that have none."""
    pairs = [f"{_text(name)}: {_text(new)}" for name, new in plain.items() if name != new]
    return f".withColumnsRenamed({{{', '.join(pairs)}}})" if pairs else ""


def _unused(name: str, taken: Iterable[str]) -> str:
    """The name, or with a number behind it: Delta takes names that differ in capitals for one."""
    names = [name, *(f"{name}_{number}" for number in range(2, len(set(taken)) + 3))]
    return next(free for free in names if free.lower() not in taken)


def _word(name: str) -> str:
    """A name in small letters, digits and _, for names of files and of tables."""
    word = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name.lower())
    return word[:20] if word.strip("_") else "column"


def _text(value: str) -> str:
    """A text as Python and YAML write it, in double quotes; what no one can see is written by its number."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode()
        for sign in json.dumps(value, ensure_ascii=False)
    )
