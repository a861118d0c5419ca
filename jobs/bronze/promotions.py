"""Bronze: every row of the promotions dumps, raw and complete, with where it came from."""

from lakemill import Dump, Job, run

job = Job(source=Dump("promotions"), target="bronze.promotions")

if __name__ == "__main__":
    run(job)
