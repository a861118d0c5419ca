"""What other contracts say of a column in other words, in the words that lakemill takes."""

from typing import Any

from lakemill.contracts.column_reader import FORMS
from lakemill.contracts.contract import REFERENCES, ROW_RULES, UNIQUE
from lakemill.contracts.document import CUSTOM, Values
from lakemill.contracts.rules import QUARANTINE, WARN
from lakemill.contracts.spark_types import FITTING, TEXT, WHOLE_TYPES, meant_type, spark_type

TYPE_OF_FORMAT = {
    "i8": "tinyint", "i16": "smallint", "i32": "int", "i64": "bigint", "u8": "smallint", "u16": "int", "u32": "bigint",
    "u64": "decimal(20,0)", "f32": "float", "f64": "double",
}  # fmt: skip
UNSAID_NUMBER = "decimal(38,9)"
PERSONAL_OF = {"pii": "personal", "personal": "personal", "sensitive": "sensitive", "identifying": "identifying"}
RULE_OF = {
    "nullValues": "required", "missingValues": "required", "nullCheck": "required", "duplicateValues": UNIQUE,
    "duplicateCount": UNIQUE, "invalidValues": "values", "validValues": "values",
}  # fmt: skip
SEVERITY_OF_RULE = {"error": QUARANTINE, "critical": QUARANTINE, "warning": WARN, "info": WARN}


def column_values(column: Values, notes: list[str]) -> Values:
    """A column's values as lakemill takes them; what is said otherwise than it was is noted."""
    name = column.get("name", "a column without a name")
    if not isinstance(column.get("logicalTypeOptions", {}), dict):
        return column
    before = (column.get("logicalType"), column.get("physicalType"))
    _type(column)
    after = (column.get("logicalType"), column.get("physicalType"))
    if before != after:
        was, now = (" as ".join(str(part) for part in pair if part) or "nothing" for pair in (before, after))
        notes.append(f"{name}: its type was {was}; now {now}.")
    personal = PERSONAL_OF.get(str(column.get("classification", "")).lower())
    if personal:
        column["classification"] = personal
    rules = column.pop("quality", None) or []
    severities = Values()
    for rule in rules if isinstance(rules, list) else [rules]:
        _rule(column, rule, severities, str(name), notes)
    if severities:
        column.setdefault(CUSTOM, []).append({"property": "severity", "value": severities})
    return column


def _type(column: Values) -> None:
    options = column.get("logicalTypeOptions", {})
    logical, physical = column.get("logicalType"), column.get("physicalType")
    if isinstance(physical, str):
        meant, letters = meant_type(physical)
        if spark_type(meant):
            column["physicalType"] = meant
        elif logical in FITTING:
            del column["physicalType"]
        if letters and logical in (None, "string"):
            options = column["logicalTypeOptions"] = {"maxLength": letters, **options}
    width = TYPE_OF_FORMAT.get(str(options.get("format"))) if logical in ("integer", "number") else None
    if width:
        del options["format"]
        column.setdefault("physicalType", width)
    kept = spark_type(str(column.get("physicalType", "")))
    if kept and kept.name not in FITTING.get(str(logical), ()):
        column["logicalType"] = _logical(str(kept))
        known = FORMS.get(column["logicalType"], FORMS["integer"])
        if logical != column["logicalType"]:
            column["logicalTypeOptions"] = {key: value for key, value in options.items() if key in known}
    if column.get("logicalType") == "number":
        column.setdefault("physicalType", UNSAID_NUMBER)
    if not column.get("logicalTypeOptions"):
        column.pop("logicalTypeOptions", None)


def _logical(kind: str) -> str:
    """What values of a type are, where nothing else tells."""
    if kind in WHOLE_TYPES or kind.endswith(",0)"):
        return "integer"
    if kind == TEXT:
        return "string"
    plain = kind.partition("(")[0]
    return next(logical for logical, fitting in FITTING.items() if plain in fitting and logical != "integer")


def _rule(column: Values, rule: Any, severities: Values, name: str, notes: list[str]) -> None:
    """A rule of a column, as the column's own words have it."""
    given = rule if isinstance(rule, dict) else {}
    metric = str(given.get("metric") or given.get("rule") or given.get("type") or "a rule")
    word = RULE_OF.get(metric, "")
    arguments: Values = given["arguments"] if isinstance(given.get("arguments"), dict) else {}
    values = arguments.get("validValues") or given.get("validValues")
    pattern = arguments.get("pattern")
    if given.get("mustBe", 0) != 0 or any(str(key).startswith("must") and key != "mustBe" for key in given):
        word = ""
    if word == "required" and arguments.get("missingValues"):
        missing = [text for text in arguments["missingValues"] if isinstance(text, str)]
        column.setdefault(CUSTOM, []).append({"property": "missingValues", "value": missing})
    if word in ("required", UNIQUE):
        column[word] = True
    elif word == "values" and isinstance(values, list):
        column["enum"] = [{"value": value} for value in values]
    elif word == "values" and isinstance(pattern, str):
        word = "pattern"
        column.setdefault("logicalTypeOptions", {})["pattern"] = pattern
    else:
        notes.append(f"left out {name}, quality, {given.get('name', metric)}: no rule of a column says this.")
        return
    severity = SEVERITY_OF_RULE.get(str(given.get("severity", "")).lower())
    if severity and word in (*ROW_RULES, UNIQUE, REFERENCES):
        severities[word] = severity if word in ROW_RULES or severity == WARN else "fail"
