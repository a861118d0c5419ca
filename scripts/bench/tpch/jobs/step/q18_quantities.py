"""For Q18: how many pieces each order has."""

from lakemill import Job, Sum

job = Job(
    source="raw.lineitem", key=["l_orderkey"], reduce={"quantity": Sum("l_quantity")}, target="step.q18_quantities"
)
