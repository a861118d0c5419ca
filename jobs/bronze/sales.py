"""Bronze: every row of the sales dumps, raw and complete, with where it came from."""

from lakemill import Dump, Job, run

job = Job(source=Dump("sales"), target="bronze.sales")

if __name__ == "__main__":
    run(job)
