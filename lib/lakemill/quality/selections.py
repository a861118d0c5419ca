"""Selections: what is selected of mapped rows, one after the other, to judge them by a contract, as Spark's columns.

A rule of rows is over typed columns, so that there are two: the first types and judges each column by itself. All rows
are marked; what a row fails is told of the few that are put aside alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from pyspark.sql import Column, functions as F
from pyspark.sql.types import StructField, StructType

from lakemill.columns import column, has_no_order
from lakemill.contracts.rules import FAIL, QUARANTINE, WARN, RowRule
from lakemill.quality.judged import JudgedColumn, Verdict, all_of, row_verdicts

GIVEN = "_given_"
"""Before the name of a column as the map gave it, beside which it stands typed."""
MET, WARN_MET = "_met", "_warn_met"
"""Whether no rule puts a row aside, and whether it meets those that warn."""
FAILED_RULES = "failed_rules"
FAILURES = "array<struct<rule: string, column: string, value: string>>"
STOPPED_BY_CONTRACT = "STOPPED_BY_CONTRACT"
"""What Spark's error says of a row that fails a rule of severity `fail`, before the failed rules as JSON."""
_FAIL_MET, _QUARANTINE_MET = "_fail_met", "_quarantine_met"
_MET = {FAIL: _FAIL_MET, QUARANTINE: _QUARANTINE_MET, WARN: WARN_MET}


def kept(columns: Mapping[str, JudgedColumn], names: Iterable[str]) -> list[Column]:
    """The columns of these names as a table keeps them.   columns: those that a contract is about."""
    return [columns[name].kept if name in columns else column(name) for name in names]


def marks(
    columns: Mapping[str, JudgedColumn], rules: Sequence[RowRule], target: str, names: Sequence[str], as_given: bool
) -> list[list[Column]]:
    """To mark mapped rows with MET and WARN_MET.   names: of all columns.   as_given: kept as they are, not typed.

    target: the table whose contract it is; Spark's error names it where a row fails a rule that stops the run.
    """
    of_columns, of_rows = _verdicts(columns, rules)
    given = [column(name).alias(f"{GIVEN}{name}") for name in names] if as_given else []
    stops = any(verdict.severity == FAIL for verdict in (*of_columns, *of_rows))
    # Only what stops a run has to tell of all rows what they fail.
    told = [failures(of_columns).alias(FAILED_RULES)] if stops else []
    met = {name: column(name) & also for name, also in _met(of_rows).items()}
    if stops:
        failed = F.to_json(F.concat(column(FAILED_RULES), failures(of_rows)))
        error = F.raise_error(F.concat(F.lit(f"{STOPPED_BY_CONTRACT} {target} "), failed))
        met[_QUARANTINE_MET] = F.when(met[_FAIL_MET], met[_QUARANTINE_MET]).otherwise(error.cast("boolean"))
    names_kept = [column(f"{GIVEN}{name}" if as_given else name) for name in names]
    return [
        [*given, *kept(columns, names), *told, *_named(_met(of_columns))],
        [*names_kept, *_named({MET: met[_QUARANTINE_MET], WARN_MET: met[WARN_MET]})],
    ]


def reasons(columns: Mapping[str, JudgedColumn], rules: Sequence[RowRule], mapped: StructType) -> list[list[Column]]:
    """To tell of mapped rows, as they are, which rules they fail, as FAILED_RULES."""
    of_columns, of_rows = _verdicts(columns, rules)
    met, names = _met(of_columns), mapped.names
    return [
        [
            *(_comparable(field).alias(f"{GIVEN}{field.name}") for field in mapped.fields),
            *(*kept(columns, names), failures(of_columns).alias(FAILED_RULES)),
            *_named({name: met[name] for name in (_FAIL_MET, _QUARANTINE_MET)}),
        ],
        [
            *(column(f"{GIVEN}{name}").alias(name) for name in names),
            F.concat(column(FAILED_RULES), failures(of_rows)).alias(FAILED_RULES),
        ],
    ]


def failures(verdicts: Sequence[Verdict]) -> Column:
    """The rules that a row fails, as an array of rule, column and value."""
    none = F.array().cast(FAILURES)
    if not verdicts:
        return none
    failed = F.array_compact(F.array(*[F.when(~verdict.met, verdict.failure) for verdict in verdicts]))
    # Spark does not compile array_compact, nor anything that stands in it: rows that fail none are told before.
    return F.when(all_of(verdict.met for verdict in verdicts), none).otherwise(failed.cast(FAILURES))


def _verdicts(columns: Mapping[str, JudgedColumn], rules: Sequence[RowRule]) -> tuple[list[Verdict], list[Verdict]]:
    """Those of the columns, and those of the rules of rows."""
    of_columns = [verdict for each in columns.values() for verdict in each.verdicts]
    return of_columns, row_verdicts(rules, column(_FAIL_MET) & column(_QUARANTINE_MET))


def _met(verdicts: Sequence[Verdict]) -> dict[str, Column]:
    """Whether a row meets all rules of each severity."""
    return {
        name: all_of(verdict.met for verdict in verdicts if verdict.severity == severity)
        for severity, name in _MET.items()
    }


def _named(columns: Mapping[str, Column]) -> list[Column]:
    return [value.alias(name) for name, value in columns.items()]


def _comparable(field: StructField) -> Column:
    """A column as quarantine keeps it: what cannot be compared, as JSON."""
    if not has_no_order(field.dataType):
        return column(field.name)
    return F.to_json(F.struct(column(field.name).alias("value")))
