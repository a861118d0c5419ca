"""The types that a contract's columns may have, by Spark's names: which values they hold, and which are wider."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

TEXT = "string"
WHOLE_TYPES: Mapping[str, int] = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
"""Types of whole numbers, with their bits."""
DECIMAL_DIGITS: Mapping[str, int] = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 20}
"""The digits before the point of a decimal to which Delta widens them."""
FLOATING = ("float", "double")
FITTING: Mapping[str, tuple[str, ...]] = {
    "string": (TEXT,),
    "integer": (TEXT, *WHOLE_TYPES, "decimal"),
    "number": (TEXT, "decimal", *FLOATING),
    "date": (TEXT, "date"),
    "timestamp": (TEXT, "timestamp", "timestamp_ntz"),
    "boolean": (TEXT, "boolean"),
}
"""What the values are (logicalType), and the types that they may be kept as (physicalType)."""
USUAL: Mapping[str, str] = {
    "string": TEXT, "integer": "bigint", "date": "date", "timestamp": "timestamp", "boolean": "boolean",
}  # fmt: skip
"""The type that is meant where none is given; a number needs one."""
OTHER_NAMES: Mapping[str, str] = {
    "byte": "tinyint", "short": "smallint", "integer": "int", "long": "bigint", "real": "float", "numeric": "decimal",
    "dec": "decimal", "number": "decimal", "text": TEXT, "varchar": TEXT, "char": TEXT, "bool": "boolean",
    "timestamptz": "timestamp", "timestamp_ltz": "timestamp", "datetime": "timestamp_ntz", "int64": "bigint",
    "int32": "int", "int16": "smallint", "float64": "double", "float32": "float",
    "double precision": "double", "nvarchar": TEXT, "character varying": TEXT, "uuid": TEXT, "utf8": TEXT,
    "timestamp with time zone": "timestamp", "timestamp without time zone": "timestamp_ntz", "int4": "int",
}  # fmt: skip
"""What other systems call them; not int8, which is of 8 bytes in some and of 8 bits in others."""
MOST_DIGITS = 38


@dataclass(frozen=True)
class SparkType:
    """A type.   digits, scale: of a decimal, before and behind the point together, and behind it."""

    name: str
    digits: int = 0
    scale: int = 0

    def __str__(self) -> str:
        """As Spark writes it."""
        return f"{self.name}({self.digits},{self.scale})" if self.name == "decimal" else self.name

    @property
    def range(self) -> tuple[Decimal, Decimal] | None:
        """The least and the largest number that it holds; None where that says nothing."""
        if self.name in WHOLE_TYPES:
            half = Decimal(2 ** (WHOLE_TYPES[self.name] - 1))
            return -half, half - 1
        if self.name == "decimal":
            most = Decimal(f"{'9' * self.digits}E-{self.scale}")
            return most.copy_negate(), most
        return None

    def widens_to(self, other: "SparkType") -> bool:
        """Whether all its values are values of the other type, as Delta widens types."""
        if self == other:
            return True
        if self.name in WHOLE_TYPES:
            wider = other.name in WHOLE_TYPES and WHOLE_TYPES[other.name] > WHOLE_TYPES[self.name]
            floating = other.name == "double" and self.name != "bigint"
            return wider or floating or (other.digits - other.scale >= DECIMAL_DIGITS[self.name])
        if self.name == "decimal":
            before = other.digits - other.scale >= self.digits - self.scale
            return other.name == "decimal" and other.scale >= self.scale and before
        return (self.name, other.name) in (("float", "double"), ("date", "timestamp_ntz"))


def spark_type(text: str) -> SparkType | None:
    """The type that a text names exactly; None where it names none."""
    number = re.fullmatch(r"decimal\(([1-9][0-9]?),(0|[1-9][0-9]?)\)", text)
    if number:
        digits, scale = int(number[1]), int(number[2])
        return SparkType("decimal", digits, scale) if scale <= digits <= MOST_DIGITS else None
    known = any(text in names for names in FITTING.values()) and text != "decimal"
    return SparkType(text) if known else None


def meant_type(text: str) -> tuple[str, int | None]:
    """Spark's name of a type that another system named, or the text as it is; and the most letters, if it says so."""
    plain = " ".join(text.lower().split())
    name, _, rest = plain.partition("(")
    sizes = re.fullmatch(r"\s*([0-9]+)\s*(?:,\s*([0-9]+)\s*)?\)", rest)
    own = OTHER_NAMES.get(name.strip(), name.strip())
    if own == "decimal" and sizes:
        return f"decimal({int(sizes[1])},{int(sizes[2] or 0)})", None
    if own == TEXT:
        return own, int(sizes[1]) if sizes else None
    return (own if not rest or own in USUAL.values() else plain), None
