"""Small frames on the driver: every value comes back as it was."""

from lakemill.core.local import to_local

OLD = "select explode(array(date'1582-10-04', date'1582-10-05', date'1582-10-14', date'1582-10-15', {more})) as d"
DAYS = "date'0000-01-01', date'-0044-03-15', date'+12345-01-01'"


def test_dates_and_times_of_every_calendar(spark):
    frame = spark.sql(OLD.format(more=DAYS)).selectExpr(
        "d", "cast(d as timestamp) + interval '12:00:00.000007' hour to second as at", "cast(d as timestamp_ntz) as n"
    )
    local, count = to_local(frame)
    assert count == 7
    assert texts(local) == texts(frame)


def texts(frame) -> list[tuple]:
    """As Spark writes them: Python knows not all of these dates."""
    return [tuple(row) for row in frame.selectExpr(*[f"cast({name} as string)" for name in frame.columns]).collect()]
