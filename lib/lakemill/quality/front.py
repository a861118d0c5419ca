"""The front door of a table: the rows of its map, typed and judged by its contract, the good ones and the others.

Both are maps of the same rows, so that the core keeps the table and its quarantine as it keeps any table: a row that is
corrected in its source leaves quarantine by itself.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pyspark import SparkContext
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import StringType, StructField, StructType

from lakemill.columns import column
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
GIVEN, READS, MET, WARNED = "_given", "_reads", "_met", "_warned"
FAIL_MET, QUARANTINE_MET, WARN_MET = "_fail_met", "_quarantine_met", "_warn_met"


@dataclass(frozen=True)
class FrontDoor:
    """A map whose rows are typed and judged by the contract of its target; it gives those that meet it.

    made: the columns of the target that the job's reduce makes: no mapped row has them.   needs: the columns of the
    contract that the map has to give.
    """

    target: str
    map: Callable[..., DataFrame] | None
    contract: Contract
    made: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()

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
        columns = [
            replace(terms, description="", unique=False, references=None, personal="")
            for terms in self.contract.columns
        ]
        rules = [replace(rule, description="") for rule in self.contract.row_rules]
        return [type(self).__qualname__, repr(columns), repr(rules), repr(sorted(self.made))]

    def selections(self, mapped: StructType) -> list[list[Column]]:
        """What is selected of mapped rows of these columns, one after the other, to judge them."""
        columns, names = self._columns(mapped), [column(name) for name in mapped.names]
        kept = [columns[name].kept if name in columns else column(name) for name in mapped.names]
        reads = all_of(each.reads for each in columns.values()).alias(READS)
        of_columns = [verdict for each in columns.values() for verdict in each.verdicts]
        typed = [*kept, F.struct(*names).alias(GIVEN), reads, *_told(of_columns)]
        of_rows = row_verdicts(self.contract.row_rules, column(READS))
        both = [(column(name) & met).alias(name) for name, met in _met(of_rows).items()]
        whole = [*names, column(GIVEN), F.concat(column(FAILED_RULES), failures(of_rows)).alias(FAILED_RULES), *both]
        stops = any(verdict.severity == FAIL for verdict in (*of_columns, *of_rows))
        good = self._stopping() if stops else column(QUARANTINE_MET)
        flags = [good.alias(MET), (good & ~column(WARN_MET)).alias(WARNED)]
        return [typed, whole, [*names, column(GIVEN), column(FAILED_RULES), *flags]]

    def _columns(self, mapped: StructType) -> dict[str, JudgedColumn]:
        """The columns of the map that the contract is about, judged."""
        given = {field.name: field for field in mapped.fields}
        lacking = sorted(self.needs - given.keys())
        if lacking:
            raise UsageError(
                f'{self.target}: its contract has a column "{lacking[0]}", which {self.__name__} does not give. '
                f"{did_you_mean(lacking[0], given)}"
            )
        about = [terms for terms in self.contract.columns if terms.name in given and terms.name not in self.made]
        for terms in self.contract.columns:
            if terms.name in given and terms.name not in self.made:
                self._check_type(terms, given[terms.name])
            elif terms.row_rules not in ((), ("type",)):
                rule = next(rule for rule in terms.row_rules if rule != "type")
                raise UsageError(
                    f'{self.target}: its contract has the rule {rule} of column "{terms.name}", by which no row of its '
                    f"map can be judged: {self.__name__} does not give it. {INSTEAD}"
                )
        return {terms.name: judged(terms, given[terms.name].dataType) for terms in about}

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


def _told(verdicts: Sequence[Verdict]) -> list[Column]:
    """The failed rules of a row, and whether it meets those of each severity."""
    return [failures(verdicts).alias(FAILED_RULES), *(met.alias(name) for name, met in _met(verdicts).items())]


def _met(verdicts: Sequence[Verdict]) -> dict[str, Column]:
    """Whether a row meets all rules of each severity."""
    names = {FAIL: FAIL_MET, QUARANTINE: QUARANTINE_MET, WARN: WARN_MET}
    return {
        name: all_of(verdict.met for verdict in verdicts if verdict.severity == severity)
        for severity, name in names.items()
    }


def failures(verdicts: Sequence[Verdict]) -> Column:
    """The rules that a row fails, as an array of rule, column and value."""
    none = F.array().cast(FAILURES)
    failed = [F.when(~verdict.met, verdict.failure) for verdict in verdicts]
    return F.array_compact(F.array(*failed)).cast(FAILURES) if failed else none
