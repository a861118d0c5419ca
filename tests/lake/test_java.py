"""Java: a name of the JVM is asked for once, and means then what it meant."""

import pytest
from py4j.clientserver import JavaClient
from py4j.java_gateway import JavaClass, JavaPackage
from py4j.protocol import Py4JError
from pyspark.sql import functions as F

pytestmark = pytest.mark.spark


@pytest.fixture
def calls(spark, monkeypatch):
    """The commands that go to the JVM, but for those that let go of objects."""
    sent, send = [], JavaClient.send_command

    def counting(self, command, *more, **named):
        sent.append(command)
        return send(self, command, *more, **named)

    monkeypatch.setattr(JavaClient, "send_command", counting)
    return lambda: [command for command in sent if not command.startswith("m\nd\n")]


@pytest.mark.parametrize(
    ("make", "functions"), [(lambda: F.col("a"), 1), (lambda: F.lit(1), 1), (lambda: F.sum(F.col("a")), 2)]
)
def test_a_column_is_a_call_for_each_of_its_functions(calls, make, functions):
    """And no question what these are, once it was asked."""
    make()
    before = len(calls())
    make()
    assert len(calls()) - before == functions
    assert not [command for command in calls()[before:] if command.startswith("r\n")]


def test_classes_and_methods_are_what_they_were(spark):
    jvm = spark._jvm
    for _ in range(2):
        assert jvm.java.lang.Integer.valueOf("7") == 7 and jvm.Integer.MAX_VALUE == 2**31 - 1
        assert jvm.java.util.ArrayList().size() == 0
        assert isinstance(jvm.java.util, JavaPackage) and isinstance(jvm.java.util.Map, JavaClass)
        assert getattr(jvm, "java.util.Map$Entry").comparingByKey() is not None
        assert jvm.java.util.Map.Entry.comparingByKey() is not None


def test_two_calls_of_one_method_do_not_share_what_they_return(spark):
    first, second = spark._jvm.java.util.ArrayList(), spark._jvm.java.util.ArrayList()
    first.add("x")
    assert (first.size(), second.size()) == (1, 0)


def test_a_static_field_is_read_each_time(spark, calls):
    spark._jvm.java.lang.Long.MAX_VALUE  # noqa: B018
    before = len(calls())
    assert spark._jvm.java.lang.Long.MAX_VALUE == 2**63 - 1
    assert len(calls()) - before == 1


def test_what_is_no_class_yet_is_asked_for_again(spark):
    assert isinstance(spark._jvm.org.lakemill.NoClassYet, JavaPackage)
    assert "NoClassYet" not in vars(spark._jvm.org.lakemill)
    with pytest.raises(Py4JError):
        spark._jvm.java.lang.Integer.no_such_method  # noqa: B018
