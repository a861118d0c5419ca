"""Silver: each product's history, one row a period in which all snapshots said the same of it (SCD2).

A period holds from valid_from to the day before valid_to. A product that a snapshot leaves out stays as it was last
said; the last of several dumps of a day counts for that day, as in silver.products.
"""

from lakemill import Job, PerKey, periods, run
from shared.products import delivered_products

job = Job(
    source="bronze.products",
    map=delivered_products,
    key=["product_id"],
    reduce=PerKey(periods(["product_id"], since="dump_date", then=["dump_id", "line_number"])),
    target="silver.products_history",
)

if __name__ == "__main__":
    run(job)
