"""Reading what a contract says of one column."""

from typing import Any

from lakemill.contracts.contract import PERSONAL, REFERENCES, ROW_RULES, UNIQUE, Bound, ColumnTerms, TextForm
from lakemill.contracts.entry import Entry
from lakemill.contracts.rule_reader import read_target
from lakemill.contracts.rules import SEVERITIES, TABLE_SEVERITIES, Reference
from lakemill.contracts.spark_types import FITTING, USUAL

FORMS = {
    "date": ("format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "string": ("minLength", "maxLength", "pattern"),
}
OPTIONS = {
    **FORMS,
    "number": FORMS["integer"],
    "timestamp": (*FORMS["date"], "timezone", "defaultTimezone"),
    "boolean": (),
}
"""What logicalTypeOptions has of each logical type."""
CUSTOM_OF = {"decimalSeparator": ("number",), "groupSeparator": ("integer", "number"), "trueValues": ("boolean",)}
CUSTOM_OF["falseValues"] = CUSTOM_OF["trueValues"]
"""What customProperties has of some logical types alone."""
RULES = (*ROW_RULES, UNIQUE, REFERENCES)


def read_column(entry: Entry) -> ColumnTerms:
    """A column's terms; what is wrong is noted in the document."""
    entry.need("name", "logicalType")
    logical = entry.text("logicalType", FITTING, "string")
    if logical == "number":
        entry.need("physicalType")
    options, custom = entry.entry("logicalTypeOptions"), entry.custom()
    _check_options(options, custom, logical)
    name = entry.text("name")
    column = ColumnTerms(
        name=name,
        logical=logical,
        physical=entry.text("physicalType", default=USUAL.get(logical, "")),
        description=entry.text("description"),
        required=entry.flag("required"),
        unique=entry.flag("unique"),
        values=_values(entry),
        minimum=_bound(options, "minimum", "exclusiveMinimum"),
        maximum=_bound(options, "maximum", "exclusiveMaximum"),
        shortest=options.whole("minLength"),
        longest=options.whole("maxLength"),
        pattern=options.text("pattern"),
        references=_reference(entry, name),
        personal=entry.text("classification", PERSONAL),
        form=_form(options, custom),
        severities=_severities(custom),
    )
    custom.close()
    entry.close()
    return column


def _check_options(options: Entry, custom: Entry, logical: str) -> None:
    """Note what is for columns of other types."""
    known = OPTIONS[logical]
    for key in options.values:
        if key not in known:
            is_of = [kind for kind, keys in OPTIONS.items() if key in keys]
            hint = f"it is for {' and '.join(is_of)}" if is_of else f"known here: {', '.join(known) or 'nothing'}"
            options.document.note(options.wheres[key], f'"{key}" says nothing of a {logical}; {hint}.', extra=True)
    for key, kinds in CUSTOM_OF.items():
        if custom.has(key) and logical not in kinds:
            custom.note(key, f'"{key}" says nothing of a {logical}; it is for {" and ".join(kinds)}.')


def _values(entry: Entry) -> tuple[Any, ...]:
    values = []
    for item in entry.entries("enum"):
        item.need("value")
        values.append(item.any("value"))
        item.close()
    return tuple(values)


def _bound(options: Entry, key: str, exclusive: str) -> Bound | None:
    if options.has(key) and options.has(exclusive):
        options.note(exclusive, f"{key} is given, too; leave one of them out.")
    for name in (key, exclusive):
        value = options.any(name)
        if options.has(name):
            if isinstance(value, bool | dict | list) or value is None:
                options.note(name, "a number or a text was expected.")
                return None
            return Bound(value, name == exclusive)
    return None


def _reference(entry: Entry, name: str) -> Reference | None:
    relations = entry.entries("relationships")
    if len(relations) > 1:
        entry.note("relationships", "a column refers to one other; give further ones as rules of the table.")
    if not relations:
        return None
    relation = relations[0]
    relation.need("to")
    relation.text("type", ("foreignKey",))
    table, keys = read_target(relation, [relation.text("to")], "to")
    relation.close()
    return Reference((name,), table, keys)


def _form(options: Entry, custom: Entry) -> TextForm:
    usual = TextForm()
    return TextForm(
        layout=options.text("format"),
        offset=options.flag("timezone"),
        zone=options.text("defaultTimezone"),
        decimal=custom.text("decimalSeparator", (".", ","), usual.decimal),
        group=custom.text("groupSeparator", (".", ",", " ", "'", "_", "\u00a0", "\u202f")),
        true=custom.texts("trueValues", usual.true),
        false=custom.texts("falseValues", usual.false),
        missing=custom.texts("missingValues"),
        trim=custom.flag("trim"),
    )


def _severities(custom: Entry) -> tuple[tuple[str, str], ...]:
    severities = custom.entry("severity")
    given = []
    for rule in RULES:
        known = SEVERITIES if rule in ROW_RULES else TABLE_SEVERITIES
        severity = severities.text(rule, known)
        if severity:
            given.append((rule, severity))
    severities.close()
    return tuple(given)
