"""For Q11: what all parts are worth together."""

from lakemill import Job, Sum

job = Job(source="step.q11_values", key=[], reduce={"total": Sum("value")}, target="step.q11_total")
