"""Java's own word on patterns and layouts: what is taken compiles there, and means what it does here."""

import random
import time
from pathlib import Path

import pyspark
import pytest
from contracts.backtracking import TooMany, hard_texts, random_pattern, tried, written
from contracts.test_danger import GOOD, SHORT
from contracts.test_layouts import DATES, TIMES
from py4j.java_gateway import JavaGateway

from lakemill.contracts.danger import danger
from setup import find_java


@pytest.fixture(scope="module")
def java():
    """A bare JVM: there is no need of Spark to ask Java for its expressions."""
    home, (jar,) = find_java(), (Path(pyspark.__file__).parent / "jars").glob("py4j-*.jar")
    gateway = JavaGateway.launch_gateway(classpath=str(jar), java_path=str(home / "bin" / "java"), die_on_exit=True)
    yield gateway.jvm.java
    gateway.shutdown()


def test_good_patterns_are_javas_and_are_done_in_no_time(java):
    letters = "aA0 .-@/é\n\"'\\"
    for pattern in [*GOOD, *SHORT]:
        compiled = java.util.regex.Pattern.compile(pattern)
        for letter in letters:
            text = letter * 900 + "\x00"
            began = time.monotonic()
            compiled.matcher(text).matches()
            assert time.monotonic() - began < 2, f"{pattern} on 900 times {letter!r}"


def test_a_pattern_that_is_refused_does_run_away_in_java(java):
    """Else nobody would need the check: of three repeats that follow on each other a text twice as long takes 8 times.

    Loops within loops Java 17 mostly remembers, and other readers of the standard do not.
    """
    pattern = "^\\d*\\d*\\d*x$"
    assert "cube" in danger(pattern, 1000)
    compiled = java.util.regex.Pattern.compile(pattern)

    def seconds(length):
        began = time.monotonic()
        compiled.matcher("1" * length).matches()
        return time.monotonic() - began

    shorter, longer = min(seconds(500) for _ in range(3)), seconds(1000)  # the first one may be spent on compiling
    assert longer > 4 * shorter, (shorter, longer)


def test_patterns_mean_in_java_what_they_do_here(java):
    compared = 0
    for seed in range(150):
        pattern = random_pattern(random.Random(seed))
        text = f"^({written(pattern)})$"
        if danger(text, 1000):
            continue
        compiled = java.util.regex.Pattern.compile(text)
        for word in hard_texts(7)[::5]:
            try:
                matches, _ = tried(pattern, word)
            except TooMany:
                continue
            compared += 1
            assert compiled.matcher(word).matches() == matches, f"seed {seed}: {text} on {word!r}"
    assert compared > 1000


def test_layouts_are_javas(java):
    for layout in [*DATES, *TIMES, *(f"{layout}XXX" for layout in TIMES)]:
        java.time.format.DateTimeFormatter.ofPattern(layout)
