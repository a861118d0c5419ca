"""The graph of tables: which job makes which, in what order, inferred from what jobs read and write."""

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from lakemill.errors import LakemillError, UsageError, did_you_mean
from lakemill.job import Job


def load_jobs(folder: Path) -> dict[str, Job]:
    """Every job of a project by its target: gold.daily_sales is `job` in <folder>/gold/daily_sales.py."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: the project has no folder of jobs; conf names it as `jobs:`.")
    jobs = {}
    for path in sorted(folder.glob("*/*.py")):
        if not path.name.startswith("_"):
            job = load_job(path)
            jobs[job.target] = job
    return jobs


def load_job(path: Path) -> Job:
    """The job of one file; raises UsageError where it holds none, or one of another name."""
    name = f"{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(f"lakemill_jobs.{name}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except LakemillError:
        raise
    except Exception as wrong:
        raise UsageError(f"{path} cannot be imported: {type(wrong).__name__}: {wrong}. Mend the file.") from wrong
    job = getattr(module, "job", None)
    if not isinstance(job, Job):
        raise UsageError(f"{path} has no job: a value `job = Job(...)` was expected.")
    if job.target != name:
        raise UsageError(
            f'{path}: its job makes "{job.target}"; a file is named for its table, so "{name}" was expected.'
        )
    return job


def file_table(file: Path, jobs: Path) -> str:
    """The table that a job file makes, by its place; raises UsageError for a file elsewhere than among the jobs."""
    path = file.resolve()
    if not path.is_file() or path.parent.parent != jobs.resolve() or path.suffix != ".py":
        raise UsageError(f"{file} is no job file of the project: one lies at {jobs}/LAYER/NAME.py.")
    return f"{path.parent.name}.{path.stem}"


def ordered(jobs: Mapping[str, Job]) -> list[str]:
    """All tables that jobs make, each after those it reads."""
    try:
        return list(
            TopologicalSorter(
                {name: sorted(set(job.sources) & set(jobs)) for name, job in sorted(jobs.items())}
            ).static_order()
        )
    except CycleError as cycle:
        raise UsageError(f"Tables read each other in a circle: {' -> '.join(cycle.args[1])}.") from None


def upstream(jobs: Mapping[str, Job], name: str) -> set[str]:
    """The tables that jobs make on which this one depends, itself included."""
    return {name}.union(*(upstream(jobs, source) for source in jobs[name].sources if source in jobs))


def select(jobs: Mapping[str, Job], wanted: Sequence[str]) -> list[str]:
    """The tables asked for, in order: names, patterns as silver.*, +name with all it depends on; none is all."""
    if not wanted:
        return ordered(jobs)
    chosen, order = set[str](), ordered(jobs)
    for asked in wanted:
        found = _matching(jobs, asked.removeprefix("+"))
        for name in found:
            chosen |= upstream(jobs, name) if asked.startswith("+") else {name}
    return [name for name in order if name in chosen]


def _matching(jobs: Iterable[str], asked: str) -> list[str]:
    found = [name for name in jobs if fnmatchcase(name, asked)]
    if not found:
        raise UsageError(f'No job makes a table "{asked}". {did_you_mean(asked, jobs)}')
    return found
