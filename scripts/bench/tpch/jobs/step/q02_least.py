"""For Q2: the least that is asked for each part."""

from lakemill import Job, Min

job = Job(source="step.q02_offers", key=["p_partkey"], reduce={"least": Min("ps_supplycost")}, target="step.q02_least")
