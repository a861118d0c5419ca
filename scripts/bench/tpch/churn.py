"""TPC-H under churn: its 22 queries as tables that are kept by update, each answer held against DuckDB's.

    python scripts/bench/tpch/churn.py --scale 0.1 --refreshes functions all

After each refresh every table is updated by lakemill (rebuilt, with the reason, where no update can do it), and made
beside it by the fastest rebuild known: one Spark query from the source tables, nothing between written, overwritten.
All the answers that the tables then hold are compared with DuckDB's over the same sources. A query that is a chain of
jobs counts as the sum of them.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from answers import Answers, table_rows
from dbgen import ROOT, TABLES, generated
from pyspark.sql import DataFrame
from refreshes import KINDS, Churn

from lakemill.cli.show import say, show
from lakemill.conf import load_conf
from lakemill.core.mapreduce import target_rows, totals
from lakemill.core.reduction import STATE, reduction
from lakemill.errors import UsageError, in_words
from lakemill.graph import load_jobs, select
from lakemill.job import Job
from lakemill.lake.session import start_session
from lakemill.lake.tables import Lake
from lakemill.observe.ledger import record
from lakemill.observe.runs import FAILED, Run
from lakemill.runner import run_table
from lakemill.world import World

JOBS = Path(__file__).resolve().parent / "jobs"
QUERIES = [f"q{number:02}" for number in range(1, 23)]


@dataclass
class Kept:
    """One query's table after one refresh.

    runs: of its chain, the table itself last.   rebuild: seconds of the rebuild beside it, and its rows.
    missing, extra: rows of DuckDB's answer that the table lacks, and rows that it has besides.
    """

    query: str
    runs: list[Run]
    rebuild: float = 0.0
    rebuilt_rows: int | None = None
    rows: int = 0
    missing: list[tuple[object, ...]] = field(default_factory=list)
    extra: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether all runs were done, the table holds DuckDB's answer, and the rebuild has as many rows."""
        return not (self.failed or self.missing or self.extra) and self.rebuilt_rows in (None, self.rows)

    @property
    def failed(self) -> list[str]:
        """The tables of the chain that could not be run, and why."""
        return [f"{run.target}: {run.error}" for run in self.runs if run.status == FAILED]

    @property
    def update(self) -> float:
        """Seconds of all runs of the chain."""
        return sum(run.seconds for run in self.runs)

    @property
    def not_updated(self) -> list[str]:
        """The tables of the chain that were rebuilt, with the reasons."""
        return [f"{run.target} {run.reason}: {run.detail}" for run in self.runs if run.plan == "rebuild"]


def main(arguments: list[str] | None = None) -> int:
    """All refreshes; 1 where an answer was wrong."""
    given = options(arguments)
    spark = start_session({**load_conf(ROOT).spark, **dict(setting.split("=", 1) for setting in given.conf)})
    files = generated(given.scale, ROOT / "build" / "tpch")
    with tempfile.TemporaryDirectory() as folder:
        world = World(Lake(spark, f"{folder}/lake", {}), f"{folder}/landing", Path(folder) / "locks")
        rounds = played(world, files, given)
    return 0 if all(kept.right for after in rounds for kept in after) else 1


def options(arguments: list[str] | None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.01, help="TPC-H's scale factor; 1 is 6 million lines")
    parser.add_argument("--share", type=int, default=1, help="thousandths of the rows that each deed of a refresh hits")
    parser.add_argument("--refreshes", nargs="+", default=["functions", "all"], choices=KINDS)
    parser.add_argument("--policy", default="update", choices=["update", "auto"])
    parser.add_argument("--conf", nargs="*", default=[], metavar="KEY=VALUE", help="settings of Spark's")
    parser.add_argument("--steps", action="store_true", help="also show each table of the chains")
    parser.add_argument("--queries", nargs="+", default=QUERIES, choices=QUERIES)
    return parser.parse_args(arguments)


def played(world: World, files: Path, given: argparse.Namespace) -> list[list[Kept]]:
    """Make the tables, then refresh and look at all of them, again and again. The first element is the first run."""
    jobs = load_jobs(JOBS)
    churn = Churn(world.lake, files, given.share, len(given.refreshes))
    churn.make()
    rounds = []
    for number, kind in enumerate(["", *given.refreshes]):
        if kind:
            churn.refresh(number - 1, kind)
        rounds.append(looked_at(world, jobs, given, rebuilds=bool(kind)))
        say(f"\nrefresh {number}: {kind}" if kind else f"\nscale {given.scale:g}: the first run")
        show([line(kept) for kept in rounds[-1]])
        if given.steps:
            show([step(run) for kept in rounds[-1] for run in kept.runs])
    say(summary(rounds[1:]))
    return rounds


def looked_at(world: World, jobs: dict[str, Job], given: argparse.Namespace, rebuilds: bool) -> list[Kept]:
    """Run all tables of these queries, rebuild them beside, and compare their answers with DuckDB's."""
    world.renew()
    chains = {query: chain(jobs, query) for query in given.queries}
    wanted = select(jobs, [f"+gold.{query}" for query in given.queries])
    runs: dict[str, Run] = {}
    for name in wanted:
        runs[name] = run = updated(world, jobs[name], given.policy)
        print(f"{name}: {run.plan} {run.reason}{run.error or ''}, {run.seconds:.1f} s", file=sys.stderr, flush=True)
    record(world.lake, list(runs.values()))  # where `auto` learns
    answers = Answers({name: world.lake.table(f"raw.{name}").uri for name in (*TABLES, "parameters")})
    after = [Kept(query, [runs[name] for name in chains[query]]) for query in given.queries]
    for kept in after:
        compare(world, kept, answers)
        if rebuilds:
            kept.rebuild, kept.rebuilt_rows = rebuilt(world, jobs, f"gold.{kept.query}")
    return after


def compare(world: World, kept: Kept, answers: Answers) -> None:
    """Note the rows of the query's table, and how they differ from DuckDB's answer."""
    rows, answer = table_rows(world.lake.table(f"gold.{kept.query}").uri), answers.rows(kept.query)
    kept.rows, kept.missing, kept.extra = len(rows), less(answer, rows), less(rows, answer)


def less(rows: list[tuple[object, ...]], others: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The rows that are not among the others, as often as they are not."""
    return list((Counter(rows) - Counter(others)).elements())


def chain(jobs: dict[str, Job], query: str) -> list[str]:
    """The tables that a query's table is made of, in the order in which they run; itself last."""
    return [name for name in select(jobs, [f"+gold.{query}"]) if name in jobs]


def updated(world: World, job: Job, policy: str) -> Run:
    """One run by this policy; where it is refused, as `auto` does it. One that fails says so."""
    try:
        return _timed(world, job, policy)
    except UsageError:
        return _timed(world, job, "auto")
    except Exception as error:  # the other tables are still looked at
        return Run("bench", job.target, status=FAILED, error=in_words(error))


def _timed(world: World, job: Job, policy: str) -> Run:
    run, began = Run(f"bench-{time.monotonic_ns()}", job.target), time.monotonic()
    run_table(world.apart(), job, policy, run)
    run.seconds = time.monotonic() - began
    return run


def rebuilt(world: World, jobs: dict[str, Job], name: str) -> tuple[float, int]:
    """Seconds to make a table's rows from the sources and to overwrite a table with them, and how many there are."""
    place, began = f"{world.lake.root}/by_hand/{name}", time.monotonic()
    by_hand(world, jobs, name).write.format("delta").mode("overwrite").save(place)
    seconds = time.monotonic() - began
    return seconds, world.spark.read.format("delta").load(place).count()


def by_hand(world: World, jobs: dict[str, Job], name: str) -> DataFrame:
    """A table's rows as one query from the source tables, without state."""
    if name not in jobs:
        return world.pin(name).rows()
    job = jobs[name]
    mapped = job.mapped(*[by_hand(world, jobs, source) for source in job.sources])
    made = reduction(job, mapped.schema)
    return target_rows(totals(mapped, made), made).drop(STATE)


def line(kept: Kept) -> dict[str, object]:
    """One query: both sides."""
    return {
        "query": kept.query,
        "jobs": len(kept.runs),
        "plan": "/".join(sorted({run.plan for run in kept.runs})),
        "reason": "/".join(sorted({run.reason for run in kept.runs})),
        "rows in": sum(run.rows_in or 0 for run in kept.runs),
        "keys": sum(run.keys_touched or 0 for run in kept.runs),
        "recomputed": sum(run.keys_recomputed or 0 for run in kept.runs),
        "written": sum(run.rows_out or 0 for run in kept.runs),
        "rows": kept.rows,
        "rows rebuilt": kept.rebuilt_rows,
        "right": kept.right,
        "update s": kept.update,
        "rebuild s": kept.rebuild,
        "update/rebuild": kept.update / kept.rebuild if kept.rebuild else None,
    }


def step(run: Run) -> dict[str, object]:
    """One table of a chain, and where its time went."""
    return {
        "table": run.target,
        "plan": f"{run.plan} {run.reason}",
        "rows in": run.rows_in,
        "keys": run.keys_touched,
        "recomputed": run.keys_recomputed,
        "written": run.rows_out,
        "rewritten": run.rows_rewritten,
        "spark jobs": run.spark_jobs,
        "seconds": run.seconds,
        "stages": {name: round(seconds, 2) for name, seconds in run.stages.items()},
    }


def summary(rounds: list[list[Kept]]) -> str:
    """How many were right, how many by update alone, which not and why, and both sides' seconds."""
    by_query = {kept.query: [after[at] for after in rounds] for at, kept in enumerate(rounds[0])}
    right = [query for query, after in by_query.items() if all(kept.right for kept in after)]
    alone = [query for query, after in by_query.items() if not any(kept.not_updated for kept in after)]
    lines = ["", f"right: {len(right)} of {len(by_query)}; updated alone: {len(alone)} of {len(by_query)}"]
    for query, after in by_query.items():
        lines += sorted({f"  {query} was not updated: {why}" for kept in after for why in kept.not_updated})
        for kept in after:
            if not kept.right:
                wrong = f"lacks {kept.missing[:3]}, has besides {kept.extra[:3]}; rebuilt: {kept.rebuilt_rows} rows"
                lines.append(f"  {query} is wrong: {kept.failed or wrong}")
    update, rebuild = (sum(getattr(kept, side) for after in rounds for kept in after) for side in ("update", "rebuild"))
    return "\n".join([*lines, f"in sum: update {update:.1f} s, rebuild {rebuild:.1f} s, {update / rebuild:.2f}"])


if __name__ == "__main__":
    raise SystemExit(main())
