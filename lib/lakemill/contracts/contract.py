"""Contract: what the rows of one table are promised to be, and to whom. Values; how they are kept is said elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from lakemill.contracts.rules import QUARANTINE, WARN, Reference, RowRule, TableRule, Unique

Given = str | int | Decimal
"""A value as a contract gives it: a text, a whole number or a decimal. Dates and times are texts, as ISO 8601."""
PERSONAL = ("identifying", "personal", "sensitive")
"""Classes of personal data: names a person; tells of one; is of a special category (health, belief, ...)."""
ADD, WIDEN = "add", "widen"
REFUSE = "refuse"
MOST_QUARANTINED = 20
"""Percent of a run's rows; with more the run stops."""
ROW_RULES = ("type", "required", "values", "minimum", "maximum", "length", "pattern")
"""Rules of a column that each row meets or not by itself."""
UNIQUE, REFERENCES = "unique", "references"
"""Rules of a column that need the whole table."""
KEY_RULE = "unique_key"


@dataclass(frozen=True)
class Bound:
    """The least or the largest value of a column; exclusive: the value itself is not allowed."""

    value: Given
    exclusive: bool = False


@dataclass(frozen=True)
class TextForm:
    """How a column's texts are read as values.

    layout: of a date or a time, as Java's DateTimeFormatter has it; empty is ISO 8601.   offset: whether each text
    tells its offset from UTC.   zone: of texts that tell none.   decimal, group: what stands before the decimals, and
    between thousands.   missing: texts that mean no value.   trim: whether blanks at the ends are taken off.
    """

    layout: str = ""
    offset: bool = False
    zone: str = ""
    decimal: str = "."
    group: str = ""
    true: tuple[str, ...] = ("true",)
    false: tuple[str, ...] = ("false",)
    missing: tuple[str, ...] = ()
    trim: bool = False


@dataclass(frozen=True)
class ColumnTerms:
    """What a contract says of one column.

    logical: what the values are.   physical: the type that Spark keeps them as; a text where they stay texts, which
    still have to read as what they are.   values: all that are allowed, if not empty.   shortest, longest: in letters.
    pattern: which the whole text has to match.   personal: its class of personal data.   severities: of its rules, as
    far as they are not the usual ones.
    """

    name: str
    logical: str
    physical: str
    description: str = ""
    required: bool = False
    unique: bool = False
    values: tuple[Given, ...] = ()
    minimum: Bound | None = None
    maximum: Bound | None = None
    shortest: int | None = None
    longest: int | None = None
    pattern: str = ""
    references: Reference | None = None
    personal: str = ""
    form: TextForm = field(default_factory=TextForm)
    severities: tuple[tuple[str, str], ...] = ()

    @property
    def row_rules(self) -> tuple[str, ...]:
        """The names of its rules that each row meets or not by itself, in the order in which they are judged."""
        has = {
            "type": self.logical != "string" or self.physical != "string",
            "required": self.required,
            "values": bool(self.values),
            "minimum": self.minimum is not None,
            "maximum": self.maximum is not None,
            "length": self.shortest is not None or self.longest is not None,
            "pattern": bool(self.pattern),
        }
        return tuple(name for name in ROW_RULES if has[name])

    @property
    def table_rules(self) -> Iterator[TableRule]:
        """Its rules that need the whole table."""
        if self.unique:
            yield TableRule(f"{UNIQUE}_{self.name}", Unique((self.name,)), self.severity(UNIQUE))
        if self.references:
            yield TableRule(f"{REFERENCES}_{self.name}", self.references, self.severity(REFERENCES))

    def severity(self, rule: str) -> str:
        """What happens where a rule of it fails."""
        return dict(self.severities).get(rule, QUARANTINE if rule in ROW_RULES else WARN)


@dataclass(frozen=True)
class Consumer:
    """Somebody who needs the table.   action: what for.   minutes: how old its newest rows may be.   columns: which
    they read; none named is all.   contact: where to tell them."""

    who: str
    action: str
    minutes: int
    columns: tuple[str, ...] = ()
    contact: str = ""


@dataclass(frozen=True)
class Contract:
    """What the rows of one table are promised to be.

    key: the columns that no two rows of the table share the values of.   changes: what may
    become of the columns that are delivered: add, widen.   malformed: what happens to a record that cannot be split:
    quarantine, or refuse its file.   drift: what happens to a delivery whose counts or shares are out of their usual
    range.   most_quarantined: percent of a run's rows; with more it stops.   encoding, delimiter: of delivered files;
    empty is told by the file.
    """

    table: str
    columns: tuple[ColumnTerms, ...]
    version: str = "1.0.0"
    description: str = ""
    owner: str = ""
    key: tuple[str, ...] = ()
    row_rules: tuple[RowRule, ...] = ()
    own_table_rules: tuple[TableRule, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    changes: tuple[str, ...] = (ADD, WIDEN)
    malformed: str = QUARANTINE
    drift: str = WARN
    most_quarantined: int | Decimal = MOST_QUARANTINED
    encoding: str = ""
    delimiter: str = ""

    @property
    def table_rules(self) -> tuple[TableRule, ...]:
        """All rules that need the whole table: the key's, the columns', and those given for the table."""
        key = [TableRule(KEY_RULE, Unique(self.key))] if self.key else []
        of_columns = [rule for column in self.columns for rule in column.table_rules]
        return (*key, *of_columns, *self.own_table_rules)

    def column(self, name: str) -> ColumnTerms | None:
        """What it says of a column; None where it says nothing."""
        return next((column for column in self.columns if column.name == name), None)
