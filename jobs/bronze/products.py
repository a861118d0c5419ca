"""Bronze: every row of the products dumps, raw and complete, with where it came from."""

from lakemill import Dump, Job, run

job = Job(source=Dump("products"), target="bronze.products")

if __name__ == "__main__":
    run(job)
