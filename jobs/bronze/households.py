"""Bronze: every row of the households dumps, raw and complete, with where it came from."""

from lakemill import Dump, Job, run

job = Job(source=Dump("households"), target="bronze.households")

if __name__ == "__main__":
    run(job)
