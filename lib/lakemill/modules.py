"""The modules that a project's jobs share: `from shared.products import delivered_products` is jobs/shared/products.py.

Python finds them because the jobs' folder is on its path, here and in the Python workers of Spark. A job file that is
started by itself (`python jobs/gold/x.py`) gets it there by its import of lakemill, which has to come first.
"""

import ast
import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path, PurePath
from typing import Any

from lakemill.errors import UsageError

NO_JOBS = "shared"
"""The folder among the jobs' that holds no layer of tables, but modules."""
CONTENT = "LAKEMILL_JOBS"
"""Spark keeps Python workers for the next task with the same environment. Jobs that changed are another one: a worker
that imported the old module would go on with it."""
JOBS_SETTING = re.compile(r"""^jobs\s*:\s*["']?([^"'#\n]+?)["']?\s*(?:#.*)?$""", re.MULTILINE)


@dataclass(frozen=True)
class Project:
    """The project whose modules Python finds. workers: the path on which Spark's Python workers find them.

    shares: whether there are modules beside the jobs. Without any, workers stay what they are: Spark starts others
    for another environment, which takes a second or more.
    """

    folder: Path
    workers: Path
    content: str
    shares: bool


class _Entered:
    """Python has one path and one table of modules, so it is in one project at a time."""

    project: Project | None = None


def enter(folder: Path, workers: Path | None = None) -> None:
    """Let Python find the modules of the jobs in this folder, as their files are now, and no other project's.

    `workers`: where Spark's Python workers find them, if not in the same folder.
    """
    folder = folder.resolve()
    _check_names(folder)
    files = plain_files(folder, "*.py")
    shares = any(table_of(path.relative_to(folder)) is None for path in files)
    project = Project(folder, workers or folder, _content(folder, files), shares)
    before, _Entered.project = _Entered.project, project
    if project == before:
        return
    if before:
        _forget(before)
    sys.path[:] = [str(folder), *(place for place in sys.path if place != str(folder))]
    importlib.invalidate_caches()
    _set_environment(os.environ, os.environ.get("PYTHONPATH", ""), before)
    context = getattr(sys.modules.get("pyspark.core.context"), "SparkContext", None)
    if context is not None and context._active_spark_context is not None:
        tell_workers(context._active_spark_context)


def tell_workers(context: Any) -> None:
    """Let the Python workers of this SparkContext find the modules. A function of such a module goes to them by its
    name, as Python pickles functions, and nothing but the path tells them what that is.
    """
    if _Entered.project:
        own = context.getConf().get("spark.executorEnv.PYTHONPATH", "")
        _set_environment(context.environment, own, None)


def _set_environment(environment: MutableMapping[str, str], path: str, before: Project | None) -> None:
    """The path that workers have anyway, with the modules' in front of it, if there are any."""
    project = _Entered.project
    assert project
    gone = {str(project.workers), str(before.workers) if before else ""}
    places = [place for place in path.split(os.pathsep) if place and place not in gone]
    wanted = {"PYTHONPATH": os.pathsep.join(places), CONTENT: ""}
    if project.shares:
        wanted = {"PYTHONPATH": os.pathsep.join([str(project.workers), *places]), CONTENT: project.content}
    for name, value in wanted.items():
        environment[name] = value
        if not value:
            del environment[name]


def _forget(project: Project) -> None:
    """Another project, or the same one after its files changed, has modules of the same names."""
    sys.path[:] = [place for place in sys.path if place != str(project.folder)]
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *list(getattr(module, "__path__", None) or [])]
        if name != "__main__" and any(place and project.folder in Path(place).parents for place in places):
            del sys.modules[name]


def _check_names(folder: Path) -> None:
    """Raise UsageError for a module that Python would take for one of its own."""
    for path in sorted(folder.iterdir()):
        named = path.suffix == ".py" or (path / "__init__.py").is_file()
        if named and path.stem in sys.stdlib_module_names:
            raise UsageError(f'{path} has the name of Python\'s own module "{path.stem}"; give it another one.')
        elsewhere = [place for place in sys.path if Path(place or ".").resolve() != folder]
        installed = PathFinder.find_spec(path.stem, elsewhere) if named and path.stem != NO_JOBS else None
        if installed and installed.origin:
            raise UsageError(f"{path} would stand in the place of {installed.origin}; give it another name.")


def jobs_among(folder: Path) -> list[Path]:
    """The shared modules that are jobs by what they hold: a value `job`, made by a call of `Job`."""
    shared = folder / NO_JOBS
    return [path for path in plain_files(shared, "*.py") if _has_job(path)] if shared.is_dir() else []


def _has_job(path: Path) -> bool:
    try:
        statements = ast.parse(path.read_bytes()).body
    except (SyntaxError, ValueError):  # the job that imports it tells what is wrong with it
        return False
    for node in statements:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = getattr(node.value.func, "attr", getattr(node.value.func, "id", ""))
            if called == "Job" and any(getattr(to, "id", "") == "job" for to in node.targets):
                return True
    return False


def plain_files(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder, in their order, without those that programs leave there."""

    def left_behind(path: Path) -> bool:
        return any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)

    return [path for path in sorted(folder.rglob(pattern)) if path.is_file() and not left_behind(path)]


def table_of(file: PurePath) -> str | None:
    """The table whose job a file among the jobs has to hold; None for one that holds none."""
    no_job = file.parts[0] == NO_JOBS or any(part.startswith(("_", ".")) for part in file.parts)
    return None if no_job or len(file.parts) != 2 or file.suffix != ".py" else f"{file.parts[0]}.{file.stem}"


def _content(folder: Path, files: Iterable[Path]) -> str:
    """A digest of all modules."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def sources(folder: Path, file: Path) -> dict[str, str]:
    """The text of a module's file and of all that it imports from this folder, and these import, by their names there.

    Imports are read, not done: one in a function counts, one by a computed name (importlib) is not seen.
    """
    texts: dict[str, str] = {}
    here = {path.name.partition(".")[0] for path in folder.iterdir()}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(folder).as_posix()
        if name not in texts:
            texts[name] = importlib.util.decode_source(path.read_bytes())
            own = [module for module in imports(name, texts[name]) if module.partition(".")[0] in here]
            waiting += [imported for module in own for imported in _files(folder, module)]
    return dict(sorted(texts.items()))


def imports(name: str, text: str) -> Iterator[str]:
    """What a module may import, by full names; a name that is taken from a package may be a module of it."""
    package = name.split("/")[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            near = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*near, *([node.module] if node.module else [])])
            yield from (module, *(f"{module}.{alias.name}" for alias in node.names))


def _files(folder: Path, module: str) -> Iterator[Path]:
    """The files that an import of this module runs: its own, and those of the packages that it is in."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:length])
        yield from (path for path in (place / "__init__.py", place.with_name(f"{place.name}.py")) if path.is_file())


def place_of(error: BaseException, folder: Path) -> str:
    """The innermost line of the project at which an error was raised, in brackets; empty where it is none of its."""
    place, trace = "", error.__traceback__
    while trace:
        file = Path(trace.tb_frame.f_code.co_filename)
        if folder in file.parents:
            place = f" ({file.relative_to(folder).as_posix()}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place


def find_for_main(file: str | None) -> None:
    """Let Python find the modules beside the job file that it was started with.

    This runs when lakemill is imported, in every Python worker too: it looks at names, and reads a file of a project.
    """
    if not file or not re.fullmatch(r"[a-z][a-z0-9_]*\.py", Path(file).name):
        return
    folder = Path(file).resolve().parent.parent
    for root in folder.parents:
        conf = root / "conf" / "base.yaml"
        if conf.is_file():
            named = JOBS_SETTING.search(conf.read_text(encoding="utf-8"))
            if (root / (named[1] if named else "jobs")).resolve() == folder and str(folder) not in sys.path:
                sys.path.insert(0, str(folder))
            return
