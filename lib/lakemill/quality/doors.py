"""Doors: what contracts make of a project's jobs: tables of typed and judged rows, and their quarantines."""

from collections.abc import Iterator, Mapping
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
    made = dict(jobs)
    for target, contract in contracts.items():
        if target in jobs and not jobs[target].outside:
            _check_name(quarantine_of(target), target, jobs)
            made.update({job.target: job for job in _behind(jobs[target], contract)})
    return made


def is_quarantine(job: Job) -> bool:
    """Whether a job makes the quarantine of another one's table; it has no job file."""
    return isinstance(job.map, PutAside)


def _check_name(aside: str, target: str, jobs: Mapping[str, Job]) -> None:
    """Raises UsageError where the quarantine of a table cannot have its name."""
    if aside in jobs:
        raise UsageError(
            f"{aside}: a job of yours makes it, and it is the name of the quarantine of {target}, which has a "
            "contract. Give your table another name."
        )
    if not TABLE_NAME.fullmatch(aside):
        raise UsageError(
            f"{target}: it has a contract, so its quarantine is {aside}, which is too long for a table's name. Give "
            "the table a shorter one."
        )


def _behind(job: Job, contract: Contract) -> Iterator[Job]:
    """The table's job with typed and judged rows, and that of its quarantine, which comes before it in a run."""
    made, aside, whole = frozenset(job.reducers), quarantine_of(job.target), not isinstance(job.reduce, PerKey)
    _check_rules(job, contract, made)
    # What a job's files say is read as Python; the contract is one more of them.
    promised = {f"contract of {contract.table}": f"contract = {contract_text(contract)!r}"}
    files = {**job.files, **promised} if job.files else {}
    door = FrontDoor(job.target, job.map, contract, made, whole)
    yield _with_files(replace(job, map=door, after=(*job.after, aside)), files)
    put_aside = PutAside(job.target, job.map, contract, made, whole)
    yield _with_files(Job(source=job.source, map=put_aside, target=aside), files)


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
