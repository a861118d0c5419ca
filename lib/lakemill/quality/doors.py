"""Doors: what contracts make of a project's jobs: tables of typed and judged rows, and their quarantines."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lakemill.conf import Conf
from lakemill.contracts.contract import Contract
from lakemill.contracts.folder import load_contracts
from lakemill.contracts.predicates import predicate_faults
from lakemill.contracts.writer import contract_text
from lakemill.errors import UsageError
from lakemill.graph import load_jobs
from lakemill.job import TABLE_NAME, Job
from lakemill.quality.checks import check_jobs, is_check, stopping
from lakemill.quality.front import INSTEAD, FrontDoor, PutAside
from lakemill.reducers import PerKey

ASIDE = "_quarantine"


def quarantine_of(target: str) -> str:
    """The table of the rows that a table's contract puts aside."""
    return f"{target}{ASIDE}"


def guarded_jobs(conf: Conf, workers: Path | None = None) -> dict[str, Job]:
    """Every job of a project by its target, held to its contract; `workers` as in `load_jobs`."""
    jobs = load_jobs(Path(conf.jobs), workers)
    return guarded(jobs, load_contracts(conf.root, jobs, conf.tables))


def guarded(jobs: Mapping[str, Job], contracts: Mapping[str, Contract]) -> dict[str, Job]:
    """The jobs, those of tables with a contract behind their front door, and the jobs of their quarantines.

    A table of dumps has no map; what its contract says is for deliveries.
    """
    made, held = dict(jobs), {target: contract for target, contract in contracts.items() if target in jobs}
    for target, contract in held.items():
        if not jobs[target].outside:
            _check_name(quarantine_of(target), f"the quarantine of {target}", jobs)
            made.update({job.target: job for job in _behind(jobs[target], contract)})
    for target, contract in held.items():
        for job in check_jobs(jobs[target], contract):
            _check_name(job.target, f"a check of {target}", made)
            made[job.target] = _with_files(job, _promised(jobs[target], contract))
    return _held_back(made)


def is_of_contract(job: Job) -> bool:
    """Whether a job makes a quarantine or a check, by a contract: it has no job file."""
    return isinstance(job.map, PutAside) or is_check(job)


def _held_back(made: Mapping[str, Job]) -> dict[str, Job]:
    """The jobs; each comes after the checks that may hold it back, those of severity `fail` of the tables it reads."""
    stops = stopping(made)
    return {
        name: job if is_check(job) else _after(job, [check for table in job.sources for check in stops.get(table, ())])
        for name, job in made.items()
    }


def _after(job: Job, checks: Iterable[str]) -> Job:
    added = [check for check in dict.fromkeys(checks) if check not in job.after]
    return _with_files(replace(job, after=(*job.after, *added)), job.files) if added else job


def _check_name(name: str, what: str, jobs: Mapping[str, Job]) -> None:
    """Raises UsageError where a table that a contract makes cannot have its name."""
    if name in jobs:
        raise UsageError(
            f"{name}: a job of yours makes it, or two rules do, and it is the name of {what}. Give yours another one."
        )
    if not TABLE_NAME.fullmatch(name):
        raise UsageError(
            f"{name} would be {what}, by its contract, and is too long for a table's name. Give the table, or the "
            "rule, a shorter one."
        )


def _behind(job: Job, contract: Contract) -> Iterator[Job]:
    """The table's job with typed and judged rows, and that of its quarantine, which comes before it in a run."""
    made, aside, whole = frozenset(job.reducers), quarantine_of(job.target), not isinstance(job.reduce, PerKey)
    _check_rules(job, contract, made)
    files = _promised(job, contract)
    door = FrontDoor(job.target, job.map, contract, made, whole)
    yield _with_files(replace(job, map=door, after=(*job.after, aside)), files)
    put_aside = PutAside(job.target, job.map, contract, made, whole)
    yield _with_files(Job(source=job.source, map=put_aside, target=aside), files)


def _promised(job: Job, contract: Contract) -> Mapping[str, str]:
    """The job's files, which are read as Python, and the contract as one more of them."""
    promised = {f"contract of {contract.table}": f"contract = {contract_text(contract)!r}"}
    return {**job.files, **promised} if job.files else {}


def _with_files(job: Job, files: Mapping[str, str]) -> Job:
    object.__setattr__(job, "files", files)  # nobody has seen it yet
    return job


def _check_rules(job: Job, contract: Contract, made: frozenset[str]) -> None:
    """Raises UsageError for a rule of rows over what the reduce makes, which no mapped row has."""
    given = [terms.name for terms in contract.columns if terms.name not in made]
    for rule in contract.row_rules:
        for fault in predicate_faults(rule.predicate, given):
            raise UsageError(
                f"{job.target}: by the rule {rule.name} of its contract no row of its map can be judged: "
                f"{fault.rstrip('. ')}. {INSTEAD}"
            )
