"""A job checks itself when it is built, in the user's words."""

import pytest

from lakemill import Count, Dump, Job, Latest, Sum
from lakemill.errors import UsageError


def good(**changed):
    return Job(**{"source": "raw.rows", "key": ["k"], "reduce": {"n": Count()}, "target": "gold.rows", **changed})


def two(one, other):
    return one


WRONG = {
    "target": ({"target": "rows"}, "no table name"),
    "injected": ({"target": "gold.rows; drop"}, "no table name"),
    "source": ({"source": "Raw.Rows"}, "no table name"),
    "own": ({"source": "gold.rows"}, "its own target"),
    "map of two": ({"map": two}, "one DataFrame"),
    "two and no map": ({"source": ["raw.rows", "raw.other"]}, "no map"),
    "no source": ({"source": []}, "no source"),
    "key a text": ({"key": "k"}, r'key=\["k"\]'),
    "no key": ({"key": None}, r"key=\[\]"),
    "no reducer": ({"reduce": {"n": "count"}}, "a reducer is"),
    "a class": ({"reduce": {"n": Count}}, "a reducer is"),
    "key reduced": ({"reduce": {"k": Count()}}, "a key and a reduced"),
    "state": ({"reduce": {"_state": Count()}}, "lakemill's own"),
    "latest of all": ({"key": [], "reduce": Latest(by=["at"])}, "no key"),
    "dump reduced": ({"source": Dump("sales")}, "kept raw"),
}


@pytest.mark.parametrize("what", WRONG)
def test_refused(what):
    changed, says = WRONG[what]
    with pytest.raises(UsageError, match=says) as refused:
        good(**changed)
    assert str(refused.value).startswith(changed.get("target", "gold.rows"))


def test_a_job_is_a_value():
    assert good() == good()
    assert good().sources == ("raw.rows",)
    assert good(reduce={}).reduce == {}
    assert good(key=[]).key == ()
    assert Job(source=Dump("sales"), target="bronze.sales").outside == Dump("sales")
    with pytest.raises(AttributeError):
        good().target = "gold.other"


def test_latest_and_dump_check_themselves():
    with pytest.raises(UsageError, match="updated_at"):
        Latest(by=[])
    assert Latest(by="at").by == ("at",)
    with pytest.raises(UsageError, match="a feed is a folder"):
        Dump("../sales")
    assert str(Sum("amount")) == "Sum(amount)"
