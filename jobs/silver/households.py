"""Silver: each household as its newest snapshot has it."""

from lakemill import Job, Latest, run
from shared.households import delivered_households

job = Job(
    source="bronze.households",
    map=delivered_households,
    key=["household_id"],
    reduce=Latest(by=["dump_date", "dump_id", "line_number"]),
    target="silver.households",
)

if __name__ == "__main__":
    run(job)
