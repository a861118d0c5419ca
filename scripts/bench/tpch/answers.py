"""TPC-H's answers by DuckDB, over the rows that the source tables hold: an oracle that shares nothing with lakemill.

The queries are TPC-H's, without ORDER BY and LIMIT. Sums and counts are exact decimals and integers. What is divided is
left as {part, whole}, and divided in Python, half up once; a condition on a mean is said without its division.
"""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import deltalake
import duckdb

PLACES = Decimal("0.000001")
QUERIES = Path(__file__).resolve().parent / "queries"
NARROW = "l_discount::decimal(4,2) as l_discount, l_tax::decimal(4,2) as l_tax"
Row = tuple[object, ...]


class Answers:
    """What each query answers of the tables at these places, as they are now."""

    def __init__(self, places: dict[str, str]) -> None:
        self.db = duckdb.connect()
        for name, place in places.items():
            # No table here has deletion vectors, partitions or column mapping: its rows are those of its files.
            self.show(name, [uri.removeprefix("file://") for uri in deltalake.DeltaTable(place).file_uris()])

    def show(self, name: str, files: list[str]) -> None:
        """Let queries see the rows of these Parquet files under a name."""
        rows = self.db.read_parquet(files)
        rows.project(f"* replace ({NARROW})" if name == "lineitem" else "*").create_view(name)

    def rows(self, query: str) -> list[Row]:
        """The answer to a query, sorted."""
        answer = self.db.execute((QUERIES / f"{query}.sql").read_text()).fetchall()
        return ordered([tuple(map(divided, row)) for row in answer])


def table_rows(place: str) -> list[Row]:
    """The rows of a table that lakemill made, sorted, without its state."""
    table = deltalake.DeltaTable(place)
    names = [field.name for field in table.schema().fields if field.name != "_state"]
    db = duckdb.connect()
    db.register("target", table.to_pyarrow_dataset())
    selected = ", ".join(f'"{name}"' for name in names)
    return ordered(db.execute(f"select {selected} from target").fetchall())


def ordered(rows: list[Row]) -> list[Row]:
    """Rows in an order that does not stumble over None."""
    return sorted(rows, key=lambda row: [(value is not None, value) for value in row])


def divided(value: object) -> object:
    """A value, or the exact quotient of {part, whole}, half up to 6 places; None where the whole is 0."""
    if not isinstance(value, dict):
        return value
    if not value["whole"]:
        return None
    with localcontext() as context:
        context.prec = 80
        return (Decimal(value["part"]) / Decimal(value["whole"])).quantize(PLACES, ROUND_HALF_UP)
