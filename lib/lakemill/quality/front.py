"""The front door of a table: the rows of its map, typed and judged by its contract, the good ones and the others.

Both are maps of the same rows, so that the core keeps the table and its quarantine as it keeps any table: a row that is
corrected in its source leaves quarantine by itself.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from pyspark import SparkContext
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.types import StringType, StructField, StructType

from lakemill.columns import column
from lakemill.contracts.contract import ColumnTerms, Contract
from lakemill.contracts.rules import QUARANTINE
from lakemill.errors import UsageError, did_you_mean
from lakemill.quality.judged import JudgedColumn, judged
from lakemill.quality.selections import GIVEN, MET, WARN_MET, kept, marks, reasons

INSTEAD = "Say it as a rule of the table (quality: by, measures, valid)."
"""What to do with a rule of what no row of the map has."""
TYPING = "1"
"""A number of how texts are typed and rules judged, which changes where the same contract would give other rows."""
MARKS, REASONS = "marks", "reasons"
OBSERVED = count()
"""A query cannot observe two things by one name."""


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
        # Spark would put the filter below the selections, and compute in it for each condition anew what many of them
        # share. It puts none below what is observed.
        return self.chosen(self.judged(mapped).observe(f"judged {next(OBSERVED)}", F.count(F.lit(1))))

    def chosen(self, rows: DataFrame, *besides: str) -> DataFrame:
        """Of judged rows those that meet the contract.   besides: columns that they have besides."""
        return rows.where(column(MET)).drop(MET, WARN_MET)

    def judged(self, mapped: DataFrame, *besides: str) -> DataFrame:
        """All mapped rows, typed, marked with whether they meet the rules that put aside, and those that warn.

        besides: columns that are not the map's, and stay as they are.
        """
        return _selected(self, MARKS, mapped, besides)

    def typed(self, mapped: DataFrame) -> DataFrame:
        """All mapped rows, typed, not judged."""
        return mapped.select(*kept(self._columns(mapped.schema), mapped.columns))

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

    def selections(self, which: str, mapped: StructType) -> list[list[Column]]:
        """What is selected of mapped rows of these columns, one after the other, to judge them, or to tell why."""
        columns, rules = self._columns(mapped), self.contract.row_rules
        if which == REASONS:
            return reasons(columns, rules, mapped)
        return marks(columns, rules, self.target, mapped.names, as_given=isinstance(self, PutAside))

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


@dataclass(frozen=True)
class PutAside(FrontDoor):
    """The same door; it gives the rows that do not meet the contract, as the map gave them."""

    def chosen(self, rows: DataFrame, *besides: str) -> DataFrame:
        """Of judged rows those that are put aside, with `failed_rules`: rule, column and value, told of no others."""
        given = {name: name.removeprefix(GIVEN) for name in rows.columns if name.startswith(GIVEN)}
        aside = rows.where(~column(MET)).select(*[column(name).alias(own) for name, own in given.items()], *besides)
        return _selected(self, REASONS, aside, besides)


def _selected(door: FrontDoor, which: str, mapped: DataFrame, besides: Sequence[str]) -> DataFrame:
    own = StructType([field for field in mapped.schema.fields if field.name not in besides])
    for columns in _selections(door, which, own.json(), SparkContext._gateway):
        mapped = mapped.select(*columns, *besides)
    return mapped


@lru_cache(maxsize=128)
def _selections(door: FrontDoor, which: str, mapped: str, gateway: object) -> list[list[Column]]:
    """The door's selections: to make them anew takes hundreds of calls to the JVM, and columns do not wear out.

    mapped: the columns, as JSON.   gateway: to the JVM in which they are made.
    """
    return door.selections(which, StructType.fromJson(json.loads(mapped)))
