"""What a job's fingerprint follows from, told without Spark: so that an unchanged job is known by what it says.

The fingerprint is a digest of the plan that Spark reads from a job. Spark reads the same plan again where the job's
files, the values that its functions hold, the columns of its sources and Spark itself are the same, and its functions
look at nothing else. What they may look at besides (a clock, a file, a library that may be upgraded) is out of sight:
of such a job nothing is claimed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pyspark.sql.types import StructType

from lakemill.errors import UsageError
from lakemill.job import Job
from lakemill.python.bytecode import Bytecode, instructions, is_installed
from lakemill.python.source_text import source_digest

IN_SIGHT = {
    "pyspark", "abc", "builtins", "collections", "dataclasses", "datetime", "decimal", "enum", "functools", "itertools",
    "math", "numbers", "operator", "re", "string", "textwrap", "types", "typing",
    "_collections_abc", "_decimal", "_functools", "_operator",
}  # fmt: skip
"""Modules of Spark, which has its version, and of Python that look at nothing but what they are given."""
BUILTINS = {
    "abs", "all", "any", "bool", "bytes", "chr", "dict", "divmod", "enumerate", "filter", "float", "format",
    "frozenset", "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min", "next", "object", "ord",
    "pow", "print", "property", "range", "repr", "reversed", "round", "set", "slice", "sorted", "staticmethod", "str",
    "sum", "super", "tuple", "type", "zip", "ValueError", "TypeError", "KeyError", "Exception", "NotImplementedError",
    "__name__", "__build_class__", "True", "False", "None", "AssertionError",
}  # fmt: skip
"""Python's own functions that look at nothing but what they are given."""
LOOKING = {
    "now", "today", "utcnow", "fromtimestamp", "astimezone", "environ", "getenv", "sparkSession", "sparkContext",
    "sql_ctx", "builder", "getActiveSession", "active", "rdd", "_jvm", "_jdf", "_jc", "_sc", "_gateway", "__dict__",
    "__globals__", "__builtins__", "__subclasses__",
}  # fmt: skip
"""Names by which a function gets to a clock, the environment or a session."""
NAMES_OF_ALL = {"LOAD_GLOBAL", "LOAD_NAME"}


def premises(job: Job, sources: Mapping[str, StructType], surroundings: str) -> str:
    """A digest of what the job's fingerprint follows from; empty where something may be out of sight.

    sources: the columns of its sources.   surroundings: a digest of Spark and its settings, empty where unknown.
    """
    if not (job.files and surroundings):
        return ""
    try:
        told = _InSight().told([job.map, job.reduce, job.key, job.sources], "itself")
    except Exception:  # whatever a value does when it is looked at: of this job nothing is claimed
        return ""
    columns = {name: schema.jsonValue() for name, schema in sources.items()}
    decisive = [surroundings, source_digest(job.files), told, columns]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:32]


class _InSight(Bytecode):
    """A walk that ends, with UsageError, at the first thing that may look at something else."""

    def told(self, value: Any, name: str) -> Any:
        if isinstance(value, FunctionType | type) and _is_lakemills(value.__module__):
            return ["lakemill", value.__module__, value.__qualname__]
        if _is_lakemills(type(value).__module__) and is_dataclass(value):
            shown = {field.name: getattr(value, field.name) for field in fields(value)}
            return ["lakemill", type(value).__qualname__, self.told(shown, name)]
        return super().told(value, name)

    def library(self, value: Any, name: str) -> Any:
        if isinstance(value, ModuleType) and not is_installed(value):
            return super().library(value, name)  # the job's own: what is used of it is walked through
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        known = str(module).partition(".")[0] in IN_SIGHT and callable(value) | isinstance(value, ModuleType)
        if not known or (module == "builtins" and value.__name__ not in BUILTINS):
            raise UsageError(f'uses "{name}" of {module}')
        return [str(module), *super().library(value, name)]

    def code(self, code: CodeType, known: dict[str, Any]) -> list[Any]:
        steps = instructions(code)
        unknown = {step.argval for step in steps if step.opname in NAMES_OF_ALL} - known.keys() - BUILTINS
        # The code of a class names what it defines before.
        unknown -= {step.argval for step in steps if step.opname == "STORE_NAME"}
        looking = LOOKING & {*code.co_names}
        if unknown or looking:
            raise UsageError(f"uses {', '.join(sorted(unknown | looking))}")
        return super().code(code, known)


def _is_lakemills(module: str | None) -> bool:
    return str(module).partition(".")[0] == "lakemill"
