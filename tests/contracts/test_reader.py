"""A contract that is none: every kind of error names its file, its line, its place and what was expected.

Each case changes lines of one contract that is right. The line that the error has to name is the one with a mark.
"""

from decimal import Decimal

import pytest

from lakemill.contracts.consistency import contradictions
from lakemill.contracts.contract import Bound, ColumnTerms, Consumer, Contract, TextForm
from lakemill.contracts.document import LARGEST_FILE, ContractError, document_of
from lakemill.contracts.reader import contract_of
from lakemill.contracts.rules import Measure, Reference, RowCount, RowRule, TableRule, Totals, Unique

MARK = "# HERE"
RIGHT = """\
apiVersion: v3.1.0
kind: DataContract
id: silver.sales
version: 1.2.0
status: active
description: {purpose: Sale lines}
team: {name: sales systems}
schema:
  - name: silver.sales
    physicalType: table
    properties:
      - name: line
        logicalType: integer
        primaryKey: true
        primaryKeyPosition: 2
      - name: basket
        logicalType: integer
        physicalType: int
        primaryKey: true
        primaryKeyPosition: 1
        required: true
        logicalTypeOptions: {minimum: 1}
      - name: amount
        logicalType: number
        physicalType: decimal(12,2)
        description: in euros
        logicalTypeOptions:
          exclusiveMinimum: 0.10
          maximum: 999
        customProperties:
          - property: decimalSeparator
            value: ","
          - {property: severity, value: {minimum: warn}}
      - name: sold
        logicalType: timestamp
        logicalTypeOptions:
          format: yyyy-MM-dd HH:mm
          defaultTimezone: Europe/Berlin
      - name: code
        logicalType: string
        unique: true
        logicalTypeOptions:
          minLength: 2
          maxLength: 8
          pattern: ^[A-Z]+$
        enum: [{value: AB}, {value: CDE}]
        classification: personal
        relationships: [{to: silver.codes.code}]
      - name: paid
        logicalType: boolean
        customProperties:
          - {property: trueValues, value: [Y, "yes"]}
          - {property: falseValues, value: [N]}
          - {property: missingValues, value: [""]}
          - {property: trim, value: true}
    relationships:
      - id: refund
        type: foreignKey
        from: [silver.sales.basket, line]
        to: [silver.refunds.basket, silver.refunds.line]
    quality:
      - name: not_free
        type: custom
        engine: lakemill
        implementation: amount > 0 or code = 'free'
        severity: fail
      - name: no_twins
        metric: duplicateValues
        mustBe: 0
        arguments: {properties: [basket, code]}
      - name: size
        metric: rowCount
        mustBeGreaterThan: 0
      - name: agrees
        engine: lakemill
        implementation:
          by: [basket]
          measures: {amount: sum(amount), lines: count}
          equals: {table: silver.baskets, measures: {amount: sum(total), lines: max(lines)}}
slaProperties:
  - property: latency
    value: 4
    unit: h
    element: silver.sales.amount, code
    description: decides on prices
    customProperties:
      - {property: consumer, value: marketing}
      - {property: contact, value: m@shop.example}
customProperties:
  - {property: schemaChanges, value: [widen]}
  - {property: malformed, value: refuse}
  - {property: drift, value: quarantine}
  - {property: mostQuarantinedPercent, value: 2.5}
  - {property: encoding, value: latin-1}
  - {property: delimiter, value: ";"}
"""


def read(text: str):
    document = document_of(text.encode(), "conf/contracts/silver.sales.yaml")
    contract = contract_of(document)
    document.check()
    return contract


def test_all_that_may_stand_there_is_read():
    contract = read(RIGHT)
    line, basket, amount, sold, code, paid = contract.columns
    assert (contract.table, contract.version, contract.owner) == ("silver.sales", "1.2.0", "sales systems")
    assert (contract.description, contract.key) == ("Sale lines", ("basket", "line"))
    assert (line.physical, basket.physical, sold.physical, paid.physical) == ("bigint", "int", "timestamp", "boolean")
    assert basket.required and basket.minimum == Bound(1)
    assert (amount.minimum, amount.maximum) == (Bound(Decimal("0.10"), exclusive=True), Bound(999))
    assert (
        amount.form.decimal == "," and amount.severity("minimum") == "warn" and amount.severity("type") == "quarantine"
    )
    assert sold.form == TextForm(layout="yyyy-MM-dd HH:mm", zone="Europe/Berlin")
    assert (code.shortest, code.longest, code.pattern, code.values) == (2, 8, "^[A-Z]+$", ("AB", "CDE"))
    assert code.personal == "personal" and code.references == Reference(("code",), "silver.codes", ("code",))
    assert paid.form == TextForm(true=("Y", "yes"), false=("N",), missing=("",), trim=True)
    assert contract.row_rules == (RowRule("not_free", "amount > 0 or code = 'free'", "fail"),)
    totals = Totals(
        measures=(Measure("amount", "sum", "amount"), Measure("lines", "count")),
        by=("basket",),
        table="silver.baskets",
        others=(Measure("amount", "sum", "total"), Measure("lines", "max", "lines")),
    )
    assert contract.table_rules == (
        TableRule("unique_key", Unique(("basket", "line"))),
        TableRule("unique_code", Unique(("code",))),
        TableRule("references_code", Reference(("code",), "silver.codes", ("code",))),
        TableRule("no_twins", Unique(("basket", "code"))),
        TableRule("size", RowCount(1)),
        TableRule("agrees", totals),
        TableRule("refund", Reference(("basket", "line"), "silver.refunds", ("basket", "line"))),
    )
    need = Consumer("marketing", "decides on prices", 240, ("amount", "code"), "m@shop.example")
    assert contract.consumers == (need,)
    assert (contract.changes, contract.malformed, contract.drift) == (("widen",), "refuse", "quarantine")
    assert (contract.most_quarantined, contract.encoding, contract.delimiter) == (Decimal("2.5"), "latin-1", ";")
    assert [column.row_rules for column in (basket, amount, code)] == [
        ("type", "required", "minimum"),
        ("type", "minimum", "maximum"),
        ("values", "length", "pattern"),
    ]


ADDED = "        description: in euros\n"
"""A line of the column amount, to be followed by others of it."""
COLUMN = "      - name: amount\n"
"""Before it another column may stand."""
CUSTOM = "  - {property: malformed, value: refuse}\n"
RULE = "      - name: not_free\n"


def column(*lines: str) -> tuple[str, str]:
    """A further column of these lines."""
    return COLUMN, "      - name: x\n" + "".join(f"        {line}\n" for line in lines) + COLUMN


def amount(line: str) -> tuple[str, str]:
    return ADDED, f"{ADDED}        {line}\n"


def rule(*lines: str) -> tuple[str, str]:
    return RULE, "      - name: r\n" + "".join(f"        {line}\n" for line in lines) + RULE


def text_column(*options: str) -> tuple[str, str]:
    return column("logicalType: string", "logicalTypeOptions:", *[f"  {option}" for option in options])


def whole_column(*options: str) -> tuple[str, str]:
    return column(
        "logicalType: integer", "physicalType: tinyint", "logicalTypeOptions:", *[f"  {each}" for each in options]
    )


def moment(kind: str, *options: str) -> tuple[str, str]:
    return column(f"logicalType: {kind}", "logicalTypeOptions:", *[f"  {option}" for option in options])


def custom(kind: str, *properties: str) -> tuple[str, str]:
    return column(f"logicalType: {kind}", "customProperties:", *[f"  - {{{each}" for each in properties])


def top(line: str) -> tuple[str, str]:
    return CUSTOM, f"{CUSTOM}  - {line}\n"


CASES: dict[str, tuple[tuple[str, str], str, str]] = {
    # YAML
    "no YAML": (("team: {name: sales systems}", "team: {name: sales systems"), "", "this is not YAML"),
    "a tab": (("version: 1.2.0", "\tversion: 1.2.0 # HERE"), "", "not YAML"),
    "twice": (("version: 1.2.0", "version: 1.2.0\nversion: 1.3.0 # HERE"), "", '"version" is given twice'),
    "twice within": (amount("logicalType: number # HERE"), "properties[amount]", "given twice"),
    "an anchor": (("version: 1.2.0", "version: &v 1.2.0 # HERE"), "", "anchors and aliases are not taken"),
    "an alias": (("version: 1.2.0", "version: *v # HERE"), "", "anchors and aliases are not taken"),
    "python": (("version: 1.2.0", "version: !!python/object/apply:os.system ['true'] # HERE"), "version", "not taken"),
    "binary": (("version: 1.2.0", "version: !!binary aGVsbG8= # HERE"), "version", "the tag binary"),
    "two documents": (("status: active", "---\nstatus: active"), "", "this is not YAML"),
    "a key that is no text": (("status: active", "yes: active # HERE"), "", "no name of a key"),
    "a merge": (("status: active", "<<: {} # HERE"), "", "no name of a key"),
    "Norway": (amount("businessName: no # HERE"), "properties[amount].businessName", "reads no as a boolean"),
    "octal": (
        column("logicalType: string", "enum: [{value: 010}] # HERE"),
        "enum",
        "an unusual number; put it in quotes",
    ),
    "sixty": (column("logicalType: string", "enum: [{value: 1:30}] # HERE"), "enum", "unusual number"),
    "a date": (moment("date", "minimum: 2017-01-01 # HERE"), "minimum", "reads 2017-01-01 as a date; put it in quotes"),
    "infinite": (whole_column("minimum: .inf # HERE"), "minimum", "unusual number"),
    # keys
    "unknown at the top": (("status: active", "statuss: active # HERE"), "statuss", 'Did you mean "status"?'),
    "unknown of a table": (
        ("    physicalType: table", "    physicalTypes: table # HERE"),
        "physicalTypes",
        "physicalType",
    ),
    "unknown of a column": (amount("requird: true # HERE"), "[amount].requird", 'Did you mean "required"?'),
    "unknown of a team": (
        ("{name: sales systems}", "{name: sales systems, mail: x} # HERE"),
        "team.mail",
        "Known: name",
    ),
    "unknown of a rule": (
        rule("engine: lakemill", "implementation: line > 0", "sevrity: warn # HERE"),
        "[r].sevrity",
        "severity",
    ),
    "unknown option": (whole_column("minimun: 1 # HERE"), "minimun", "says nothing of a integer"),
    "option of others": (whole_column("maxLength: 1 # HERE"), "maxLength", "it is for string"),
    "unknown custom": (top("{property: malformd, value: refuse} # HERE"), "malformd", 'Did you mean "malformed"?'),
    "custom twice": (top("{property: malformed, value: refuse} # HERE"), "property", "given twice"),
    "custom without value": (top("{property: drift2} # HERE"), "drift2", '"value" is missing'),
    "missing id": (("id: silver.sales\n", ""), "", '"id" is missing'),
    "missing version": (("version: 1.2.0\n", ""), "", '"version" is missing'),
    "missing schema": ((RIGHT[RIGHT.index("schema:") : RIGHT.index("slaProperties")], ""), "", '"schema" is missing'),
    "missing type": (column("required: true"), "[x]", '"logicalType" is missing'),
    "missing name": ((COLUMN, f"      - logicalType: date # HERE\n{COLUMN}"), "properties[", '"name" is missing'),
    "a list for a map": (("{name: sales systems}", "[x] # HERE"), "team", "keys with values was expected, not a list"),
    "a map for a list": (
        ("enum: [{value: AB}, {value: CDE}]", "enum: {value: AB} # HERE"),
        "enum",
        "a list was expected",
    ),
    "a text for a flag": (
        ("required: true", 'required: "true" # HERE'),
        "required",
        "true or false was expected, not true",
    ),
    "a number for a text": (
        ("version: 1.2.0", "version: 1.2 # HERE"),
        "version",
        "a text was expected, not 1.2; put it in",
    ),
    "nothing": (("version: 1.2.0", "version: # HERE"), "version", "a text was expected, not nothing"),
    "empty": (("version: 1.2.0", 'version: "" # HERE'), "version", "it is empty"),
    "a column that is a text": (
        (COLUMN, f"      - amount # HERE\n{COLUMN}"),
        "properties",
        "keys with values were expected",
    ),
    "no columns": (
        (RIGHT[RIGHT.index("      - name: line") : RIGHT.index("    relationships:\n")], ""),
        "properties",
        "list",
    ),
    # names
    "an old standard": (("apiVersion: v3.1.0", "apiVersion: v2.2.2 # HERE"), "apiVersion", '"v2.2.2" is not known'),
    "another kind": (("kind: DataContract", "kind: DataContrat # HERE"), "kind", 'Did you mean "DataContract"?'),
    "a draft": (("status: active", "status: draft # HERE"), "status", '"draft" is not known here'),
    "another id": (("id: silver.sales", "id: silver.sale # HERE"), "id", "they are to be the same"),
    "no table name": (("  - name: silver.sales\n", "  - name: Sales # HERE\n"), "name", "no table name"),
    "two tables": (
        ("slaProperties:", "  - {name: silver.x, properties: []}\nslaProperties:"),
        "schema",
        "has 2 tables",
    ),
    "a column twice": (
        (COLUMN, f"      - {{name: Line, logicalType: date}} # HERE\n{COLUMN}"),
        "[Line].name",
        "given twice",
    ),
    "a column's name": (
        (COLUMN, f'      - {{name: "a b", logicalType: date}} # HERE\n{COLUMN}'),
        "[a b].name",
        "cannot be a col",
    ),
    "our own column": (
        (COLUMN, f"      - {{name: failed_rules, logicalType: date}} # HERE\n{COLUMN}"),
        "name",
        "own column",
    ),
    "the state": ((COLUMN, f"      - {{name: _state, logicalType: date}} # HERE\n{COLUMN}"), "name", "own column"),
    "a rule's name": ((RULE, "      - name: Not free # HERE\n"), "[Not free].name", "no name of a rule"),
    "a rule twice": (
        (RULE, "      - name: no_twins # HERE\n"),
        "quality[no_twins]",
        'there are 2 rules called "no_twins"',
    ),
    "a rule as another": ((RULE, "      - name: unique_code # HERE\n"), "quality[unique_code]", "2 rules called"),
    "a position twice": (("primaryKeyPosition: 1", "primaryKeyPosition: 2 # HERE"), "primaryKeyPosition", "position 2"),
    "a position for nothing": (amount("primaryKeyPosition: 3 # HERE"), "primaryKeyPosition", "not of the key"),
    # types
    "unknown logical type": (
        ("logicalType: number", "logicalType: numbr # HERE"),
        "logicalType",
        'Did you mean "number"?',
    ),
    "a struct": (column("logicalType: object # HERE"), "logicalType", '"object" is not known here'),
    "number without type": (("        physicalType: decimal(12,2)\n", ""), "[amount]", '"physicalType" is missing'),
    "another name of a type": (
        column("logicalType: integer", "physicalType: BIGINT # HERE"),
        "physicalType",
        "write bigint",
    ),
    "SQL's number": (column("logicalType: number", "physicalType: numeric(9,1) # HERE"), "Type", "write decimal(9,1)"),
    "no type": (
        column("logicalType: integer", "physicalType: blob # HERE"),
        "physicalType",
        "known are string, tinyint",
    ),
    "39 digits": (
        column("logicalType: number", "physicalType: decimal(39,2) # HERE"),
        "physicalType",
        "no type of Spark",
    ),
    "scale beyond": (
        column("logicalType: number", "physicalType: decimal(3,4) # HERE"),
        "physicalType",
        "no type of Spark",
    ),
    "types apart": (
        column("logicalType: date", "physicalType: int # HERE"),
        "physicalType",
        "kept as string or date, not as int",
    ),
    "whole with decimals": (column("logicalType: integer", "physicalType: decimal(9,1) # HERE"), "Type", "has 1"),
    # formats
    "no year": (moment("date", "format: MM-dd # HERE"), "format", "it has not the year"),
    "two digits": (moment("date", "format: yy-MM-dd # HERE"), "format", "does not tell the century"),
    "an hour in a date": (moment("date", "format: yyyy-MM-dd HH # HERE"), "format", "which a date would lose"),
    "no hour": (moment("timestamp", "format: yyyy-MM-dd # HERE"), "format", "it has not the hour"),
    "half a day": (moment("timestamp", "format: yyyy-MM-dd hh:mm # HERE"), "format", "morning from evening"),
    "a day's name": (moment("date", "format: EEE yyyy-MM-dd # HERE"), "format", "EEE is not taken"),
    "an open quote": (moment("date", "format: yyyy-MM-dd'T # HERE"), "format", "a quote is not closed"),
    "an open bracket": (moment("date", 'format: "[yyyy-MM-dd" # HERE'), "format", "a bracket is not closed"),
    "an offset not told": (moment("timestamp", "format: yyyy-MM-dd HHXXX # HERE"), "format", "timezone is not true"),
    "an offset not there": (
        moment("timestamp", "format: yyyy-MM-dd HH # HERE", "timezone: true"),
        "format",
        "no offset",
    ),
    "a zone": (
        moment("timestamp", "defaultTimezone: Europe/Berlim # HERE"),
        "Timezone",
        'Did you mean "Europe/Berlin"?',
    ),
    "a zone's letters": (moment("timestamp", "defaultTimezone: CET # HERE"), "Timezone", "no time zone"),
    "two zones": (
        moment("timestamp", "timezone: true", "defaultTimezone: UTC # HERE"),
        "defaultTimezone",
        "none needs",
    ),
    "one separator": (
        column(
            "logicalType: number",
            "physicalType: decimal(12,2)",
            "customProperties:",
            '  - {property: groupSeparator, value: "."} # HERE',
        ),
        "groupSeparator",
        "cannot stand",
    ),
    "a separator": (custom("integer", 'property: groupSeparator, value: "x"} # HERE'), "groupSeparator", "not known"),
    "texts of a boolean": (
        custom("date", "property: trueValues, value: [Y]} # HERE"),
        "trueValues",
        "it is for boolean",
    ),
    "true and false": (
        custom("boolean", 'property: falseValues, value: ["true"]} # HERE'),
        "falseValues",
        "means true, too",
    ),
    "true and missing": (
        custom("boolean", 'property: missingValues, value: ["true"]} # HERE'),
        "missing",
        "true or false, too",
    ),
    "no text for true": (
        custom("boolean", "property: trueValues, value: []} # HERE"),
        "trueValues",
        "no text would mean it",
    ),
    "a missing text twice": (
        custom("date", "property: missingValues, value: [x, x]} # HERE"),
        "missing",
        "given twice",
    ),
    "a missing text trimmed": (
        custom("date", "property: trim, value: true}", 'property: missingValues, value: [" "]} # HERE'),
        "missing",
        "never comes",
    ),
    # bounds, values, lengths
    "a text as a bound": (whole_column('minimum: "1" # HERE'), "minimum", "a number without quotes was expected"),
    "a number as a day": (moment("date", "minimum: 5 # HERE"), "minimum", "put it in quotes"),
    "no such day": (moment("date", 'minimum: "2017-02-30" # HERE'), "minimum", "no date as ISO 8601"),
    "a day in March": (moment("date", 'minimum: "1 March" # HERE'), "minimum", "no date as ISO 8601"),
    "a time without offset": (
        moment("timestamp", 'minimum: "2017-01-01T00:00:00" # HERE'),
        "minimum",
        "lacks an offset",
    ),
    "minimum over maximum": (
        whole_column("minimum: 2", "maximum: 1 # HERE"),
        "maximum",
        "no value lies between 2 and 1",
    ),
    "nothing between": (
        whole_column("exclusiveMinimum: 1", "exclusiveMaximum: 2 # HERE"),
        "exclusiveM",
        "no value lies",
    ),
    "days turned round": (
        moment("date", 'minimum: "2018-01-01"', 'maximum: "2017-01-01" # HERE'),
        "maximum",
        "no value",
    ),
    "two minima": (
        whole_column("minimum: 1", "exclusiveMinimum: 1 # HERE"),
        "exclusiveMinimum",
        "minimum is given, too",
    ),
    "beyond a tinyint": (whole_column("minimum: 128 # HERE"), "minimum", "tinyint holds nothing larger than 127"),
    "below a tinyint": (whole_column("maximum: -129 # HERE"), "maximum", "tinyint holds nothing less than -128"),
    "half": (whole_column("minimum: 0.5 # HERE"), "minimum", "0.5 is no whole number"),
    "a tenth of a cent": (("exclusiveMinimum: 0.10", "exclusiveMinimum: 0.101 # HERE"), "exclusiveM", "more decimals"),
    "a bound of a text": (text_column("minimum: a # HERE"), "minimum", "says nothing of a string"),
    "lengths": (text_column("minLength: 3", "maxLength: 2 # HERE"), "maxLength", "it is 2, and minLength is 3"),
    "a negative length": (text_column("minLength: -1 # HERE"), "minLength", "0 or more was expected"),
    "a value twice": (
        column("logicalType: string", "enum: [{value: a}, {value: a}] # HERE"),
        "enum",
        "a is given twice",
    ),
    "a value's type": (column("logicalType: integer", "enum: [{value: a}] # HERE"), "enum", '"a" is a text'),
    "a value too small": (column("logicalType: string", "enum: [{value: a}, {}] # HERE"), "enum", '"value" is missing'),
    "values of a boolean": (
        column("logicalType: boolean", "enum: [{value: a}] # HERE"),
        "enum",
        "true or false; leave",
    ),
    "a value that is short": (("enum: [{value: AB}", "enum: [{value: A} # HERE\n          "), "enum[0]", "1 letters"),
    "a value and the pattern": (("{value: CDE}]", "{value: CdE}] # HERE"), "enum", "does not match the pattern"),
    "a value out of bounds": (
        column("logicalType: integer", "logicalTypeOptions: {minimum: 3}", "enum: [{value: 2}] # HERE"),
        "enum",
        "beyond the minimum",
    ),
    "a value out of range": (
        column("logicalType: integer", "physicalType: tinyint", "enum: [{value: 200}] # HERE"),
        "enum",
        "out of the range of tinyint",
    ),
    "a value that is missing": (
        column(
            "logicalType: string",
            "enum: [{value: x}] # HERE",
            "customProperties: [{property: missingValues, value: [x]}]",
        ),
        "enum",
        "means no value",
    ),
    "a pattern that runs away": (text_column("pattern: ^(a+)+$ # HERE"), "pattern", "within a quantifier"),
    "a pattern that is none": (text_column("pattern: ^(a$ # HERE"), "pattern", "a ( is opened"),
    "a pattern without ends": (text_column("pattern: a+ # HERE"), "pattern", "begin with ^ and end with $"),
    "a class": (amount("classification: public # HERE"), "classification", "Known: identifying, personal, sensitive"),
    # severities
    "a severity": (("value: {minimum: warn}}", "value: {minimum: warning}} # HERE"), "minimum", 'Did you mean "warn"?'),
    "a severity of no rule": (("value: {minimum: warn}}", "value: {pattern: warn}} # HERE"), "pattern", "has no rule"),
    "a severity of a key": (("value: {minimum: warn}}", "value: {minimun: warn}} # HERE"), "minimun", "takes no"),
    "unique quarantined": (
        column(
            "logicalType: date",
            "unique: true",
            "customProperties: [{property: severity, value: {unique: quarantine}}] # HERE",
        ),
        "unique",
        "Known: fail, warn",
    ),
    "a table's severity": (
        ("        mustBe: 0\n", "        mustBe: 0\n        severity: quarantine # HERE\n"),
        "severity",
        "not known",
    ),
    # references
    "a way to nowhere": (("{to: silver.codes.code}]", "{to: codes.code}] # HERE"), "to", "leads nowhere"),
    "two ways": (
        ("[{to: silver.codes.code}]", "[{to: silver.c.c}, {to: silver.d.d}] # HERE"),
        "relationships",
        "one other",
    ),
    "itself": (("silver.codes.code", "silver.sales.code"), "[code].relationships", "refers to itself"),
    "several tables": (("silver.refunds.line", "silver.returns.line"), "to", "leads to several tables"),
    "not as many": ((", silver.refunds.line]", "]"), "to", "2 columns in from and 1 in to"),
    "from nothing": (
        ("from: [silver.sales.basket, line]", "from: [baskt, line] # HERE"),
        "from",
        'Did you mean "basket"?',
    ),
    "a relation's name": (("- id: refund", "- id: Refund! # HERE"), "id", "no name of a rule"),
    # rules
    "a predicate's column": (("amount > 0 or code", "amuont > 0 or code"), "implementation", 'Did you mean "amount"?'),
    "a subquery": (
        rule("engine: lakemill", "implementation: line in (select 1) # HERE"),
        "[r].impl",
        "reads its own rows",
    ),
    "the time": (rule("engine: lakemill", "implementation: sold < now() # HERE"), "implementation", "another time"),
    "an aggregate": (rule("engine: lakemill", "implementation: sum(line) > 0 # HERE"), "implementation", "many rows"),
    "brackets": (rule("engine: lakemill", "implementation: (line > 0 # HERE"), "implementation", "bracket"),
    "a comment": (rule("engine: lakemill", "implementation: line > 0 -- x # HERE"), "implementation", "goes on with"),
    "two statements": (
        rule("engine: lakemill", "implementation: line > 0; drop # HERE"),
        "implementation",
        "goes on with",
    ),
    "no column": (rule("engine: lakemill", "implementation: 1 = 1 # HERE"), "implementation", "reads no column"),
    "another engine": (
        rule("type: custom", "engine: soda # HERE", "implementation: line > 0"),
        "engine",
        '"soda" is not',
    ),
    "no engine": (rule("implementation: line > 0"), "[r]", '"engine" is missing'),
    "a kind of rule": (rule("type: sql # HERE", "query: select 1", "mustBe: 0"), "type", '"sql" is not known here'),
    "a metric": (("metric: rowCount", "metric: rowCounts # HERE"), "metric", 'Did you mean "rowCount"?'),
    "some duplicates": (("mustBe: 0", "mustBe: 5 # HERE"), "mustBe", "mustBe: 0 was expected"),
    "duplicates of what": (
        ("{properties: [basket, code]}", "{properties: []} # HERE"),
        "properties",
        "names no column",
    ),
    "duplicates of nothing": (("[basket, code]}", "[basket, cod]} # HERE"), "properties", 'Did you mean "code"?'),
    "no count": (("        mustBeGreaterThan: 0\n", ""), "quality[size]", "one of mustBe"),
    "two counts": (
        ("mustBeGreaterThan: 0", "mustBeGreaterThan: 0\n        mustBeLessThan: 9"),
        "[size]",
        "one of mustBe",
    ),
    "any count": (("mustBeGreaterThan: 0", "mustBeGreaterOrEqualTo: 0"), "quality[size]", "says nothing"),
    "less than no row": (("mustBeGreaterThan: 0", "mustBeLessThan: 0 # HERE"), "mustBeLessThan", "less than 0 rows"),
    "a range turned round": (
        ("mustBeGreaterThan: 0", "mustBeBetween: [3, 2] # HERE"),
        "Between",
        "the smaller one first",
    ),
    "a measure": (("lines: count}", "lines: cnt} # HERE"), "measures.lines", 'Did you mean "count"?'),
    "a measure of nothing": (
        ("{amount: sum(amount), lines: count}", "{amount: sum, lines: count} # HERE"),
        "amount",
        "sum(col",
    ),
    "a measure's column": (
        ("{amount: sum(amount),", "{amount: sum(amont), # HERE\n           "),
        "measures.amount",
        "amont",
    ),
    "a sum of texts": (
        ("{amount: sum(amount),", "{amount: sum(code), # HERE\n           "),
        "measures.amount",
        "has no sum",
    ),
    "a measure that is alone": (("lines: max(lines)}", "line: max(lines)}"), "equals.measures", "no other side"),
    "two answers": (("by: [basket]", "by: [basket]\n          valid: lines > 0"), "implementation", "either `valid`"),
    "no answer": (
        (RIGHT[RIGHT.index("          equals:") : RIGHT.index("slaProp")], ""),
        "implementation",
        "either `valid`",
    ),
    "a table with itself": (("table: silver.baskets", "table: silver.sales"), "equals.table", "compared with itself"),
    "by nothing": (("by: [basket]", "by: [baskt] # HERE"), "by", 'Did you mean "basket"?'),
    "no measures": (
        ("measures: {amount: sum(amount), lines: count}", "measures: {} # HERE"),
        "measures",
        "it is empty",
    ),
    # the table
    "another need": (("property: latency", "property: retention # HERE"), "property", '"retention" is not known here'),
    "a unit": (("unit: h", "unit: hours # HERE"), "unit", "Known: d, h, min"),
    "no time": (("value: 4\n", "value: 0 # HERE\n"), "value", "1 or more was expected"),
    "nobody": (("      - {property: consumer, value: marketing}\n", ""), "", '"consumer" is missing'),
    "a consumer's column": (
        ("silver.sales.amount, code", "silver.sales.amont # HERE"),
        "element",
        'Did you mean "amount"?',
    ),
    "changes": (("value: [widen]}", "value: [widn]} # HERE"), "schemaChanges", 'Did you mean "widen"?'),
    "malformed": (("value: refuse}", "value: drop} # HERE"), "malformed", '"drop" is not known here'),
    "drift": (("drift, value: quarantine}", "drift, value: stop} # HERE"), "drift", "Known: fail, quarantine, warn"),
    "percent": (("value: 2.5}", "value: 250} # HERE"), "mostQuarantinedPercent", "0 to 100 percent"),
    "an encoding": (("latin-1", "latin-99 # HERE\n    "), "encoding", '"latin-99" is no encoding'),
    "no encoding of texts": (("latin-1", "base64 # HERE\n    "), "encoding", "no encoding"),
    "a delimiter": (('value: ";"}', 'value: "x"} # HERE'), "delimiter", '"x" is not known here'),
}


@pytest.mark.parametrize("case", CASES)
def test_an_error_names_its_file_line_and_place(case):
    (old, new), place, says = CASES[case]
    assert RIGHT.count(old) >= 1, "the contract has no such line"
    text = RIGHT.replace(old, new, 1)
    with pytest.raises(ContractError) as refused:
        read(text)
    told = [problem for problem in refused.value.problems if says in problem.what and place in problem.place]
    assert told, f"{[str(problem) for problem in refused.value.problems]}"
    assert str(told[0]).startswith("conf/contracts/silver.sales.yaml, line ")
    if MARK in text:
        marked = [number for number, line in enumerate(text.splitlines(), start=1) if MARK in line]
        assert told[0].line in marked
    assert refused.value.exit_code == 2


def test_every_error_of_a_file_is_told_at_once():
    text = RIGHT.replace("unit: h", "unit: x").replace("required: true", "required: 1").replace("^[A-Z]+$", "a")
    with pytest.raises(ContractError) as refused:
        read(text)
    assert [problem.place.rpartition(".")[2] for problem in refused.value.problems] == ["required", "unit"]
    lines = [problem.line for problem in refused.value.problems]
    assert lines == sorted(lines)


def test_what_is_missing_makes_no_other_noise():
    without = RIGHT[: RIGHT.index("schema:")] + RIGHT[RIGHT.index("slaProperties") :]
    with pytest.raises(ContractError) as refused:
        read(without)
    assert [problem.what for problem in refused.value.problems] == ['"schema" is missing.']


def test_of_many_errors_the_text_has_the_first():
    text = RIGHT.replace("logicalType:", "logicalTyp:")
    with pytest.raises(ContractError) as refused:
        read(text)
    assert str(refused.value).count("conf/contracts") == 5
    assert str(refused.value).endswith(f"And {len(refused.value.problems) - 5} more.")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        (b"a: b\nc: \xe9\n", "line 2: byte 8 is not UTF-8"),
        (b"a: " + b"x" * LARGEST_FILE, "at most"),
        (b"[" * 100_000, "too deep"),
        (b"a: " * 1 + b"[" * 41 + b"]" * 41, "too deep"),
        (b"a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b]\n", "anchors and aliases"),
        (b"a: \x00", "not YAML"),
        (b"", "keys with values were expected, not nothing"),
        (b"- a", "keys with values were expected, not a list"),
        (b"text", "keys with values were expected, not text"),
    ],
)
def test_what_is_no_contract_at_all(content, says):
    with pytest.raises(ContractError, match="^x.yaml, line ") as refused:
        document = document_of(content, "x.yaml")
        contract_of(document)
        document.check()
    assert says in str(refused.value)


def test_a_byte_order_mark_and_windows_lines_are_taken():
    text = "\ufeff" + RIGHT.replace("\n", "\r\n")
    assert read(text) == read(RIGHT)


@pytest.mark.parametrize("what, faults", [("min", 1), ("max", 1), ("distinct", 0)])
def test_numbers_that_are_kept_as_texts_have_no_least_and_no_largest(what, faults):
    rule = TableRule("r", Totals((Measure("m", what, "n"),), valid="m > 0"))
    contract = Contract("silver.t", (ColumnTerms("n", "integer", "string"),), own_table_rules=(rule,))
    told = [fault for _, fault in contradictions(contract)]
    assert len(told) == faults and all("of texts 9 is more than 5000" in fault for fault in told)
