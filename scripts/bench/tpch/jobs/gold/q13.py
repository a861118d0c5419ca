"""Q13, the customer distribution: how many customers gave how many orders."""

from lakemill import Count, Job

job = Job(source="step.q13_orders", key=["c_count"], reduce={"custdist": Count()}, target="gold.q13")
