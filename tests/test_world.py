"""A table runs in a session of its own, on what the whole run has pinned."""

from lakemill import Count, Job
from lakemill.lake.commit import TXN_APP

SALES = Job(source="raw.sales", key=["shop"], reduce={"lines": Count()}, target="gold.sales")


def test_a_session_apart_shares_pins_and_settings_and_no_confs(lake):
    lake.put("raw.sales", [("a", 1), ("b", 2)], "shop string, amount int")
    apart = lake.world.apart()
    apart.spark.conf.set(TXN_APP, "of the other")
    assert lake.world.spark.conf.get(TXN_APP, None) is None
    assert apart.spark.conf.get("spark.sql.session.timeZone") == "UTC"
    pinned = lake.world.pin("raw.sales")
    lake.put("raw.sales", [("c", 3)], "shop string, amount int")
    assert apart.pin("raw.sales").version == pinned.version, "one run reads one version"
    assert apart.pin("raw.sales").rows().sparkSession is apart.spark
    apart.spark.conf.unset(TXN_APP)
    lake.run(SALES, world=apart)
    assert lake.rows("gold.sales") == [("a", 1), ("b", 1), ("c", 1)]
