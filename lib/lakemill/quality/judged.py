"""Judging: which rules of a contract the rows of a map fail, as Spark's columns.

A rule of a column is judged by the text that the map gives, or by its value where the map gives one. A rule of rows is
judged by the typed values, of rows in which no column by itself puts them aside: it may count on what the columns
promise, and a value that could not be typed is not a second failure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from pyspark.sql import Column, functions as F
from pyspark.sql.types import DataType, StringType

from lakemill.columns import column
from lakemill.contracts.contract import Bound, ColumnTerms, Given
from lakemill.contracts.rules import RowRule
from lakemill.contracts.spark_types import FLOATING, TEXT
from lakemill.quality.typed import Typed, compared_type, typed


@dataclass(frozen=True)
class Verdict:
    """A rule, and whether a row meets it, which is never NULL.   place: the column that it is about; empty of rows."""

    rule: str
    severity: str
    met: Column
    place: str = ""

    @property
    def failure(self) -> Column:
        """What is told of a row that does not meet it: rule, column, and the column's value as a text."""
        value = column(self.place).cast("string") if self.place else F.lit(None).cast("string")
        return F.struct(F.lit(self.rule).alias("rule"), F.lit(self.place).alias("column"), value.alias("value"))


@dataclass(frozen=True)
class JudgedColumn:
    """A column of the map: what is kept of it, and the verdicts on it.   plain: whether it is kept as it comes."""

    kept: Column
    verdicts: tuple[Verdict, ...]
    plain: bool


def judged(terms: ColumnTerms, given: DataType) -> JudgedColumn:
    """The column that the map gives, of this type, by its terms."""
    text, is_text = column(terms.name), isinstance(given, StringType)
    meant = typed(text, terms) if is_text else Typed(text, text, F.lit(True))
    plain = not is_text or (terms.physical == TEXT and not (terms.form.trim or terms.form.missing))
    return JudgedColumn(meant.kept.alias(terms.name), tuple(_verdicts(terms, meant.value, meant.reads)), plain)


def _verdicts(terms: ColumnTerms, value: Column, reads: Column) -> Iterator[Verdict]:
    for rule in terms.row_rules:
        met = reads if rule == "type" else ~reads | F.coalesce(_met(rule, terms, value), F.lit(True))
        yield Verdict(rule, terms.severity(rule), met, terms.name)


def _met(rule: str, terms: ColumnTerms, value: Column) -> Column:
    """Whether a value meets a rule; NULL where there is none."""
    if rule == "required":
        return value.isNotNull()
    if rule == "values":
        return value.isin(*[_constant(each, terms) for each in terms.values])
    if rule == "length":
        return F.length(value).between(terms.shortest or 0, 2**31 - 1 if terms.longest is None else terms.longest)
    if rule == "pattern":
        # Java's $ takes a line's end at the end of the text, too; what is too long is not matched: it fails by that.
        matches = value.rlike(f"{terms.pattern[:-1]}\\z")
        return matches if terms.longest is None else F.when(F.length(value) <= terms.longest, matches)
    bound = terms.minimum if rule == "minimum" else terms.maximum
    assert bound
    return _within(value, bound, _constant(bound.value, terms), least=rule == "minimum")


def _within(value: Column, bound: Bound, limit: Column, least: bool) -> Column:
    if least:
        return value > limit if bound.exclusive else value >= limit
    return value < limit if bound.exclusive else value <= limit


def _constant(given: Given, terms: ColumnTerms) -> Column:
    """A value that the contract gives: of the column's type, but a number for whole numbers or decimals as it is.

    Such a one may be finer than the column's values. A double's is the nearest that there is of the type.
    """
    kind = compared_type(terms)
    if isinstance(given, str) or kind.name in FLOATING:
        return F.lit(str(given)).cast(str(kind))
    return F.lit(given if isinstance(given, int) and abs(given) < 2**63 else Decimal(given))


def row_verdicts(rules: Iterable[RowRule], sound: Column) -> list[Verdict]:
    """The verdicts of rules of rows, over columns that are typed.   sound: whether no column puts the row aside."""

    def met(rule: RowRule) -> Column:
        return F.when(sound, F.coalesce(F.expr(rule.predicate), F.lit(False))).otherwise(F.lit(True))

    return [Verdict(rule.name, rule.severity, met(rule)) for rule in rules]


def all_of(conditions: Iterable[Column]) -> Column:
    """Whether all of the conditions hold."""
    return reduce(lambda left, right: left & right, conditions, F.lit(True))
