"""Checks: what a contract says of all rows together, kept by update as two tables a rule.

A rule is about groups of rows: those of a key, of a day, all. `checks.<table>_<rule>_groups` has what each group is
judged by, `checks.<table>_<rule>` the groups that offend. Both are tables of the core like any other, so that a second
row of a key is seen over the whole history at the price of the change, and a check is met again by itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, functions as F

from lakemill.columns import column
from lakemill.contracts.contract import Contract
from lakemill.contracts.rules import (
    FAIL,
    Measure,
    Reference,
    RowCount,
    TableDemand,
    TableRule,
    Totals,
    Unique,
    check_table,
)
from lakemill.job import Job
from lakemill.quality.judged import all_of
from lakemill.reducers import Count, CountDistinct, CountIf, Max, Min, PerKey, Reducer, Sum

GROUPS = "_groups"
GROUP_ROWS, KNOWN = "rows", "known"
"""How many rows a group has, and how many there are of it in the table that is referred to."""
REFERS, IS_KNOWN = "_refers", "_known"
"""Whether a row refers, or is of the table that is referred to."""
OF_TABLE, OF_OTHER = "_own_", "other_"
"""Before what is measured of the table itself, and of the one that it has to agree with."""


@dataclass(frozen=True)
class Grouped:
    """A map of the rows that a rule is about to what its groups are told by."""

    demand: TableDemand

    @property
    def __name__(self) -> str:
        return type(self.demand).__name__

    def __call__(self, rows: DataFrame, *others: DataFrame) -> DataFrame:
        """The rows of the table and, where the rule is about two, those of the other."""
        match self.demand:
            case Unique(columns):
                return _with_values(rows, columns)
            case Reference():
                return _referring(self.demand, rows, others[0])
            case RowCount():
                return _named(rows, ())
            case Totals(table="", by=by) as totals:
                return _named(rows, dict.fromkeys([*by, *(each.column for each in totals.measures if each.column)]))
            case Totals():
                return _compared(self.demand, rows, others[0])


@dataclass(frozen=True)
class Offending:
    """A map of the groups of a table's rule to those that break it."""

    table: str
    rule: TableRule

    @property
    def __name__(self) -> str:
        return self.rule.name

    @property
    def stops(self) -> bool:
        """Whether tables that read the table are left as they are while there are any."""
        return self.rule.severity == FAIL

    def __call__(self, groups: DataFrame) -> DataFrame:
        return groups.where(_offends(self.rule.demand))

    @property
    def wants_rows(self) -> bool:
        """Whether a table without rows breaks the rule: it has no groups, so that its offenders do not tell."""
        return isinstance(self.rule.demand, RowCount) and self.rule.demand.least > 0


def is_check(job: Job) -> bool:
    """Whether a job makes the groups or the offenders of a rule; it has no job file."""
    return isinstance(job.map, Grouped | Offending)


def check_jobs(job: Job, contract: Contract) -> Iterator[Job]:
    """The jobs of a contract's rules of its table, two for each; none for what the table's own key sees to."""
    for rule in contract.table_rules:
        if _holds_by_key(rule.demand, job):
            continue
        table, (key, reducers) = check_table(contract.table, rule.name), _groups(rule.demand)
        tables = [contract.table, *_others(rule.demand)]
        yield Job(
            source=tables, map=Grouped(rule.demand), key=key, reduce=reducers, target=f"{table}{GROUPS}",
            comes_with=tables,
        )  # fmt: skip
        yield Job(
            source=f"{table}{GROUPS}", map=Offending(contract.table, rule), target=table, after=[f"{table}{GROUPS}"],
            comes_with=tables,
        )  # fmt: skip


def stops(job: Job) -> bool:
    """Whether the job makes the offenders of a rule that holds back those that read the table."""
    return isinstance(job.map, Offending) and job.map.stops


def stopping(jobs: Mapping[str, Job]) -> dict[str, list[str]]:
    """By table the checks that hold back those that read it."""
    checks = dict[str, list[str]]()
    for name, job in jobs.items():
        if isinstance(job.map, Offending) and stops(job):
            checks.setdefault(job.map.table, []).append(name)
    return checks


def _holds_by_key(demand: TableDemand, job: Job) -> bool:
    """Whether no two rows can be equal in these columns, as the job keeps a row for each value of some of them."""
    if not isinstance(demand, Unique) or job.key is None or isinstance(job.reduce, PerKey):
        return False
    return set(job.key) <= set(demand.columns)


def _others(demand: TableDemand) -> list[str]:
    """The table that a rule compares its own with."""
    return [demand.table] if isinstance(demand, Reference) or (isinstance(demand, Totals) and demand.table) else []


def _groups(demand: TableDemand) -> tuple[Sequence[str], Mapping[str, Reducer]]:
    """The key that a rule's groups have, and what is kept of each."""
    match demand:
        case Unique(columns):
            return columns, {GROUP_ROWS: Count()}
        case Reference(columns):
            # The rows that refer, and those that are referred to: Grouped marks them.
            return columns, {GROUP_ROWS: CountIf(REFERS), KNOWN: CountIf(IS_KNOWN)}
        case RowCount():
            return (), {GROUP_ROWS: Count()}
        case Totals(table=""):
            return demand.by, {each.name: _reducer(each, each.column) for each in demand.measures}
        case Totals():
            return demand.by, dict(_of_both(demand))


def _of_both(demand: Totals) -> Iterator[tuple[str, Reducer]]:
    """Each measure of the table itself, then that of the other, from columns that only rows of that table have."""
    others = {each.name: each for each in demand.others}
    for own in demand.measures:
        for side, name, each in ((OF_TABLE, own.name, own), (OF_OTHER, f"{OF_OTHER}{own.name}", others[own.name])):
            source = f"{side}{own.name}"
            yield name, CountIf(source) if each.what == "count" else _reducer(each, source)


def _reducer(measure: Measure, name: str) -> Reducer:
    """What measures a column."""
    of_columns = {"sum": Sum, "min": Min, "max": Max, "distinct": CountDistinct}
    return Count() if measure.what == "count" else of_columns[measure.what](name)


def _offends(demand: TableDemand) -> Column:
    """Whether a group breaks the rule."""
    match demand:
        case Unique():
            return column(GROUP_ROWS) > 1
        case Reference():
            return (column(GROUP_ROWS) > 0) & (column(KNOWN) == 0)
        case RowCount(least, most):
            too_many = F.lit(False) if most is None else column(GROUP_ROWS) > most
            return (column(GROUP_ROWS) < least) | too_many
        case Totals(table=""):
            return ~F.coalesce(F.expr(demand.valid), F.lit(False))
        case Totals():
            names = [name for name, _ in _of_both(demand)]
            pairs = zip(names[::2], names[1::2], strict=True)
            return ~all_of(column(own).eqNullSafe(column(other)) for own, other in pairs)


def _with_values(rows: DataFrame, names: Iterable[str]) -> DataFrame:
    """These columns of the rows that have a value in each."""
    return _named(rows, names).where(all_of(column(name).isNotNull() for name in names))


def _named(rows: DataFrame, names: Iterable[str]) -> DataFrame:
    """These columns of the rows; where there are none any one, by which they are still counted."""
    return rows.select(*[column(name) for name in names] or rows.columns[:1])


def _referring(demand: Reference, rows: DataFrame, others: DataFrame) -> DataFrame:
    """The values that refer, and those that they may refer to, in the columns that refer."""
    names = demand.columns
    others = others.select(*[column(key).alias(name) for name, key in zip(names, demand.keys, strict=True)])
    marked = [
        _with_values(side, names).withColumns({REFERS: F.lit(side is rows), IS_KNOWN: F.lit(side is others)})
        for side in (rows, others)
    ]
    return marked[0].unionAll(marked[1])


def _compared(demand: Totals, rows: DataFrame, others: DataFrame) -> DataFrame:
    """The columns that are measured of both tables; what is of the one is NULL in rows of the other."""
    sides = {OF_TABLE: (rows, demand.measures), OF_OTHER: (others, demand.others)}
    types = {
        f"{side}{each.name}": frame.schema[each.column].dataType.simpleString() if each.column else "boolean"
        for side, (frame, measures) in sides.items()
        for each in measures
    }

    def measured(side: str) -> DataFrame:
        frame, measures = sides[side]
        given = {f"{side}{each.name}": column(each.column) if each.column else F.lit(True) for each in measures}
        columns = [given.get(name, F.lit(None).cast(kind)).alias(name) for name, kind in types.items()]
        return frame.select(*[column(name) for name in demand.by], *columns)

    return measured(OF_TABLE).unionAll(measured(OF_OTHER))
