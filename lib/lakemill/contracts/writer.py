"""Writing a contract as YAML of the Open Data Contract Standard, as the reader takes it."""

from decimal import Decimal
from typing import Any

import yaml

from lakemill.contracts.contract import ADD, MOST_QUARANTINED, WIDEN, ColumnTerms, Consumer, Contract, TextForm
from lakemill.contracts.document import Values
from lakemill.contracts.reader import LATENCY, UNITS
from lakemill.contracts.rule_reader import AT_LEAST, AT_MOST, BETWEEN, ENGINE, EXACT
from lakemill.contracts.rules import (
    QUARANTINE,
    WARN,
    Measure,
    Reference,
    RowCount,
    RowRule,
    TableRule,
    Totals,
    Unique,
)

STANDARD = "v3.2.0"
WIDTH = 120


def contract_text(contract: Contract) -> str:
    """The contract as a file has it. What is as usual is left out."""
    text: str = yaml.dump(
        contract_values(contract), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, indent=2
    )
    return text


def contract_values(contract: Contract) -> Values:
    """The contract as the standard's keys and values."""
    return _given(
        apiVersion=STANDARD,
        kind="DataContract",
        id=contract.table,
        version=contract.version,
        status="active",
        description=_given(purpose=contract.description),
        team=_given(name=contract.owner),
        schema=[_table(contract)],
        slaProperties=[_need(consumer, contract.table) for consumer in contract.consumers],
        customProperties=_custom(
            schemaChanges=_changes(contract),
            malformed=_unusual(contract.malformed, QUARANTINE),
            drift=_unusual(contract.drift, WARN),
            mostQuarantinedPercent=_unusual(contract.most_quarantined, MOST_QUARANTINED),
            encoding=contract.encoding,
            delimiter=contract.delimiter,
        ),
    )


def _table(contract: Contract) -> Values:
    relations = [rule for rule in contract.own_table_rules if isinstance(rule.demand, Reference)]
    others = [rule for rule in contract.own_table_rules if not isinstance(rule.demand, Reference)]
    return _given(
        name=contract.table,
        physicalType="table",
        properties=[_column(column, contract.key) for column in contract.columns],
        relationships=[_relation(rule, contract.table) for rule in relations],
        quality=[*map(_row_rule, contract.row_rules), *map(_table_rule, others)],
    )


def _column(column: ColumnTerms, key: tuple[str, ...]) -> Values:
    return _given(
        name=column.name,
        primaryKey=column.name in key,
        primaryKeyPosition=key.index(column.name) + 1 if column.name in key else None,
        logicalType=column.logical,
        physicalType=column.physical,
        description=column.description,
        required=column.required,
        unique=column.unique,
        classification=column.personal,
        logicalTypeOptions=_options(column),
        enum=[{"value": value} for value in column.values],
        relationships=_references(column),
        customProperties=_custom(**_form(column.form), severity=dict(column.severities)),
    )


def _options(column: ColumnTerms) -> Values:
    options = _given(format=column.form.layout, timezone=column.form.offset, defaultTimezone=column.form.zone)
    for key, bound in (("inimum", column.minimum), ("aximum", column.maximum)):
        if bound:
            options[f"exclusiveM{key}" if bound.exclusive else f"m{key}"] = bound.value
    lengths = {"minLength": column.shortest, "maxLength": column.longest}
    options |= {key: length for key, length in lengths.items() if length is not None}
    return options | _given(pattern=column.pattern)


def _form(form: TextForm) -> Values:
    usual = TextForm()
    return _given(
        decimalSeparator=_unusual(form.decimal, usual.decimal),
        groupSeparator=form.group,
        trueValues=_unusual(list(form.true), list(usual.true)),
        falseValues=_unusual(list(form.false), list(usual.false)),
        missingValues=list(form.missing),
        trim=form.trim,
    )


def _references(column: ColumnTerms) -> list[Values]:
    target = column.references
    return [{"type": "foreignKey", "to": f"{target.table}.{target.keys[0]}"}] if target else []


def _relation(rule: TableRule, table: str) -> Values:
    demand = rule.demand
    assert isinstance(demand, Reference)
    return _given(
        id=rule.name,
        type="foreignKey",
        **{"from": [f"{table}.{column}" for column in demand.columns]},
        to=[f"{demand.table}.{column}" for column in demand.keys],
        customProperties=_custom(severity=_unusual(rule.severity, WARN), description=rule.description),
    )


def _row_rule(rule: RowRule) -> Values:
    severity = _unusual(rule.severity, QUARANTINE)
    return _given(
        name=rule.name,
        description=rule.description,
        type="custom",
        engine=ENGINE,
        implementation=rule.predicate,
        severity=severity,
    )


def _table_rule(rule: TableRule) -> Values:
    demand = rule.demand
    what: Values = {}
    if isinstance(demand, Unique):
        what = {"type": "library", "metric": "duplicateValues", EXACT: 0}
        what["arguments"] = {"properties": list(demand.columns)}
    elif isinstance(demand, RowCount):
        what = {"type": "library", "metric": "rowCount", **_row_count(demand)}
    elif isinstance(demand, Totals):
        what = {"type": "custom", "engine": ENGINE, "implementation": _totals(demand)}
    named = _given(name=rule.name, description=rule.description)
    return {**named, **what, **_given(severity=_unusual(rule.severity, WARN))}


def _row_count(count: RowCount) -> Values:
    if count.most is None:
        return {AT_LEAST: count.least}
    if count.least == count.most:
        return {EXACT: count.least}
    return {BETWEEN: [count.least, count.most]} if count.least else {AT_MOST: count.most}


def _totals(totals: Totals) -> Values:
    equals = _given(table=totals.table, measures=_measures(totals.others))
    measures = _measures(totals.measures)
    return _given(by=list(totals.by), measures=measures, valid=totals.valid, equals=equals)


def _measures(measures: tuple[Measure, ...]) -> Values:
    return {each.name: f"{each.what}({each.column})" if each.column else each.what for each in measures}


def _need(consumer: Consumer, table: str) -> Values:
    unit, minutes = next((unit, size) for unit, size in reversed(UNITS.items()) if not consumer.minutes % size)
    return _given(
        property=LATENCY,
        value=consumer.minutes // minutes,
        unit=unit,
        element=", ".join(f"{table}.{column}" for column in consumer.columns),
        description=consumer.action,
        customProperties=_custom(consumer=consumer.who, contact=consumer.contact),
    )


def _changes(contract: Contract) -> Any:
    if not contract.changes:
        return "none"
    return _unusual(list(contract.changes), [ADD, WIDEN])


def _unusual(value: Any, usual: Any) -> Any:
    """The value, or nothing where it is what is meant without it."""
    return None if value == usual else value


def _given(**values: Any) -> Values:
    """What is there: neither empty nor false."""
    return {key: value for key, value in values.items() if value or (value == 0 and value is not False)}


def _custom(**values: Any) -> list[Values]:
    return [{"property": key, "value": value} for key, value in _given(**values).items()]


class _Dumper(yaml.SafeDumper):
    """YAML with its lists set in, and decimals as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Set lists in below their keys."""
        super().increase_indent(flow, False)  # type: ignore[no-untyped-call]

    def ignore_aliases(self, data: Any) -> bool:
        """The reader takes none."""
        return True


def _decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    text = format(value, "f")
    return dumper.represent_scalar("tag:yaml.org,2002:float", text if "." in text else f"{text}.0")


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Line breaks of other alphabets are folded away but between double quotes."""
    style = '"' if set(value) & set("\n\r\u0085\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


_Dumper.add_representer(Decimal, _decimal)
_Dumper.add_representer(str, _text)
