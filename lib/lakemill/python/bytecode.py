"""A Python function as a text that changes when what it does may change, and with nothing else.

Spark's plan shows of a pandas function only its name. So a function is its bytecode, its constants and names, the
values it closes over and the functions it calls; never an address in memory, a file, a line or a docstring.
"""

import dis
import functools
import hashlib
import importlib
import json
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from types import BuiltinFunctionType, CodeType, EllipsisType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any

from pyspark.sql.types import DataType

from lakemill.errors import UsageError

PLAIN = (
    NoneType, EllipsisType, bool, int, float, complex, str, bytes, Decimal, date, time, timedelta, tzinfo, Enum,
    re.Pattern, DataType, range, slice,
)  # fmt: skip
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
NAMED = {"LOAD_GLOBAL", "LOAD_NAME", "IMPORT_NAME"}
_AS_AT_FIRST = ContextVar("as_at_first", default=False)


@contextmanager
def as_at_first() -> Iterator[None]:
    """Digest functions as lakemill did at first, docstrings included: for tables that were made then."""
    token = _AS_AT_FIRST.set(True)
    try:
        yield
    finally:
        _AS_AT_FIRST.reset(token)


def digest(function: Callable[..., Any]) -> str:
    """A digest of the function and of all that it uses; installed libraries count by their names.

    Raises UsageError where it uses a value that cannot be told from another of its type.
    """
    return hashlib.sha256(json.dumps(Bytecode().told(function, "itself")).encode()).hexdigest()


class Bytecode:
    """One walk from a function to all that it uses; what was met before is named by its place."""

    def __init__(self) -> None:
        self.met: dict[int, tuple[int, Any]] = {}

    def told(self, value: Any, name: str) -> Any:
        """The value as lists of texts; `name`: what the code calls it."""
        kind = type(value).__qualname__
        if isinstance(value, PLAIN):
            return [kind, repr(value)]
        if isinstance(value, tuple):  # a constant: whether equal ones are one object says nothing
            return [kind, *[self.told(part, name) for part in value]]
        if isinstance(value, ModuleType | BuiltinFunctionType) or is_installed(value):
            return self.library(value, name)
        if id(value) in self.met:
            return ["met", self.met[id(value)][0]]
        self.met[id(value)] = (len(self.met), value)
        return [kind, *self._parts(value, name)]

    def library(self, value: Any, name: str) -> Any:
        """What is part of Python, of an installed library or of Spark: its name."""
        return [type(value).__qualname__, getattr(value, "__qualname__", getattr(value, "__name__", ""))]

    def code(self, code: CodeType, known: dict[str, Any]) -> list[Any]:
        """The code as lists of texts; known: the globals of the function that it is of."""
        arguments = code.co_argcount + code.co_kwonlyargcount
        steps, constants = (code.co_code.hex(), code.co_consts) if _AS_AT_FIRST.get() else _steps(code)
        plain = [steps, code.co_exceptiontable.hex(), code.co_names, code.co_varnames[:arguments]]
        consts = [
            self.code(constant, known) if isinstance(constant, CodeType) else self.told(constant, "a constant")
            for constant in constants
        ]
        used = [[name, self.told(value, name)] for name, value in _used(code, known)]
        return [plain, code.co_flags, code.co_freevars, code.co_cellvars, consts, used]

    def _parts(self, value: Any, name: str) -> list[Any]:
        if isinstance(value, list):
            return [self.told(part, name) for part in value]
        if isinstance(value, set | frozenset):
            return sorted((self.told(part, name) for part in value), key=json.dumps)
        if isinstance(value, dict):
            return [[self.told(key, name), self.told(part, name)] for key, part in value.items()]
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, CodeType):
            return self.code(value, {})
        if isinstance(value, functools.partial):
            return [self.told(part, name) for part in (value.func, value.args, value.keywords)]
        if isinstance(value, MethodType | staticmethod | classmethod):
            return [self.told(part, name) for part in (value.__func__, getattr(value, "__self__", None))]
        if isinstance(value, property):
            return [self.told(part, name) for part in (value.fget, value.fset)]
        if isinstance(value, type):
            return self._class(value)
        if hasattr(value, "__dict__") and not is_installed(type(value)):
            return [self.told(type(value), name), self.told(vars(value), name)]
        raise UsageError(
            f'uses "{name}", a {type(value).__module__}.{type(value).__qualname__}: lakemill cannot see when such a '
            "value changes. Use numbers, texts, dates, lists, dicts and functions"
        )

    def _function(self, function: FunctionType) -> list[Any]:
        closed = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        values = {name: cell.cell_contents for name, cell in closed.items() if _filled(cell)}
        code = self.code(function.__code__, function.__globals__)
        defaults = self.told([function.__defaults__, function.__kwdefaults__], f"the defaults of {function.__name__}")
        return [code, defaults, {name: self.told(value, name) for name, value in values.items()}]

    def _class(self, kind: type) -> list[Any]:
        """What a class of the user's own does: its methods, its plain values and its parents'."""
        shown = (FunctionType, staticmethod, classmethod, property, *PLAIN)
        held = (list, tuple, dict, set, frozenset, type, functools.partial)
        members = {
            name: value
            for name, value in vars(kind).items()
            if isinstance(value, (*shown, *(() if name.startswith("__") else held)))
            and name not in ("__doc__", "__module__", "__firstlineno__")
        }
        return [
            kind.__qualname__,
            [self.told(parent, parent.__name__) for parent in kind.__bases__],
            *self._parts(members, ""),
        ]


@functools.lru_cache(1024)
def instructions(code: CodeType) -> tuple[dis.Instruction, ...]:
    """The code's instructions, which are asked for several times."""
    return tuple(dis.get_instructions(code))


def _steps(code: CodeType) -> tuple[list[Any], Sequence[Any]]:
    """The code's instructions, and the constants that they take by their order: among all there is the docstring."""
    places: dict[int, int] = {}
    steps = [
        [step.opcode, places.setdefault(step.arg or 0, len(places)) if step.opcode in dis.hasconst else step.arg]
        for step in instructions(code)
    ]
    return steps, [code.co_consts[place] for place in places]


def _used(code: CodeType, known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The globals that the code names; of a module of the user's own also what the code may take from it."""
    names = {step.argval: step.opname for step in instructions(code) if step.opname in NAMED}
    for name, how in sorted(names.items()):
        value = _imported(name) if how == "IMPORT_NAME" else known.get(name)
        yield name, value
        if isinstance(value, ModuleType):
            yield from _taken(value, code.co_names, {id(value)})


def _taken(module: ModuleType, names: Sequence[str], met: set[int]) -> Iterator[tuple[str, Any]]:
    """What code of these names may take from a module of the user's own, and from the modules in it."""
    if is_installed(module):
        return
    for name in names:
        if hasattr(module, name):
            value = getattr(module, name)
            yield name, value
            if isinstance(value, ModuleType) and id(value) not in met:
                met.add(id(value))
                yield from _taken(value, names, met)


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _filled(cell: Any) -> bool:
    """A cell is empty while its function is being defined."""
    try:
        return cell.cell_contents is not None or True
    except ValueError:
        return False


def is_installed(value: Any) -> bool:
    """Whether it is part of Python or of an installed library, or an object of Spark's, which the plan shows."""
    if isinstance(value, FunctionType):
        return value.__code__.co_filename.startswith((*LIBRARIES, "<frozen"))
    if isinstance(value, ModuleType | type):
        name = value.__name__ if isinstance(value, ModuleType) else value.__module__
        file = getattr(value if isinstance(value, ModuleType) else sys.modules.get(name), "__file__", None)
        return name in sys.builtin_module_names or (file is not None and file.startswith(LIBRARIES))
    return type(value).__module__.startswith("pyspark.sql.")
