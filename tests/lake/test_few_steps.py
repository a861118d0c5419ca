"""Few steps: small tables are worked on without adaptive execution and in few partitions, and nothing of it stays."""

import pytest

from lakemill import Count, Job, Max, Mean, Sum
from lakemill.lake.few_steps import ADAPTIVE, PARTITIONS, SMALL, few_steps
from lakemill.observe.runs import Run
from lakemill.runner import run_table

pytestmark = pytest.mark.spark
MB = 1024 * 1024


def settings(spark):
    return spark.conf.get(ADAPTIVE), spark.conf.get(PARTITIONS)


@pytest.fixture
def session(spark):
    return spark.newSession()


@pytest.mark.parametrize(("read", "partitions"), [(0, "1"), (MB, "1"), (32 * MB, "2"), (100 * MB, "3"), (SMALL, "3")])
def test_small_tables_ask_for_as_many_partitions_as_their_bytes(session, read, partitions):
    """And for no more than the session has, which are 3."""
    before = settings(session)
    with few_steps(session, read):
        assert settings(session) == ("false", partitions)
    assert settings(session) == before


@pytest.mark.parametrize("read", [None, SMALL + 1])
def test_others_are_left_alone(session, read):
    before = settings(session)
    with few_steps(session, read):
        assert settings(session) == before


@pytest.mark.parametrize("told", ["true", "false"])
def test_what_somebody_has_set_stays(session, told):
    session.conf.set(ADAPTIVE, told)
    with few_steps(session, MB):
        assert settings(session) == (told, "3")
    assert settings(session) == (told, "3")


def test_nothing_of_it_stays_after_a_failure(session):
    before = settings(session)
    with pytest.raises(ZeroDivisionError), few_steps(session, MB):
        raise ZeroDivisionError
    assert settings(session) == before


def names_joined(rows, names):
    """Each row with the name of its key."""
    return rows.join(names, "k")


TOTALS = {"n": Count(), "total": Sum("v"), "average": Mean("v")}
JOBS = [
    (Job(source="raw.s", key=["k"], reduce=TOTALS, target="gold.totals"), 7, 900),
    (Job(source="raw.s", key=["k"], reduce={**TOTALS, "largest": Max("v")}, target="gold.extreme"), 11, 1300),
    (Job(source=["raw.s", "raw.names"], map=names_joined, key=["name"], reduce=TOTALS, target="gold.joined"), 16, 1300),
]


@pytest.mark.parametrize(("job", "jobs", "calls"), JOBS, ids=["totals", "extreme", "join"])
def test_an_update_takes_few_jobs_and_calls_to_the_jvm_and_writes_a_file(lake, job, jobs, calls):
    """Of totals a job brings the change; the rest is Delta's: where the files of these keys are, and to write them."""
    lake.put_by_spark("raw.s", [(k, k) for k in range(100)], "k bigint, v bigint")
    lake.put_by_spark("raw.names", [(k, f"name {k}") for k in range(110)], "k bigint, name string")
    lake.run(job)
    for round in range(2):
        lake.put_by_spark("raw.s", [(k, round) for k in range(90, 110)], "k bigint, v bigint")
        lake.world.renew()
        run = Run(f"run {round}", job.target)
        run_table(lake.world, job, "auto", run, profiled=True)
        spent = run.profile.stages.values()
        assert run.plan == "update" and run.spark_jobs == sum(stage.spark_jobs for stage in spent) <= jobs
        assert 100 < sum(stage.jvm_calls for stage in spent) <= calls
        assert len(lake.delta(job.target).toDF().inputFiles()) == 1
    assert len(lake.rows(job.target)) == 110
