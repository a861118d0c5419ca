"""For Q15: the most that any supplier shipped."""

from lakemill import Job, Max

job = Job(source="step.q15_revenue", key=[], reduce={"most": Max("total_revenue")}, target="step.q15_most")
