"""Contracts made by chance, that are right by how they are made: each draws only terms that fit each other."""

import random
from decimal import Decimal

from lakemill.contracts.contract import ADD, PERSONAL, REFUSE, WIDEN, Bound, ColumnTerms, Consumer, Contract, TextForm
from lakemill.contracts.rules import (
    FAIL,
    QUARANTINE,
    SEVERITIES,
    TABLE_SEVERITIES,
    WARN,
    Measure,
    Reference,
    RowCount,
    RowRule,
    TableRule,
    Totals,
    Unique,
)

TEXTS = [
    "a", "no", "yes", "null", "~", "010", "1:30", "2017-01-01", "a: b", "- x", "# y", "'q'", '"q"', "[x]", "{y}", "&a",
    "*b", "!c", "%", "@", "`", "ä ö", "日本", "a\tb", "a\nb", " x ", "x ", "1.5", "1e5", "0x1F", "true", "\u00a0",
    "=", "<<", "|", ">", "a #b", "x:", "\u2028", "\u0085", "?", "- ", "---", "...", "0", "-", ",", "\\", "😀",
]  # fmt: skip
PATTERNS = ["^[A-Z]{2}[0-9]{4}$", "^(a|b)$", "^\\d+$", "^x$", "^[^@]+@[a-z]+$"]
LAYOUTS = {
    "date": ["", "yyyy-MM-dd", "dd.MM.yyyy", "MM/dd/yyyy", "yyyyMMdd"],
    "timestamp": ["", "yyyy-MM-dd HH:mm:ss", "dd.MM.yyyy'T'HH:mm[:ss]", "yyyyMMdd hh:mm a"],
}


def random_contract(seed: int) -> Contract:
    """The contract of a seed."""
    chance = random.Random(seed)
    columns = tuple(_column(chance, f"c{at}") for at in range(chance.randint(1, 6)))
    names = [column.name for column in columns]
    table = f"silver.t{chance.randint(0, 9)}"
    return Contract(
        table=table,
        columns=columns,
        version=f"{chance.randint(0, 9)}.{chance.randint(0, 9)}.0",
        description=_maybe(chance, "", chance.choice(TEXTS)),
        owner=_maybe(chance, "", chance.choice(TEXTS)),
        key=tuple(chance.sample(names, chance.randint(0, len(names)))),
        row_rules=tuple(
            RowRule(f"row_{at}", _predicate(chance, names), chance.choice(SEVERITIES), _maybe(chance, "", "why"))
            for at in range(chance.randint(0, 2))
        ),
        own_table_rules=_table_rules(chance, table, columns),
        consumers=tuple(_consumer(chance, at, names) for at in range(chance.randint(0, 2))),
        changes=chance.choice([(), (ADD,), (WIDEN,), (ADD, WIDEN)]),
        malformed=chance.choice([QUARANTINE, REFUSE]),
        drift=chance.choice(SEVERITIES),
        most_quarantined=chance.choice([20, 0, 100, Decimal("2.5")]),
        encoding=_maybe(chance, "", chance.choice(["utf-8", "latin-1", "utf-16", "cp1252"])),
        delimiter=_maybe(chance, "", chance.choice([",", ";", "|", "\t"])),
    )


def _maybe(chance: random.Random, usual, other, share: float = 0.4):
    return other if chance.random() < share else usual


def _predicate(chance: random.Random, names: list[str]) -> str:
    name = chance.choice(names)
    texts = ["{} is not null", "length({}) < 5 and {} <> 'it''s'", "coalesce({}, 0) >= 0 or {} in (1, 2)", "`{}` = 1"]
    return chance.choice(texts).replace("{}", name)


def _column(chance: random.Random, name: str) -> ColumnTerms:
    make = chance.choice([_text, _number, _whole, _moment, _moment, _boolean])
    terms = make(chance)
    terms |= {
        "description": _maybe(chance, "", chance.choice(TEXTS)),
        "required": chance.random() < 0.4,
        "unique": chance.random() < 0.2,
        "personal": _maybe(chance, "", chance.choice(PERSONAL)),
        "references": _maybe(chance, None, Reference((name,), "silver.other", ("id",)), 0.2),
    }
    column = ColumnTerms(name, **terms)
    rules = [*column.row_rules, *(["unique"] if column.unique else []), *(["references"] if column.references else [])]
    severities = [
        (rule, chance.choice(TABLE_SEVERITIES if rule in ("unique", "references") else SEVERITIES))
        for rule in rules
        if chance.random() < 0.3
    ]
    if column.physical != "string":  # a value that could not be read would be lost
        severities = [each for each in severities if each != ("type", "warn")]
    return ColumnTerms(name, **terms, severities=tuple(severities))


def _form(chance: random.Random, **given) -> TextForm:
    missing = tuple(chance.sample(["", "NULL", "N/A", "-", "null", "~"], chance.randint(0, 2)))
    return TextForm(missing=missing, trim=chance.random() < 0.3, **given)


def _text(chance: random.Random) -> dict:
    terms: dict = {"logical": "string", "physical": "string", "form": TextForm(trim=chance.random() < 0.3)}
    kind = chance.randint(0, 3)
    if kind == 0:
        terms["values"] = tuple(chance.sample(TEXTS, chance.randint(1, 5)))
    elif kind == 1:
        terms["pattern"] = chance.choice(PATTERNS)
    elif kind == 2:
        terms["shortest"], terms["longest"] = _maybe(chance, None, 0), _maybe(chance, None, chance.randint(0, 99))
    else:
        terms["form"] = _form(chance)
    return terms


def _number(chance: random.Random) -> dict:
    decimal = chance.choice([".", ","])
    group = _maybe(chance, "", chance.choice([sign for sign in (".", ",", " ", "'", "\u00a0") if sign != decimal]))
    low = Decimal(chance.randint(-999, 999)).scaleb(-2)
    terms: dict = {
        "logical": "number",
        "physical": chance.choice(["decimal(12,2)", "decimal(38,4)", "double", "float", "string"]),
        "form": _form(chance, decimal=decimal, group=group),
    }
    if chance.random() < 0.5:
        terms["minimum"] = Bound(low, chance.random() < 0.3)
        terms["maximum"] = _maybe(chance, None, Bound(low + 1, chance.random() < 0.3))
    elif chance.random() < 0.3:
        terms["values"] = tuple(low + at for at in range(3))
    return terms


def _whole(chance: random.Random) -> dict:
    terms: dict = {
        "logical": "integer",
        "physical": chance.choice(["tinyint", "smallint", "int", "bigint", "decimal(20,0)", "string"]),
        "form": _form(chance),
    }
    low = chance.randint(-99, 90)
    if chance.random() < 0.5:
        terms["minimum"], terms["maximum"] = Bound(low, chance.random() < 0.3), Bound(low + 9, chance.random() < 0.3)
    elif chance.random() < 0.3:
        terms["values"] = tuple(range(low, low + 4))
    return terms


def _moment(chance: random.Random) -> dict:
    logical = chance.choice(["date", "timestamp"])
    physical = chance.choice(
        {"date": ["date", "string"], "timestamp": ["timestamp", "timestamp_ntz", "string"]}[logical]
    )
    layout, given = chance.choice(LAYOUTS[logical]), {}
    if logical == "timestamp" and physical != "timestamp_ntz":
        if chance.random() < 0.5:
            layout, given = layout and f"{layout}XXX", {"offset": True}
        elif chance.random() < 0.5:
            given = {"zone": chance.choice(["Europe/Berlin", "+02:00", "UTC"])}
    terms: dict = {"logical": logical, "physical": physical, "form": _form(chance, layout=layout, **given)}
    if chance.random() < 0.5:
        tail = "" if logical == "date" else "T00:00:00" + ("" if physical == "timestamp_ntz" else "Z")
        terms["minimum"] = Bound(f"2017-01-01{tail}", chance.random() < 0.3)
        terms["maximum"] = _maybe(chance, None, Bound(f"2018-12-31{tail}"))
    return terms


def _boolean(chance: random.Random) -> dict:
    true, false = chance.choice([(("true",), ("false",)), (("yes", "Y"), ("no", "N")), (("1",), ("0", "00"))])
    physical = chance.choice(["boolean", "string"])
    return {"logical": "boolean", "physical": physical, "form": TextForm(true=true, false=false, missing=("",))}


def _table_rules(chance: random.Random, table: str, columns: tuple[ColumnTerms, ...]) -> tuple[TableRule, ...]:
    names = [column.name for column in columns]
    some = tuple(chance.sample(names, chance.randint(1, len(names))))
    sums = [column.name for column in columns if column.physical in ("bigint", "int", "decimal(12,2)")]
    # Values that are kept as texts have no least: texts have another order.
    ordered = [column.name for column in columns if column.logical == "string" or column.physical != "string"]
    least = Measure("m", "min", ordered[0]) if ordered else Measure("m", "distinct", names[0])
    what = Measure("m", "sum", sums[0]) if sums else chance.choice([least, Measure("m", "distinct", names[0])])
    measures = (what, Measure("n", "count"))
    others = (Measure("m", "sum", "x"), Measure("n", "sum", "n"))
    demands = [
        Unique(some),
        Reference(some, "silver.other", tuple(f"k{at}" for at in range(len(some)))),
        RowCount(1),
        RowCount(0, 9),
        RowCount(5, 5),
        RowCount(2, 8),
        Totals(measures, some if chance.random() < 0.5 else (), "m >= 0 and n > 0"),
        Totals(measures, some, table="silver.other", others=others),
    ]
    chosen = chance.sample(demands, chance.randint(0, 3))
    # References stand in a list of their own, behind which the others are written.
    chosen.sort(key=lambda demand: isinstance(demand, Reference))
    return tuple(
        TableRule(f"rule_{at}", demand, chance.choice([WARN, FAIL]), _maybe(chance, "", "why"))
        for at, demand in enumerate(chosen)
    )


def _consumer(chance: random.Random, at: int, names: list[str]) -> Consumer:
    columns = tuple(chance.sample(names, chance.randint(0, len(names))))
    minutes = chance.choice([5, 60, 240, 1440, 90])
    return Consumer(
        f"team {at}", chance.choice(["decides", "closes: the month"]), minutes, columns, _maybe(chance, "", "a@b")
    )
