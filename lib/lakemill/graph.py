"""The graph of tables: which job makes which, in what order, inferred from what jobs read and write."""

import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

from pyspark import cloudpickle

from lakemill.errors import LakemillError, UsageError, did_you_mean
from lakemill.job import Job
from lakemill.modules import NO_JOBS, enter, jobs_among, place_of, sources, table_of


def load_jobs(folder: Path, workers: Path | None = None) -> dict[str, Job]:
    """Every job of a project by its target: gold.daily_sales is `job` in <folder>/gold/daily_sales.py.

    Each folder is a layer and each file in it a table's job, but for `shared` and names that begin with _ or a dot.
    `workers`: where Spark's Python workers find the modules of the jobs, if not in the same folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: the project has no folder of jobs; conf names it as `jobs:`.")
    enter(folder, workers)
    for path in jobs_among(folder):
        raise UsageError(
            f"{path} has a job, and {NO_JOBS} is the folder of what jobs share: no layer can be called so. Move it."
        )
    jobs = {}
    for path in sorted(folder.glob("*/*.py")):
        if table_of(path.relative_to(folder)):
            job = _load(path)
            jobs[job.target] = job
    return jobs


def load_job(path: Path) -> Job:
    """The job of one file; raises UsageError where it holds none, or one of another name."""
    enter(path.resolve().parent.parent)
    return _load(path)


def _load(path: Path) -> Job:
    name, folder = f"{path.parent.name}.{path.stem}", path.resolve().parent.parent
    try:
        module = _module(name, path)
        files = sources(folder, path.resolve())
    except LakemillError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}{place_of(error, folder)}"
        raise UsageError(f"{path} cannot be imported: {why}. Mend the file.") from error
    job = getattr(module, "job", None)
    if not isinstance(job, Job):
        raise UsageError(
            f"{path} has no job: a value `job = Job(...)` was expected. Modules that jobs import lie in "
            f"{path.parent.parent / NO_JOBS}, or have a name that begins with _."
        )
    if job.target != name:
        raise UsageError(
            f'{path}: its job makes "{job.target}"; a file is named for its table, so "{name}" was expected.'
        )
    object.__setattr__(job, "files", files)  # nobody has seen it yet
    return job


def _module(name: str, path: Path) -> ModuleType:
    """The module of a job file, imported once for as long as the project does not change.

    It is among the modules of Python, for dataclasses and postponed annotations look there for their names, and other
    jobs may import from it. Its functions still go to Spark's workers as values: a worker that imported the job file
    to find one would build the job again.
    """
    as_values: Any = cloudpickle.register_pickle_by_value
    known = sys.modules.get(name)
    if known and known.__file__ and Path(known.__file__).resolve() == path.resolve():
        as_values(known)
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        with _without_bytecode():
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    as_values(module)
    return module


@contextmanager
def _without_bytecode() -> Iterator[None]:
    """Python takes a file for the same whose time in seconds and length are: not so where programs write jobs."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def file_table(file: Path, jobs: Path) -> str:
    """The table that a job file makes, by its place; raises UsageError for a file elsewhere than among the jobs."""
    path = file.resolve()
    if not path.is_file() or path.parent.parent != jobs.resolve() or path.suffix != ".py":
        raise UsageError(f"{file} is no job file of the project: one lies at {jobs}/LAYER/NAME.py.")
    return f"{path.parent.name}.{path.stem}"


def ordered(jobs: Mapping[str, Job]) -> list[str]:
    """All tables that jobs make, each after those it reads and those that it comes after."""
    for name, job in jobs.items():
        for other in job.after:
            if other not in jobs:
                hint = did_you_mean(other, jobs)
                raise UsageError(f'{name}: it is to come after "{other}", which no job makes. {hint}')
    try:
        return list(
            TopologicalSorter(
                {name: sorted(job.waits_for & set(jobs)) for name, job in sorted(jobs.items())}
            ).static_order()
        )
    except CycleError as cycle:
        raise UsageError(f"Tables read each other in a circle: {' -> '.join(cycle.args[1])}.") from None


def upstream(jobs: Mapping[str, Job], name: str) -> set[str]:
    """The tables that jobs make on which this one depends, itself included."""
    return {name}.union(*(upstream(jobs, source) for source in jobs[name].waits_for if source in jobs))


def select(jobs: Mapping[str, Job], wanted: Sequence[str], alone: bool = False) -> list[str]:
    """The tables asked for, in order: names, patterns as silver.*, +name with all it depends on; none is all.

    With each table come those that it comes after and those that come with it, unless it is to be alone.
    """
    if not wanted:
        return ordered(jobs)
    chosen, order = set[str](), ordered(jobs)
    for asked in wanted:
        names = _matching(jobs, asked.removeprefix("+"))
        for name in names:
            chosen |= upstream(jobs, name) if asked.startswith("+") else {name}
    if alone:
        return [name for name in order if name in chosen]
    together = {name for name, job in jobs.items() if chosen & set(job.comes_with)}
    for name in order[::-1]:  # each before those that it comes after
        if name in chosen | together:
            together |= set(jobs[name].after)
    return [name for name in order if name in chosen | together]


def _matching(jobs: Iterable[str], asked: str) -> list[str]:
    names = [name for name in jobs if fnmatchcase(name, asked)]
    if not names:
        raise UsageError(f'No job makes a table "{asked}". {did_you_mean(asked, jobs)}')
    return names
