"""The job of the progress tests, and one update of it from a plan made earlier: for threads and processes alike."""

from lakemill import Count, Job, Max, Sum
from lakemill.errors import CommitLost
from lakemill.observe.runs import Run
from lakemill.refresh.update import update

SALES = Job(
    source="raw.sales",
    key=["shop"],
    reduce={"lines": Count(), "revenue": Sum("amount"), "largest": Max("amount")},
    target="gold.sales",
)


def do(task) -> str:
    try:
        update(task, Run("r", task.job.target))
    except CommitLost as lost:
        assert "Run again" in str(lost)
        return "lost"
    return "committed"
