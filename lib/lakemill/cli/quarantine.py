"""lakemill quarantine: which rows of tables do not meet their contracts, by what rule, and how to go on."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import Column, DataFrame, functions as F

from lakemill.cli.busy import busy
from lakemill.cli.project import project_at
from lakemill.cli.several import of_tables
from lakemill.cli.show import Row, complain, show
from lakemill.columns import column
from lakemill.errors import UsageError, did_you_mean
from lakemill.quality.doors import quarantine_of
from lakemill.quality.front import PutAside
from lakemill.quality.selections import FAILED_RULES
from lakemill.quality.shown import shown_value
from lakemill.sources.header import LINEAGE
from lakemill.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables."""
    parser.add_argument("tables", metavar="TABLE", nargs="*")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Show what waits in the quarantine of each table that was asked for, or of all."""
    with busy(asked.json) as tell:
        project = project_at(start)
        doors = {job.map.target: job.map for job in project.jobs.values() if isinstance(job.map, PutAside)}
        for name in asked.tables:
            if name not in doors:
                raise UsageError(f"{name} has no contract, and so no quarantine. {did_you_mean(name, doors)}")
        world = project.lake()

        def reasons(name: str) -> list[Row]:
            tell(f"reading {quarantine_of(name)}")
            return [*_reasons(world, doors[name])]

        lines, code = of_tables([name for name in doors if name in (asked.tables or doors)], reasons)
    rows = [row for of_table in lines for row in of_table]
    show(rows, asked.json)
    for name in dict.fromkeys(str(row["table"]) for row in rows if row["rows"]):
        complain(
            f"{name}: mend the rows in their source, or change conf/contracts/{name}.yaml; the next "
            f"`lakemill run {name}` takes out of quarantine what meets the contract then."
        )
    return code


def _reasons(world: World, door: PutAside) -> Iterator[Row]:
    """A line for each rule that rows in a table's quarantine fail, the commonest first; one line where none waits."""
    table = world.lake.table(quarantine_of(door.target))
    if not table.log().exists:
        yield _line(door.target, None, "it is not made yet")
        return
    rows = table.pin().rows()
    told = rows.select(F.explode(FAILED_RULES).alias("failed"), _place(rows).alias("place")).select("failed.*", "place")
    example = F.min(F.struct("value", "place")).alias("example")  # of how many there may be, only this is held
    by_rule = told.groupBy("rule", "column").agg(F.count(F.lit(1)).alias("rows"), example)
    failed = by_rule.orderBy(F.desc("rows"), "column", "rule").collect()
    for row in failed:
        name, value = row["column"] or None, row["example"]["value"]
        shown = shown_value(door.contract, name, value) if name else None
        yield _line(door.target, row["rows"], row["rule"], name, shown, row["example"]["place"] or None)
    if not failed:
        yield _line(door.target, 0, "no row waits")


def _line(
    name: str, rows: int | None, rule: str, place: str | None = None, value: str | None = None, row: str | None = None
) -> Row:
    return {"table": name, "rule": rule, "column": place, "rows": rows, "such as": value, "from": row}


def _place(rows: DataFrame) -> Column:
    """Where a row came from, as far as the map handed that on."""
    return F.concat_ws(" ", *[column(name).cast("string") for name in LINEAGE if name in rows.columns])
