"""lakemill explain: what a run would do to tables, and why."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lakemill.cli.project import project_at
from lakemill.cli.several import of_tables
from lakemill.cli.show import say, show
from lakemill.graph import select
from lakemill.refresh.explain import Explanation, explain


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables."""
    parser.add_argument("tables", metavar="TABLE", nargs="+")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Explain each table that was asked for."""
    project = project_at(start)
    names = select(project.jobs, asked.tables)
    world = project.lake()
    explanations, code = of_tables(names, lambda name: explain(world, project.jobs[name]))
    show_explanations(explanations, asked.json)
    return code


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
