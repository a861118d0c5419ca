"""lakemill contract: check what conf/contracts promises, draft a contract, compare two, take one over, hand one on."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from lakemill.cli.project import Project, project_at
from lakemill.cli.show import complain, say, show
from lakemill.contracts.alterations import alterations
from lakemill.contracts.contract import Contract
from lakemill.contracts.document import ContractError
from lakemill.contracts.folder import (
    ContractFile,
    check_together,
    contract_files,
    contract_path,
    read_file,
)
from lakemill.contracts.importing import imported
from lakemill.contracts.infer import Draft, inferred
from lakemill.contracts.writer import contract_text
from lakemill.errors import UsageError, did_you_mean
from lakemill.job import TABLE_NAME

ACTIONS: Mapping[str, tuple[str, int, int]] = {
    "check": ("[FILE]", 0, 1),
    "infer": ("TABLE", 1, 1),
    "diff": ("OLD NEW", 2, 2),
    "import": ("FILE [TABLE]", 1, 2),
    "export": ("TABLE", 1, 1),
}
"""What each takes, at least and at most so many."""
LOOKED_AT = 10_000
"""Rows of which a contract is inferred."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, and with what."""
    told = "; ".join(f"{action} {takes}" for action, (takes, _, _) in ACTIONS.items())
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help=told)
    parser.add_argument("given", metavar="WITH", nargs="*", help="the files or tables that it is about")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Do what is asked for."""
    takes, least, most = ACTIONS[asked.action]
    if not least <= len(asked.given) <= most:
        raise UsageError(
            f"lakemill contract {asked.action} takes {takes}; given: {' '.join(asked.given) or 'nothing'}."
        )
    action: Callable[[argparse.Namespace, Path], int] = {
        "check": _check, "infer": _infer, "diff": _diff, "import": _import, "export": _export
    }[asked.action]  # fmt: skip
    return action(asked, start)


def _check(asked: argparse.Namespace, start: Path) -> int:
    """Every problem of the project's contracts, or of a file's; the exit code is 2 where there are some."""
    project = project_at(start, contracts=False)
    all_files = contract_files(project.conf.root)
    files = [_among(all_files, start / name) for name in asked.given] or all_files
    check_together(files, all_files, project.jobs, project.conf.tables)
    problems = [problem for file in files for problem in file.document.placed()]
    if asked.json:
        rows = [asdict(problem) for problem in problems]
        show([{name: row[name] for name in ("file", "line", "place", "what")} for row in rows], as_json=True)
    else:
        show([_summary(file) for file in files])
        for problem in problems:
            complain(str(problem))
    return UsageError.exit_code if problems else 0


def _among(files: list[ContractFile], path: Path) -> ContractFile:
    known = [file for file in files if file.path.resolve() == path.resolve()]
    return known[0] if known else read_file(path)


def _summary(file: ContractFile) -> Mapping[str, object]:
    contract = file.contract
    rules = sum(len(column.row_rules) for column in contract.columns) + len(contract.row_rules)
    return {
        "table": contract.table or file.path.stem,
        "version": contract.version,
        "columns": len(contract.columns),
        "row rules": rules,
        "table rules": len(contract.table_rules),
        "consumers": len(contract.consumers),
        "problems": len(file.problems),
    }


def _infer(asked: argparse.Namespace, start: Path) -> int:
    """A first contract of a table that is there, from its columns and its first rows."""
    from lakemill.sources.header import LINEAGE

    table = _table_name(asked.given[0])
    project = project_at(start, contracts=False)
    job = project.jobs.get(table)
    frame = project.lake().lake.table(table).pin().rows()
    own = LINEAGE if job and job.outside else ()
    types = {field.name: field.dataType.simpleString() for field in frame.schema.fields if field.name not in own}
    rows = [row.asDict() for row in frame.limit(LOOKED_AT).collect()]
    _say_draft(inferred(table, types, rows))
    return 0


def _table_name(name: str) -> str:
    if not TABLE_NAME.fullmatch(name):
        raise UsageError(f'"{name}" is no table name; one reads layer.name in small letters, as silver.sales.')
    return name


def _diff(asked: argparse.Namespace, start: Path) -> int:
    """What differs between two contracts; the exit code is 1 where that breaks somebody."""
    old, new = (_read(start / name) for name in asked.given)
    differing = alterations(old, new)
    rows = [asdict(each) | {"breaks": " and ".join(each.breaks)} for each in differing]
    show(rows, asked.json)
    broken = {who for each in differing for who in each.breaks}
    if broken and not asked.json:
        say(f"This breaks {' and '.join(sorted(broken))}.")
    return 1 if broken else 0


def _read(path: Path) -> Contract:
    file = read_file(path)
    if file.problems:
        raise ContractError(file.document.placed())
    return file.contract


def _import(asked: argparse.Namespace, start: Path) -> int:
    """Somebody else's contract as lakemill takes it."""
    path = start / asked.given[0]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    _say_draft(imported(content, str(path), *asked.given[1:]))
    return 0


def _say_draft(draft: Draft) -> None:
    """A contract as a file, begun with what a person should know of it."""
    for note in draft.notes:
        say(f"# {' '.join(note.split())}")
    say(contract_text(draft.contract).rstrip())


def _export(asked: argparse.Namespace, start: Path) -> int:
    """A table's contract in the newest version of the standard, with nothing left to be understood."""
    table = _table_name(asked.given[0])
    project: Project = project_at(start)
    path = contract_path(project.conf.root, table)
    if not path.is_file():
        known = [file.contract.table for file in contract_files(project.conf.root)]
        raise UsageError(f"{table} has no contract: there is no {path}. {did_you_mean(table, known)}")
    say(contract_text(_read(path)).rstrip())
    return 0
