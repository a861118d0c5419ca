"""Offenders: what becomes of a run where groups of rows break a rule of a table's contract."""

from collections.abc import Mapping

from lakemill.job import Job
from lakemill.lake.tables import Lake
from lakemill.quality.checks import Offending, stops


def offenders(lake: Lake, job: Job) -> int:
    """How many groups break the rule whose offenders the job makes; 0 where the job is none of such."""
    if not isinstance(job.map, Offending):
        return 0
    if job.map.wants_rows and not lake.table(job.sources[0]).count():
        return 1
    return lake.table(job.target).count()


def verdict(lake: Lake, job: Job) -> str:
    """What a person should know of the offenders; empty where there are none."""
    number = offenders(lake, job)
    if not (number and isinstance(job.map, Offending)):
        return ""
    rule, table = job.map.rule, job.map.table
    groups = "1 group of its rows breaks" if number == 1 else f"{number:,} groups of its rows break"
    then = " Tables that read it are left as they are until it is mended." if stops(job) else ""
    return f"of {table} {groups} the rule {rule.name} of its contract.{then}"


def held_back(lake: Lake, jobs: Mapping[str, Job], name: str) -> str:
    """The check for whose offenders a table is to be left as it is; empty where there is none."""
    checks = (other for other in jobs[name].after if other in jobs and stops(jobs[other]))
    return next((check for check in checks if offenders(lake, jobs[check])), "")
