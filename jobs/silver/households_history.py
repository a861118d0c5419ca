"""Silver: each household's history, one row a period in which all snapshots said the same of it (SCD2).

A period holds from valid_from to the day before valid_to. A household that a snapshot leaves out stays as it was last
said; the last of several dumps of a day counts for that day, as in silver.households.
"""

from lakemill import Job, PerKey, periods, run
from shared.households import delivered_households

job = Job(
    source="bronze.households",
    map=delivered_households,
    key=["household_id"],
    reduce=PerKey(periods(["household_id"], since="dump_date", then=["dump_id", "line_number"])),
    target="silver.households_history",
)

if __name__ == "__main__":
    run(job)
