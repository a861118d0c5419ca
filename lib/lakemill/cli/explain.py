"""lakemill explain: what a run would do to tables, and why."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lakemill.cli.project import project_at
from lakemill.cli.show import say, show
from lakemill.errors import about
from lakemill.graph import select
from lakemill.job import Job
from lakemill.refresh.explain import Explanation, explain
from lakemill.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables."""
    parser.add_argument("tables", metavar="TABLE", nargs="+")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Explain each table that was asked for."""
    project = project_at(start)
    names = select(project.jobs, asked.tables)
    world = project.lake()
    show_explanations([_explained(world, project.jobs[name]) for name in names], asked.json)
    return 0


def _explained(world: World, job: Job) -> Explanation:
    with about(job.target):
        return explain(world, job)


def show_explanations(explanations: Sequence[Explanation], as_json: bool = False) -> None:
    """What a run would do to each table, and why."""
    if as_json:
        show([vars(explanation) for explanation in explanations], as_json)
        return
    for explanation in explanations:
        _show(explanation)


def _show(explanation: Explanation) -> None:
    detail = f" ({explanation.detail})" if explanation.detail else ""
    say(f"{explanation.target}: {explanation.plan}, {explanation.reason}{detail}")
    for title, texts in (("source", explanation.sources), ("reduce", explanation.reducers)):
        for key, text in texts.items():
            say(f"  {title}   {key}: {text}")
    say(f"  a removal: {explanation.removal}")
    for word, operator in explanation.steps:
        say(f"  {word:8} {operator}")
