"""Rules that a contract gives for rows and for the whole table; those of a column alone stand at the column."""

from collections.abc import Mapping
from dataclasses import dataclass

WARN, QUARANTINE, FAIL = "warn", "quarantine", "fail"
SEVERITIES = (WARN, QUARANTINE, FAIL)
TABLE_SEVERITIES = (WARN, FAIL)
"""No single row is to blame for what many rows are together, so none can be put aside."""
MEASURES: Mapping[str, bool] = {"count": False, "sum": True, "min": True, "max": True, "distinct": True}
"""What can be measured of rows, and whether it is of a column."""


@dataclass(frozen=True)
class RowRule:
    """What holds of each row.   predicate: a Spark SQL expression of what is valid; NULL is failed."""

    name: str
    predicate: str
    severity: str = QUARANTINE
    description: str = ""


@dataclass(frozen=True)
class Unique:
    """No two rows have the same values of these columns; rows with a NULL in one of them are left out."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    """Each row's values of these columns are those of some row of a table; rows with a NULL are left out."""

    columns: tuple[str, ...]
    table: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class RowCount:
    """How many rows the table has, at least and at most."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Measure:
    """What is measured of rows: count, or sum, min, max or distinct of a column."""

    name: str
    what: str
    column: str = ""


@dataclass(frozen=True)
class Totals:
    """What holds of measures over the rows that have the same values of `by`; none is the whole table.

    valid: a Spark SQL predicate over `by` and the measures; NULL is failed.   table: or another table, whose own
    measures, of the same names and by the same columns, are to be equal.
    """

    measures: tuple[Measure, ...]
    by: tuple[str, ...] = ()
    valid: str = ""
    table: str = ""
    others: tuple[Measure, ...] = ()


TableDemand = Unique | Reference | RowCount | Totals


@dataclass(frozen=True)
class TableRule:
    """What holds of all rows together: kept by update, as a table of the offenders."""

    name: str
    demand: TableDemand
    severity: str = WARN
    description: str = ""


def check_table(table: str, rule: str) -> str:
    """The name of the table of a rule's offenders."""
    return f"checks.{table.replace('.', '_')}_{rule}".lower()
