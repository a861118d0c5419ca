"""lakemill run: bring tables up to date, here or on a cluster."""

import argparse
import json
import signal
from pathlib import Path

from lakemill.cli.busy import busy
from lakemill.cli.project import Project, project_at
from lakemill.cli.show import Row, complain, say, show
from lakemill.conf import ENVIRONMENTS
from lakemill.errors import Stopped, UsageError
from lakemill.graph import select
from lakemill.observe.runs import FAILED, REFUSED, SKIPPED, STOPPED, Run
from lakemill.quality.doors import is_of_contract
from lakemill.refresh.idle import idle_tables
from lakemill.refresh.plan import POLICIES, POLICY_NAMES
from lakemill.runner import Outcome, run_tables, side_by_side


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables, how, and where."""
    parser.add_argument("tables", metavar="TABLE", nargs="*")
    parser.add_argument("--policy", type=policy, choices=POLICIES, default="auto", help="update refuses to rebuild")
    parser.add_argument("--threads", type=whole_number, default=side_by_side(), metavar="N", help="tables at a time")
    parser.add_argument("--profile", action="store_true", help="print what each stage of each table costs")
    parser.add_argument("--where", metavar="CONDITION", help="of one table: make the keys anew for which this holds")
    parser.add_argument("--env", choices=ENVIRONMENTS, default="local", help="where to run")
    parser.add_argument("--dry-run", action="store_true", help="print what would be sent to AWS, and send nothing")


def policy(name: str) -> str:
    """A policy, by its name or by what other tools call it: incremental, full."""
    return POLICY_NAMES.get(name, name)


def whole_number(text: str) -> int:
    """A number of threads."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def does(asked: argparse.Namespace, start: Path) -> int:
    """Run the tables asked for."""
    if asked.env != "local":
        return _submit(project_at(start, asked.env), asked)
    if asked.dry_run:
        raise UsageError("--dry-run shows what is sent to AWS; --env local sends nothing. See `lakemill explain`.")
    with busy(asked.json) as tell:
        project = project_at(start)
        names = select(project.jobs, asked.tables)  # a name that no job has is told before Spark starts
        jobs = [] if asked.where else [project.jobs[name] for name in names]
        idle = idle_tables(project.conf, jobs, asked.policy)
        if [*idle.runs] != names:
            outcome = run_tables(
                project.lake(), project.jobs, asked.tables, asked.policy, asked.where, tell, threads=asked.threads,
                profiled=asked.profile, idle=idle,
            )  # fmt: skip
            return show_runs(outcome, asked.json, asked.profile)
    complain("nothing is new: the tables' logs and the landing tell it, so Spark was not started.")
    return show_runs(Outcome([*idle.runs.values()]), asked.json)


def _submit(project: Project, asked: argparse.Namespace) -> int:
    from lakemill.submit.libraries import remarks  # boto3 is needed for this alone
    from lakemill.submit.submit import ask, dry_run, submit

    # What contracts make has no job file; there, too, it comes with its table.
    tables = [name for name in select(project.jobs, asked.tables) if not is_of_contract(project.jobs[name])]
    if asked.tables and not tables:
        raise UsageError(
            f"{', '.join(asked.tables)}: made by a contract, without a job file. Run the contract's table."
        )
    if asked.where:
        raise UsageError("--where makes keys anew here; it is not sent to a cluster yet. Leave --env out.")
    what = ask(project.conf, asked.env, tables, asked.policy)
    for remark in remarks(project.conf, what.artifact, tables):
        complain(remark)
    if asked.dry_run:
        say(json.dumps(dry_run(what), indent=2))
        return 0
    try:
        ended = submit(what, say=complain)
    except KeyboardInterrupt as interrupt:
        number = getattr(interrupt, "number", signal.SIGINT)
        raise Stopped("The run may still be under way; the same command again finds it.", number) from None
    line = {"run": ended.run_id, "state": ended.state.name, "where": ended.place, "logs": ended.logs}
    show([line | {"reason": ended.state.reason or None, "seconds": ended.seconds}], asked.json)
    if not ended.state.done:
        why = ended.state.reason or "no reason is given; look at its logs"
        complain(f"{ended.place}: {ended.state.name}: {why}")
    return 128 + signal.SIGINT if ended.interrupted else 0 if ended.state.done else 1


def show_runs(outcome: Outcome, as_json: bool = False, profiled: bool = False) -> int:
    """What a run did, a line a table, and what failed; the command's exit code.

    profiled: then what each stage cost, a line a stage; in JSON it stands with the table's line.
    """
    lines = [_line(run) for run in outcome.runs]
    if profiled and as_json:
        lines = [{**line, "stages": _stages(run)} for line, run in zip(lines, outcome.runs, strict=True)]
    show(lines, as_json)
    if profiled and not as_json:
        show([{"table": run.target, **stage} for run in outcome.runs for stage in _stages(run)])
    for run in outcome.runs:
        if run.status in (FAILED, REFUSED, SKIPPED):
            complain(run.error or run.status)
        if run.remark:
            complain(f"{run.target}: {run.remark}")
    if outcome.unrecorded:
        complain(outcome.unrecorded)
    if isinstance(outcome.error, Stopped):
        complain(str(outcome.error))
    return outcome.exit_code


def _line(run: Run) -> Row:
    """A run as one line."""
    return {
        "table": run.target,
        "plan": run.status if run.status in (FAILED, REFUSED, SKIPPED, STOPPED) else run.plan,
        "reason": run.reason,
        "rows in": run.rows_in,
        "quarantined": run.rows_quarantined,
        "rows out": run.rows_out,
        "keys touched": run.keys_touched,
        "recomputed": run.keys_recomputed,
        "version": run.version,
        "seconds": run.seconds,
    }


def _stages(run: Run) -> list[Row]:
    """What each stage of a run cost."""
    stages = run.profile.stages if run.profile else {}
    return [
        {
            "stage": name,
            "seconds": round(cost.seconds, 3),
            "spark jobs": cost.spark_jobs,
            "JVM calls": cost.jvm_calls,
            "bytes read": cost.bytes_read,
        }
        for name, cost in stages.items()
    ]
