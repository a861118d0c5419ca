"""Contradictions within a contract: terms that no value meets, or that say nothing of the columns they are for."""

import re
from collections import Counter
from collections.abc import Iterator

from lakemill.contracts.column_consistency import column_contradictions
from lakemill.contracts.contract import KEY_RULE, ColumnTerms, Contract
from lakemill.contracts.document import CUSTOM, Where
from lakemill.contracts.predicates import predicate_faults
from lakemill.contracts.rules import Measure, Reference, RowCount, RowRule, TableRule, Totals, Unique, check_table
from lakemill.contracts.spark_types import FLOATING
from lakemill.errors import did_you_mean
from lakemill.job import RESERVED, TABLE_NAME

TABLE: Where = ("schema", 0)
OWN_COLUMNS = {RESERVED, "failed_rules"}
"""Names of columns that lakemill has for itself in a table or in its quarantine."""


def contradictions(contract: Contract) -> Iterator[tuple[Where, str]]:
    """What in a contract cannot be, with its place: items of lists are called by their names."""
    for column in contract.columns:
        where: Where = (*TABLE, "properties", column.name)
        yield from _names(column, where)
        for steps, what in column_contradictions(column):
            yield (*where, *steps), what
        if column.references and (column.references.table, column.references.keys) == (contract.table, (column.name,)):
            yield (*where, "relationships"), "the column refers to itself, which says nothing"
    names = [column.name for column in contract.columns]
    for rule in contract.row_rules:
        for fault in predicate_faults(rule.predicate, names):
            yield (*_place_of(rule), "implementation"), fault
    yield from _table_rules(contract, names)
    yield from _rule_names(contract)
    yield from _consumers(contract, names)
    yield from _files(contract)


def _names(column: ColumnTerms, where: Where) -> Iterator[tuple[Where, str]]:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", column.name):
        yield (*where, "name"), f'"{column.name}" cannot be a column: letters, digits and _ were expected'
    if column.name.lower() in OWN_COLUMNS:
        yield (*where, "name"), f'"{column.name}" is lakemill\'s own column; choose another name'


def _place_of(rule: RowRule | TableRule) -> Where:
    return (*TABLE, "relationships" if _is_relation(rule) else "quality", rule.name)


def _is_relation(rule: RowRule | TableRule) -> bool:
    return isinstance(rule, TableRule) and isinstance(rule.demand, Reference)


def _table_rules(contract: Contract, names: list[str]) -> Iterator[tuple[Where, str]]:
    for rule in contract.own_table_rules:
        match rule.demand:
            case Unique(columns):
                yield from _lacking((*_place_of(rule), "arguments", "properties"), columns, names)
            case Reference(columns, table, keys):
                yield from _lacking((*_place_of(rule), "from"), columns, names)
                if table == contract.table and columns == keys:
                    yield (*_place_of(rule), "to"), "the columns refer to themselves, which says nothing"
            case RowCount(least, most):
                if not least and most is None:
                    yield _place_of(rule), "every table has 0 rows or more, so it says nothing"
            case Totals() as totals:
                for steps, what in _totals(totals, contract, names):
                    yield (*_place_of(rule), "implementation", *steps), what


def _totals(totals: Totals, contract: Contract, names: list[str]) -> Iterator[tuple[Where, str]]:
    yield from _lacking(("by",), totals.by, names)
    for measure in totals.measures:
        yield from _lacking(("measures", measure.name), (measure.column,) if measure.column else (), names)
        yield from _unmeasurable(measure, contract.column(measure.column))
        if measure.name in totals.by:
            yield ("measures", measure.name), f'"{measure.name}" is a column of `by`, too; call the measure otherwise'
    if totals.valid:
        known = [*totals.by, *(measure.name for measure in totals.measures)]
        for fault in predicate_faults(totals.valid, known):
            yield ("valid",), fault.replace("in the contract", "in `by` or `measures`")
        return
    if not TABLE_NAME.fullmatch(totals.table):
        yield ("equals", "table"), f'"{totals.table}" is no table name; one reads layer.name in small letters'
    mine, theirs = ({measure.name for measure in side} for side in (totals.measures, totals.others))
    if mine != theirs:
        other = ", ".join(sorted(mine ^ theirs))
        yield ("equals", "measures"), f"both sides have measures of the same names; {other} has no other side"
    if totals.table == contract.table:
        yield ("equals", "table"), "the table is compared with itself"


def _unmeasurable(measure: Measure, column: ColumnTerms | None) -> Iterator[tuple[Where, str]]:
    if column and measure.what in ("min", "max") and column.logical != "string" and column.physical == "string":
        yield (
            ("measures", measure.name),
            f"{column.name} is kept as a text, and of texts 9 is more than 5000",
        )
    if measure.what != "sum" or column is None:
        return
    if column.logical not in ("integer", "number") or column.physical == "string":
        yield ("measures", measure.name), f"{column.name} is kept as {column.physical}, which has no sum"
    elif column.physical in FLOATING:
        yield ("measures", measure.name), f"sums of a {column.physical} drift; keep {column.name} as a decimal"


def _rule_names(contract: Contract) -> Iterator[tuple[Where, str]]:
    """Each rule has a name of its own, and so has the table of its offenders."""
    own: list[RowRule | TableRule] = [*contract.row_rules, *contract.own_table_rules]
    derived = [rule.name for rule in contract.table_rules if rule not in contract.own_table_rules]
    for name, times in Counter([*(rule.name for rule in own), *derived]).items():
        if times > 1:
            rule = next((rule for rule in own if rule.name == name), None)
            yield _place_of(rule) if rule else TABLE, f'there are {times} rules called "{name}"; call them apart'
    for table_rule in contract.table_rules:
        name = check_table(contract.table, table_rule.name)
        if not TABLE_NAME.fullmatch(name):
            where = _place_of(table_rule) if table_rule in contract.own_table_rules else TABLE
            yield where, f"its offenders would be in {name}, which is too long for a table's name; shorten it"
    if contract.key and any(rule.name == KEY_RULE for rule in own):
        yield TABLE, f"{KEY_RULE} is the name of the key's own rule; choose another"


def _consumers(contract: Contract, names: list[str]) -> Iterator[tuple[Where, str]]:
    for at, consumer in enumerate(contract.consumers):
        yield from _lacking(("slaProperties", at, "element"), consumer.columns, names)
    for (who, action), times in Counter((each.who, each.action) for each in contract.consumers).items():
        if times > 1:
            yield ("slaProperties",), f'"{who}" is named {times} times for the same: {action}; leave one of them out'


def _files(contract: Contract) -> Iterator[tuple[Where, str]]:
    try:
        known = not contract.encoding or bool("a".encode(contract.encoding))
    except (LookupError, ValueError):
        known = False
    if not known:
        yield (
            (CUSTOM, "encoding"),
            f'"{contract.encoding}" is no encoding; one was expected, such as utf-8 or latin-1',
        )


def _lacking(where: Where, columns: tuple[str, ...], names: list[str]) -> Iterator[tuple[Where, str]]:
    """References to columns that are not there, and lists of none."""
    for column in columns:
        if column not in names:
            yield where, f'there is no column "{column}" in the contract. {did_you_mean(column, names)}'
    if not columns and where[-1] in ("properties", "from"):
        yield where, "it names no column"
