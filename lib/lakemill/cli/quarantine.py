"""lakemill quarantine: which rows of tables do not meet their contracts, by what rule, and how to go on."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import Column, DataFrame, functions as F

from lakemill.cli.busy import busy
from lakemill.cli.project import project_at
from lakemill.cli.show import Row, complain, show
from lakemill.columns import column
from lakemill.errors import UsageError, did_you_mean
from lakemill.quality.doors import ASIDE, quarantine_of
from lakemill.quality.front import FAILED_RULES
from lakemill.sources.header import LINEAGE
from lakemill.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """The tables."""
    parser.add_argument("tables", metavar="TABLE", nargs="*")


def does(asked: argparse.Namespace, start: Path) -> int:
    """Show what waits in the quarantine of each table that was asked for, or of all."""
    with busy(asked.json) as tell:
        project = project_at(start)
        guarded = [name.removesuffix(ASIDE) for name in project.jobs if quarantine_of(name.removesuffix(ASIDE)) == name]
        for name in asked.tables:
            if name not in guarded:
                raise UsageError(f"{name} has no contract, and so no quarantine. {did_you_mean(name, guarded)}")
        world, rows = project.lake(), list[Row]()
        for name in asked.tables or guarded:
            tell(f"reading {quarantine_of(name)}")
            rows += _reasons(world, name)
    show(rows, asked.json)
    for name in dict.fromkeys(str(row["table"]) for row in rows):
        complain(
            f"{name}: mend the rows in their source, or change conf/contracts/{name}.yaml; the next "
            f"`lakemill run {name}` takes out of quarantine what meets the contract then."
        )
    return 0


def _reasons(world: World, name: str) -> Iterator[Row]:
    """A line for each rule that rows in a table's quarantine fail, the commonest first."""
    table = world.lake.table(quarantine_of(name))
    if not table.log().exists:
        return
    rows = table.pin().rows()
    told = rows.select(F.explode(FAILED_RULES).alias("failed"), _place(rows).alias("place"))
    example = F.min(F.struct("value", "place")).alias("example")  # of how many there may be, only this is held
    by_rule = told.select("failed.*", "place").groupBy("rule", "column").agg(F.count(F.lit(1)).alias("rows"), example)
    for row in by_rule.orderBy(F.desc("rows"), "column", "rule").collect():
        yield {
            "table": name,
            "rule": row["rule"],
            "column": row["column"] or None,
            "rows": row["rows"],
            "such as": None if row["example"]["value"] is None else f"'{row['example']['value']}'",
            "from": row["example"]["place"] or None,
        }


def _place(rows: DataFrame) -> Column:
    """Where a row came from, as far as the map handed that on."""
    return F.concat_ws(" ", *[column(name).cast("string") for name in LINEAGE if name in rows.columns])
