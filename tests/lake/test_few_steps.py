"""Few steps: small tables are worked on without adaptive execution and in few partitions, and nothing of it stays."""

import pytest

from lakemill import Count, Job, Sum
from lakemill.lake.few_steps import ADAPTIVE, PARTITIONS, SMALL, few_steps

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


def test_an_update_of_totals_takes_few_jobs_and_writes_one_file(lake):
    """One job brings the change; the rest is Delta's: where the files of these keys are, and to write them."""
    job = Job(source="raw.s", key=["k"], reduce={"n": Count(), "total": Sum("v")}, target="gold.g")
    lake.put("raw.s", [(k, k) for k in range(100)], "k bigint, v bigint")
    lake.run(job)
    for round in range(2):
        lake.put("raw.s", [(k, round) for k in range(90, 110)], "k bigint, v bigint")
        run = lake.run(job)
        assert run.plan == "update" and run.spark_jobs <= 8
        assert len(lake.delta("gold.g").toDF().inputFiles()) == 1
    assert len(lake.rows("gold.g")) == 110
