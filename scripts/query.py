"""Reading the lake without Spark: DuckDB over the deltalake package; `_state` is lakemill's own and left out."""

import sys
from pathlib import Path

import deltalake
import duckdb

LAKE = Path(__file__).resolve().parent.parent / "lake"
QUESTION = "select * exclude (_state) from sales order by revenue desc limit 5"


def main(question: str) -> None:
    """Ask gold.daily_sales, under the name `sales`."""
    sales = deltalake.DeltaTable(str(LAKE / "gold" / "daily_sales")).to_pyarrow_dataset()
    db = duckdb.connect()
    db.register("sales", sales)
    print(db.sql(question))


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or QUESTION)
