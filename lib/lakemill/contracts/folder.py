"""The folder conf/contracts: which tables have a contract, and whether the contracts fit the jobs and each other."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakemill.contracts.consistency import TABLE
from lakemill.contracts.contract import Contract
from lakemill.contracts.document import ContractError, Document, Problem, Where, document_of
from lakemill.contracts.reader import contract_of
from lakemill.contracts.rules import Reference, TableRule, Totals
from lakemill.errors import UsageError, did_you_mean
from lakemill.job import Job

FOLDER = Path("conf", "contracts")
SUFFIX = ".yaml"


@dataclass(frozen=True)
class ContractFile:
    """A file, what stands in it, and the contract that it is; which is not to be used where there are problems."""

    path: Path
    document: Document
    contract: Contract

    @property
    def problems(self) -> list[Problem]:
        """All problems met so far."""
        return self.document.problems


def contract_path(root: Path, table: str) -> Path:
    """Where a table's contract is, if it has one."""
    return root / FOLDER / f"{table}{SUFFIX}"


def contract_files(root: Path) -> list[ContractFile]:
    """All contracts of a project, by the names of their files."""
    folder = root / FOLDER
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [read_file(path) for path in paths if not path.name.startswith(".")]
    for file in files:
        if file.path.suffix != SUFFIX and not file.problems:
            file.document.note((), f"a contract's file ends in {SUFFIX}; rename it.")
    return files


def read_file(path: Path) -> ContractFile:
    """The contract of a file with the problems in it; raises UsageError where it cannot be read."""
    try:
        document = document_of(path.read_bytes(), str(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ContractError as error:
        broken = Document(str(path), problems=list(error.problems))
        return ContractFile(path, broken, Contract(path.stem, ()))
    return ContractFile(path, document, contract_of(document))


def load_contracts(root: Path, jobs: Mapping[str, Job], places: Iterable[str] = ()) -> dict[str, Contract]:
    """The contracts of a project by their tables; raises ContractError with all that does not fit.

    places: tables that no job makes but conf knows.
    """
    files = contract_files(root)
    check_together(files, (), jobs, places)
    problems = [problem for file in files for problem in file.document.placed()]
    if problems:
        raise ContractError(problems)
    return {file.contract.table: file.contract for file in files}


def check_together(
    files: Iterable[ContractFile],
    others: Iterable[ContractFile],
    jobs: Mapping[str, Job],
    places: Iterable[str] = (),
) -> None:
    """Note in files what does not fit the jobs, or the other contracts of the project."""
    contracts = {file.contract.table: file.contract for file in (*others, *files) if not file.problems}
    tables = {*jobs, *places, *(source for job in jobs.values() for source in job.sources)}
    for file in files:
        if not file.problems:
            for where, what in _misfits(file, contracts, jobs, tables):
                file.document.note(where, what)


def _misfits(
    file: ContractFile, contracts: Mapping[str, Contract], jobs: Collection[str], tables: Collection[str]
) -> Iterator[tuple[Where, str]]:
    contract = file.contract
    if file.path.parent.name == FOLDER.name and file.path.stem != contract.table:
        yield (*TABLE, "name"), f'a contract is named for its table, so "{contract.table}{SUFFIX}" was expected.'
    if contract.table not in jobs:
        hint = did_you_mean(contract.table, jobs)
        yield (*TABLE, "name"), f'no job makes a table "{contract.table}", so nothing would keep it. {hint}'
    for rule in contract.table_rules:
        for table, columns in _others(rule):
            where = _place(contract, rule)
            if table not in tables:
                yield where, f'it names the table "{table}", which no job makes or reads. {did_you_mean(table, tables)}'
            elif table in contracts:
                yield from _lacking(where, columns, contracts[table])
        if isinstance(rule.demand, Reference) and rule.demand.table in contracts:
            yield from _unlike(_place(contract, rule), contract, rule.demand, contracts[rule.demand.table])


def _others(rule: TableRule) -> Iterator[tuple[str, list[str]]]:
    """The other tables that a rule reads, with their columns."""
    demand = rule.demand
    if isinstance(demand, Reference):
        yield demand.table, list(demand.keys)
    if isinstance(demand, Totals) and demand.table:
        yield demand.table, [*demand.by, *(each.column for each in demand.others if each.column)]


def _place(contract: Contract, rule: TableRule) -> Where:
    if rule in contract.own_table_rules:
        return (*TABLE, "relationships" if isinstance(rule.demand, Reference) else "quality", rule.name)
    name = rule.demand.columns[0] if isinstance(rule.demand, Reference) else ""
    return (*TABLE, "properties", name, "relationships")


def _lacking(where: Where, columns: Iterable[str], other: Contract) -> Iterator[tuple[Where, str]]:
    names = [column.name for column in other.columns]
    for column in columns:
        if column not in names:
            hint = did_you_mean(column, names)
            yield where, f'the contract of {other.table} has no column "{column}". {hint}'


def _unlike(where: Where, contract: Contract, reference: Reference, other: Contract) -> Iterator[tuple[Where, str]]:
    """Columns that could never meet, being of other types."""
    for name, key in zip(reference.columns, reference.keys, strict=True):
        mine, theirs = contract.column(name), other.column(key)
        if mine and theirs and (mine.physical == "string") != (theirs.physical == "string"):
            yield where, f"{name} is {mine.physical}, and {other.table}.{key} is {theirs.physical}: they never meet."
