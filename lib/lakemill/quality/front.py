"""The front door of a table: the rows of its map, typed and judged by its contract, the good ones and the others.

Both are maps of the same rows, so that the core keeps the table and its quarantine as it keeps any table: a row that is
corrected in its source leaves quarantine by itself.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pyspark import SparkContext
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import StringType, StructField, StructType

from lakemill.columns import column, has_no_order
from lakemill.contracts.contract import ColumnTerms, Contract
from lakemill.contracts.rules import FAIL, QUARANTINE, WARN
from lakemill.errors import UsageError, did_you_mean
from lakemill.quality.judged import JudgedColumn, Verdict, all_of, judged, row_verdicts

FAILED_RULES = "failed_rules"
STOPPED_BY_CONTRACT = "STOPPED_BY_CONTRACT"
"""What Spark's error says of a row that fails a rule of severity `fail`, before the failed rules as JSON."""
FAILURES = "array<struct<rule: string, column: string, value: string>>"
INSTEAD = "Say it as a rule of the table (quality: by, measures, valid)."
"""What to do with a rule of what no row of the map has."""
TYPING = "1"
"""A number of how texts are typed and rules judged, which changes where the same contract would give other rows."""
GIVEN, MET, WARNED = "_given", "_met", "_warned"
FAIL_MET, QUARANTINE_MET, WARN_MET = "_fail_met", "_quarantine_met", "_warn_met"


@dataclass(frozen=True)
class FrontDoor:
    """A map whose rows are typed and judged by the contract of its target; it gives those that meet it.

    made: the columns of the target that the job's reduce makes: no mapped row has them.   whole: whether the map has to
    give all others that the contract names; else the reduce may make them, too.
    """

    target: str
    map: Callable[..., DataFrame] | None
    contract: Contract
    made: frozenset[str] = frozenset()
    whole: bool = True

    @property
    def __name__(self) -> str:
        """What the user's map is called."""
        return self.map.__name__ if self.map else "map"

    def __call__(self, *frames: DataFrame) -> DataFrame:
        """The good rows, typed, in the columns of the map."""
        return self.opened(self.map(*frames) if self.map else frames[0])

    def opened(self, mapped: DataFrame) -> DataFrame:
        """Of mapped rows those that the door gives."""
        return self.chosen(self.judged(mapped))

    def chosen(self, rows: DataFrame, *besides: str) -> DataFrame:
        """Of judged rows those that meet the contract.   besides: columns that they have besides."""
        return rows.where(column(MET)).drop(GIVEN, FAILED_RULES, MET, WARNED)

    def judged(self, mapped: DataFrame, *besides: str) -> DataFrame:
        """All mapped rows, typed, with what the map gave of them as `_given`, and the `failed_rules`.

        `_met`: whether no rule puts the row aside.   `_warned`: whether it is good, and a rule warns of it.   besides:
        columns that are not the map's, and stay as they are.
        """
        own = StructType([field for field in mapped.schema.fields if field.name not in besides])
        for columns in _selections(self, own.json(), SparkContext._gateway):
            mapped = mapped.select(*columns, *besides)
        return mapped

    @property
    def definition(self) -> list[str]:
        """All that decides which rows it gives, and what their values are, as texts: not who needs them."""
        decisive = (
            "name", "logical", "physical", "form", "required", "values", "minimum", "maximum", "shortest", "longest",
            "pattern", "row_rules",
        )  # fmt: skip
        columns = [
            [*(getattr(terms, name) for name in decisive), *(terms.severity(rule) for rule in terms.row_rules)]
            for terms in self.contract.columns
        ]
        rules = [(rule.name, rule.predicate, rule.severity) for rule in self.contract.row_rules]
        return [type(self).__qualname__, TYPING, repr(columns), repr(rules), repr(sorted(self.made))]

    def severity(self, rule: str, name: str) -> str:
        """What happens where a rule fails, of a column or, without one, of rows."""
        terms = self.contract.column(name)
        if terms:
            return terms.severity(rule)
        return next((each.severity for each in self.contract.row_rules if each.name == rule), QUARANTINE)

    def plain(self, mapped: StructType) -> frozenset[str]:
        """The columns of the map that are kept as it gives them."""
        columns = self._columns(mapped)
        return frozenset(name for name in mapped.names if name not in columns or columns[name].plain)

    def selections(self, mapped: StructType) -> list[list[Column]]:
        """What is selected of mapped rows of these columns, one after the other, to judge them.

        First each column by itself; then, over the typed columns, the rules of rows; then both together.
        """
        columns, names = self._columns(mapped), [column(name) for name in mapped.names]
        of_columns = [verdict for each in columns.values() for verdict in each.verdicts]
        of_rows = row_verdicts(self.contract.row_rules, column(FAIL_MET) & column(QUARANTINE_MET))
        given = F.struct(*[_comparable(field) for field in mapped.fields]).alias(GIVEN)
        first = [
            *(columns[name].kept if name in columns else column(name) for name in mapped.names),
            *(given, failures(of_columns).alias(FAILED_RULES)),
            *(met.alias(name) for name, met in _met(of_columns).items()),
        ]
        second = [
            *(*names, column(GIVEN)),
            F.concat(column(FAILED_RULES), failures(of_rows)).alias(FAILED_RULES),
            *((column(name) & met).alias(name) for name, met in _met(of_rows).items()),
        ]
        stops = any(verdict.severity == FAIL for verdict in (*of_columns, *of_rows))
        good = self._stopping() if stops else column(QUARANTINE_MET)
        warned = good & ~column(WARN_MET)
        return [first, second, [*names, column(GIVEN), column(FAILED_RULES), good.alias(MET), warned.alias(WARNED)]]

    def _columns(self, mapped: StructType) -> dict[str, JudgedColumn]:
        """The columns of the map that the contract is about, judged."""
        given = {field.name: field for field in mapped.fields}
        columns = dict[str, JudgedColumn]()
        for terms in self.contract.columns:
            if terms.name in given and terms.name not in self.made:
                self._check_type(terms, given[terms.name])
                columns[terms.name] = judged(terms, given[terms.name].dataType)
            else:
                self._check_not_given(terms, given)
        return columns

    def _check_not_given(self, terms: ColumnTerms, given: Collection[str]) -> None:
        """Raises UsageError for a column that no mapped row has, if nothing makes it or a rule is to judge it."""
        if self.whole and terms.name not in self.made:
            raise UsageError(
                f'{self.target}: its contract has a column "{terms.name}", which {self.__name__} does not give. '
                f"{did_you_mean(terms.name, given)}"
            )
        for rule in terms.row_rules:
            if rule != "type":
                raise UsageError(
                    f'{self.target}: its contract has the rule {rule} of column "{terms.name}", by which no row of its '
                    f"map can be judged: the reduce makes it. {INSTEAD}"
                )

    def _check_type(self, terms: ColumnTerms, given: StructField) -> None:
        """A column that the map gives typed has to be of the type that the contract says."""
        kind = given.dataType.simpleString()
        if not isinstance(given.dataType, StringType) and kind != terms.physical:
            raise UsageError(
                f'{self.target}: its contract says that "{terms.name}" is {terms.physical}, and {self.__name__} gives '
                f"{kind}. Let the map hand on the text, which the contract types, or make the two agree."
            )

    def _stopping(self) -> Column:
        """Whether a row is good; raises in Spark where it fails a rule that stops the run."""
        told = F.concat(F.lit(f"{STOPPED_BY_CONTRACT} {self.target} "), F.to_json(column(FAILED_RULES)))
        return F.when(column(FAIL_MET), column(QUARANTINE_MET)).otherwise(F.raise_error(told).cast("boolean"))


@dataclass(frozen=True)
class PutAside(FrontDoor):
    """The same door; it gives the rows that do not meet the contract."""

    def chosen(self, rows: DataFrame, *besides: str) -> DataFrame:
        """Of judged rows those that are put aside: what the map gave, and `failed_rules`: rule, column and value."""
        return rows.where(~column(MET)).select(f"{GIVEN}.*", FAILED_RULES, *besides)


@lru_cache(maxsize=64)
def _selections(door: FrontDoor, mapped: str, gateway: object) -> list[list[Column]]:
    """The door's selections: to make them anew takes hundreds of calls to the JVM, and columns do not wear out.

    mapped: the columns, as JSON.   gateway: to the JVM in which they are made.
    """
    return door.selections(StructType.fromJson(json.loads(mapped)))


def _comparable(field: StructField) -> Column:
    """A column as quarantine keeps it: what cannot be compared, as JSON."""
    if not has_no_order(field.dataType):
        return column(field.name)
    return F.to_json(F.struct(column(field.name).alias("value"))).alias(field.name)


def _met(verdicts: Sequence[Verdict]) -> dict[str, Column]:
    """Whether a row meets all rules of each severity."""
    names = {FAIL: FAIL_MET, QUARANTINE: QUARANTINE_MET, WARN: WARN_MET}
    return {
        name: all_of(verdict.met for verdict in verdicts if verdict.severity == severity)
        for severity, name in names.items()
    }


def failures(verdicts: Sequence[Verdict]) -> Column:
    """The rules that a row fails, as an array of rule, column and value.

    Rows that fail none are told before: Spark does not compile array_compact, nor anything that stands in it.
    """
    none = F.array().cast(FAILURES)
    if not verdicts:
        return none
    failed = F.array_compact(F.array(*[F.when(~verdict.met, verdict.failure) for verdict in verdicts]))
    return F.when(all_of(_met(verdicts).values()), none).otherwise(failed.cast(FAILURES))
