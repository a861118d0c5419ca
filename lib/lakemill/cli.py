"""The command line: `lakemill run | explain | verify | status | graph | history | init`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lakemill.conf import find_root, load_conf
from lakemill.core.plan import POLICIES
from lakemill.errors import LakemillError
from lakemill.explain import explain
from lakemill.graph import load_jobs, ordered, select
from lakemill.init import init
from lakemill.job import Dump, Job
from lakemill.observe.runs import FAILED, LEDGER, SKIPPED, Run, history, latest
from lakemill.refresh import World
from lakemill.runner import open_world, run_tables
from lakemill.show import busy, show
from lakemill.verify import Verification, verify


def command() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str], start: Path | None = None) -> int:
    """Run one command in the project at or above `start` (the current folder); its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.do(asked, start or Path.cwd()))
    except LakemillError as error:
        print(f"lakemill: {error}", file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lakemill", description="Keeps a lakehouse of Delta tables right, fresh and cheap."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(
        name: str, do: Callable[[argparse.Namespace, Path], int], text: str, tables: str = ""
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(do=do)
        one.add_argument("--json", action="store_true", help="print JSON")
        if tables:
            one.add_argument(
                "tables" if tables == "*" else "table", metavar="TABLE", nargs="*" if tables == "*" else None
            )
        return one

    run = add("run", _run, "bring tables up to date, in order (none named: all; +name: with all it reads)", "*")
    run.add_argument("--policy", choices=POLICIES, default="auto", help="update refuses to rebuild")
    run.add_argument("--env", choices=["local"], default="local", help="where to run")
    add("explain", _explain, "what a run would do to a table, and why", "1")
    add("verify", _verify, "recompute tables at their recorded versions and compare", "*")
    add("status", _status, "every table: rows, version, last run")
    add("graph", _graph, "which table reads which, in order")
    add("history", _history, "the recorded runs of a table", "1")
    starts = add("init", _init, "start a project on an existing Delta table of yours")
    starts.add_argument("folder", type=Path)
    starts.add_argument("--table", default="raw.events", metavar="LAYER.NAME", help="what to call your table")
    starts.add_argument("--at", required=True, metavar="PATH", help="where your Delta table is")
    return parser


def _open(start: Path) -> tuple[World, dict[str, Job]]:
    conf = load_conf(find_root(start))
    jobs = load_jobs(Path(conf.jobs))
    ordered(jobs)
    return open_world(conf), jobs


def _run(asked: argparse.Namespace, start: Path) -> int:
    select(load_jobs(Path(load_conf(find_root(start)).jobs)), asked.tables)
    with busy(asked.json) as say:
        world, jobs = _open(start)
        outcome = run_tables(world, jobs, asked.tables, asked.policy, begins=say)
    show([_line(run) for run in outcome.runs], asked.json)
    for run in outcome.runs:
        if run.status in (FAILED, SKIPPED):
            print(f"lakemill: {run.error or run.status}", file=sys.stderr)
    if outcome.unrecorded:
        print(f"lakemill: {outcome.unrecorded}", file=sys.stderr)
    return outcome.exit_code


def _line(run: Run) -> dict[str, Any]:
    """A run as one line."""
    return {
        "table": run.target,
        "plan": run.plan if run.status not in (FAILED, SKIPPED) else run.status,
        "reason": run.reason,
        "rows in": run.rows_in,
        "rows out": run.rows_out,
        "keys touched": run.keys_touched,
        "recomputed": run.keys_recomputed,
        "version": run.version,
        "seconds": run.seconds,
    }


def _explain(asked: argparse.Namespace, start: Path) -> int:
    world, jobs = _open(start)
    (name,) = select(jobs, [asked.table])[:1]
    found = explain(world, jobs[name])
    if asked.json:
        show([vars(found)], as_json=True)
        return 0
    print(f"{found.target}: {found.plan}, {found.reason}" + (f" ({found.detail})" if found.detail else ""))
    for title, said in (("source", found.sources), ("reduce", found.reducers)):
        for key, value in said.items():
            print(f"  {title}   {key}: {value}")
    print(f"  a removal: {found.removal}")
    for word, operator in found.steps:
        print(f"  {word:8} {operator}")
    return 0


def _verify(asked: argparse.Namespace, start: Path) -> int:
    with busy(asked.json) as say:
        world, jobs = _open(start)
        found = []
        for name in select(jobs, asked.tables):
            say(f"verifying {name}")
            found.append(verify(world, jobs[name]))
    show([_verified(one) for one in found], asked.json)
    wrong = [one for one in found if not one.equal]
    for one in wrong:
        for difference in one.differences[:20]:
            print(
                f"lakemill: {one.target}: {difference.kind} at {difference.row}: "
                f"stored {difference.stored or 'nothing'}, expected {difference.expected or 'nothing'}",
                file=sys.stderr,
            )
        print(
            f"lakemill: {one.target} differs. `lakemill run {one.target} --policy rebuild` mends it.", file=sys.stderr
        )
    return 1 if wrong else 0


def _verified(one: Verification) -> dict[str, Any]:
    made_from = ", ".join(f"{name} {version}" for name, version in one.versions.items()) or "the landing"
    return {
        "table": one.target,
        "verified": "equal" if one.equal else "differs",
        "version": one.version,
        "made from": made_from,
        "rows that differ": one.unequal_rows,
    }


def _status(asked: argparse.Namespace, start: Path) -> int:
    world, jobs = _open(start)
    runs = latest(world.lake.table(LEDGER))
    show([_state(world, name, runs.get(name, {})) for name in ordered(jobs)], asked.json)
    return 0


def _state(world: World, name: str, run: dict[str, Any]) -> dict[str, Any]:
    log = world.lake.table(name).log()
    return {
        "table": name,
        "rows": world.lake.table(name).pin().rows().count() if log.exists else None,
        "version": log.version if log.exists else None,
        "last run": _ago(run.get("started_at")),
        "plan": run.get("plan"),
        "reason": run.get("reason"),
        "seconds": run.get("seconds"),
        "status": run.get("status") or "never run",
    }


def _ago(when: datetime | None) -> str | None:
    if when is None:
        return None
    minutes = int((datetime.now(UTC) - when.astimezone(UTC)).total_seconds() // 60)
    return (
        f"{minutes} min ago"
        if minutes < 120
        else f"{minutes // 60} h ago"
        if minutes < 2880
        else f"{minutes // 1440} d ago"
    )


def _graph(asked: argparse.Namespace, start: Path) -> int:
    jobs = load_jobs(Path(load_conf(find_root(start)).jobs))
    rows = []
    for name in ordered(jobs):
        source = jobs[name].source
        reads = f"dumps of {source.feed}" if isinstance(source, Dump) else ", ".join(jobs[name].sources)
        rows.append({"table": name, "reads": reads})
    show(rows, asked.json)
    return 0


def _history(asked: argparse.Namespace, start: Path) -> int:
    world, jobs = _open(start)
    (name,) = select(jobs, [asked.table])[:1]
    ledger = world.lake.table(LEDGER)
    runs = [row.asDict() for row in history(ledger, name).collect()] if ledger.log().exists else []
    columns = [
        "started_at",
        "plan",
        "reason",
        "rows_in",
        "rows_out",
        "keys_touched",
        "version",
        "seconds",
        "status",
        "error",
    ]
    show(runs if asked.json else [{key: run[key] for key in columns} for run in runs], asked.json)
    return 0


def _init(asked: argparse.Namespace, start: Path) -> int:
    for path in init(start / asked.folder, asked.table, asked.at):
        print(f"wrote {path}")
    print(f"Next: cd {asked.folder} && lakemill run && lakemill verify && python -m pytest")
    return 0
