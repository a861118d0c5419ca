"""The command line: `lakemill run | explain | verify | maintain | status | graph | history | package | init`."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lakemill.cli.show import busy, show, show_explanation, show_runs, show_upkeep, show_verified
from lakemill.conf import ENVIRONMENTS, Conf, find_root, load_conf
from lakemill.errors import LakemillError, UsageError, VersionsGone
from lakemill.graph import load_jobs, ordered, select
from lakemill.init import init
from lakemill.job import Dump, Job
from lakemill.observe.runs import LEDGER, history, latest
from lakemill.refresh.explain import explain
from lakemill.refresh.plan import POLICIES, UPDATE
from lakemill.runner import maintain_tables, open_world, run_tables
from lakemill.submit.package import DIST, package
from lakemill.verify import Verification, verify
from lakemill.world import World


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
    run.add_argument("--where", metavar="CONDITION", help="of one table: make the keys anew for which this holds")
    run.add_argument("--env", choices=ENVIRONMENTS, default="local", help="where to run")
    run.add_argument("--dry-run", action="store_true", help="print what would be sent to AWS, and send nothing")
    add("explain", _explain, "what a run would do to a table, and why", "1")
    checks = add("verify", _verify, "recompute tables at their recorded versions and compare", "*")
    checks.add_argument("--sample", type=float, default=1, metavar="F", help="of this fraction of the keys, as 0.01")
    checks.add_argument(
        "--update", action="store_true", help="where these versions are gone: update first, and verify at the new ones"
    )
    add("maintain", _maintain, "compact tables and remove what neither their settings nor their readers need", "*")
    add("status", _status, "every table: rows, version, last run")
    add("graph", _graph, "which table reads which, in order")
    add("history", _history, "the recorded runs of a table", "1")
    add("package", _package, "write the zip that a cluster runs")
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
    conf = load_conf(find_root(start), asked.env)
    tables = select(load_jobs(Path(conf.jobs)), asked.tables)
    if asked.env != "local":
        if asked.where:
            raise UsageError("--where makes keys anew here; it is not sent to a cluster yet. Leave --env out.")
        return _submit(conf, tables, asked)
    if asked.dry_run:
        raise UsageError("--dry-run shows what is sent to AWS; --env local sends nothing. See `lakemill explain`.")
    with busy(asked.json) as say:
        world, jobs = _open(start)
        outcome = run_tables(world, jobs, asked.tables, asked.policy, asked.where, begins=say)
    return show_runs(outcome, asked.json)


def _submit(conf: Conf, tables: list[str], asked: argparse.Namespace) -> int:
    from lakemill.submit.submit import ask, dry_run, submit  # boto3 is needed for this alone

    what = ask(conf, asked.env, tables, asked.policy)
    if asked.dry_run:
        print(json.dumps(dry_run(what), indent=2))
        return 0
    try:
        ended = submit(what, say=lambda text: print(f"lakemill: {text}", file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        raise LakemillError("The run may still be under way; the same command again finds it.") from None
    line = {"run": ended.run_id, "state": ended.state.name, "where": ended.place, "logs": ended.logs}
    show([line | {"reason": ended.state.reason or None, "seconds": ended.seconds}], asked.json)
    if not ended.state.done:
        why = ended.state.reason or "no reason is given; look at its logs"
        print(f"lakemill: {ended.place}: {ended.state.name}: {why}", file=sys.stderr)
    return 0 if ended.state.done else 1


def _package(asked: argparse.Namespace, start: Path) -> int:
    conf = load_conf(find_root(start))
    made = package(conf)
    show([{"sha256": made.sha256, "zip": str(made.write(conf.root / DIST)), "bytes": len(made.content)}], asked.json)
    return 0


def _explain(asked: argparse.Namespace, start: Path) -> int:
    world, jobs = _open(start)
    (name,) = select(jobs, [asked.table])[:1]
    show_explanation(explain(world, jobs[name]), asked.json)
    return 0


def _verify(asked: argparse.Namespace, start: Path) -> int:
    with busy(asked.json) as say:
        world, jobs = _open(start)
        found = []
        for name in select(jobs, asked.tables):
            say(f"verifying {name}")
            found.append(_verified_or_updated(world, jobs, name, asked))
    return show_verified(found, asked.json)


def _verified_or_updated(world: World, jobs: dict[str, Job], name: str, asked: argparse.Namespace) -> Verification:
    try:
        return verify(world, jobs[name], asked.sample)
    except VersionsGone:
        if not asked.update:
            raise
    # A rebuild would replace what is to be verified.
    outcome = run_tables(world, jobs, [name], UPDATE)
    if outcome.error:
        raise outcome.error
    return verify(world, jobs[name], asked.sample)


def _maintain(asked: argparse.Namespace, start: Path) -> int:
    with busy(asked.json) as say:
        world, jobs = _open(start)
        upkeep = maintain_tables(world, jobs, asked.tables, begins=say)
    return show_upkeep(upkeep, asked.json)


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
