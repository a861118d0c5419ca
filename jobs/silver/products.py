"""Silver: each product as its newest snapshot has it."""

from lakemill import Job, Latest, run
from shared.products import delivered_products

job = Job(
    source="bronze.products",
    map=delivered_products,
    key=["product_id"],
    reduce=Latest(by=["dump_date", "dump_id", "line_number"]),
    target="silver.products",
)

if __name__ == "__main__":
    run(job)
