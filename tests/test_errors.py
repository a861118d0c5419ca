"""What another program's error says, in one line: texts as Spark, Java, Delta and Python write them."""

import random

import pytest

from lakemill.errors import LONGEST, LakemillError, UsageError, causes, first_line, in_words, shortened

WORKER = '  File "/opt/venv/lib/python3.11/site-packages/pyspark/worker.py", line 1, in main\n    process()\n'
OWN = '  File "/home/me/lakemill/jobs/gold/days.py", line 12, in day\n    return 1 / int(text)\n           ~~^~~~~\n'
OURS = '  File "/opt/lib/lakemill/python/fitted.py", line 9, in fitted\n    raise TypeError(text)\n'
HEAD = "\n  An exception was thrown from the Python worker. Please see the stack trace below.\n"
TRACE = "Traceback (most recent call last):\n"
BECAUSE = "\nDuring handling of the above exception, another exception occurred:\n\n"
JAVA = "\n\tat org.apache.spark.api.python.BasePythonRunner.handle(PythonRunner.scala:581)\n\t... 9 more"
CAST = (
    "org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value 'two' of the type \"STRING\" cannot "
    'be cast to "BIGINT" because it is malformed. Correct the value as per the syntax. SQLSTATE: 22018\n'
    '== DataFrame ==\n"cast" was called from\njava.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native)'
)
CAST_LINE = (
    '[CAST_INVALID_INPUT] The value \'two\' of the type "STRING" cannot be cast to "BIGINT" because it is malformed. '
    "Correct the value as per the syntax"
)
ABORTED = "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, "
LOST = "most recent failure: Lost task 0.3 in stage 1.0 (TID 7) (ip-10-0-0-1.eu.compute.internal executor 1): "
LINES = [
    (CAST, CAST_LINE),
    ("[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\nmore", "[DIVIDE_BY_ZERO] Division by zero"),
    (f"{ABORTED}{LOST}{CAST}\nDriver stacktrace:{JAVA}", CAST_LINE),
    (
        f"{ABORTED}{LOST}ExecutorLostFailure (executor 1 exited) Reason: Container killed by YARN.\nDriver stacktrace:",
        "ExecutorLostFailure (executor 1 exited) Reason: Container killed by YARN",
    ),
    (
        f"An error occurred while calling o1.save.\n: org.apache.spark.SparkException: no{JAVA}\n"
        f"Caused by: java.io.IOException: a{JAVA}\nCaused by: java.io.IOException: No space left on device{JAVA}",
        "No space left on device",
    ),
    ("java.lang.OutOfMemoryError: Java heap space", "Java heap space"),
    (f"{HEAD}{TRACE}{WORKER}ValueError: no number\n", "ValueError: no number"),
    (
        f"{HEAD}{TRACE}{WORKER}{OWN}ZeroDivisionError: division by zero\n",
        "ZeroDivisionError: division by zero (jobs/gold/days.py, line 12: return 1 / int(text))",
    ),
    (
        f"org.apache.spark.api.python.PythonException: {TRACE}{WORKER}{OWN}{OURS}TypeError: 2.0 is no bigint\n{JAVA}",
        "TypeError: 2.0 is no bigint (jobs/gold/days.py, line 12: return 1 / int(text))",
    ),
    (
        f"{TRACE}{WORKER}KeyError: 'x'\n{BECAUSE}{TRACE}{OWN}ValueError: three\n  lines\nof it\n",
        "ValueError: three lines of it (jobs/gold/days.py, line 12: return 1 / int(text))",
    ),
    (f'{TRACE}  File "/home/me/a.py", line 3, in f\nValueError\n', "ValueError (home/me/a.py, line 3)"),
    ("Table gold.x: TypeError: it is none", "Table gold.x: TypeError: it is none"),
]


class Java:
    """A Java exception as py4j hands it over."""

    def __init__(self, text: str, cause: "Java | None" = None) -> None:
        self._text, self._cause = text, cause

    def toString(self) -> str:
        return self._text

    def getCause(self) -> "Java | None":
        return self._cause


class FromJava(Exception):
    def __init__(self, java: Java) -> None:
        super().__init__("An error occurred while calling o1.save.\n: x")
        self.java_exception = java


@pytest.mark.parametrize(("text", "line"), LINES, ids=[line[:40] for _, line in LINES])
def test_the_line_that_tells_what_happened(text, line):
    assert shortened(text) == first_line(Exception(text)) == line


def test_the_innermost_cause_that_says_something_comes_first():
    inner = Java("java.lang.IllegalStateException: the reason", Java("java.lang.NullPointerException"))
    error = FromJava(Java("org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed", inner))
    assert first_line(error) == "the reason"
    assert first_line(FromJava(Java("java.lang.NullPointerException"))) == "FromJava"
    circle = Java("a.BException: round")
    circle._cause = circle
    assert len(causes(FromJava(circle))) < 50


def test_nothing_is_told_at_length_and_nothing_in_two_lines():
    seeds = random.Random(15)
    pieces = [
        HEAD,
        TRACE,
        WORKER,
        OWN,
        OURS,
        BECAUSE,
        JAVA,
        CAST,
        ABORTED,
        LOST,
        "\n",
        "Caused by: ",
        "x" * 700,
        "é\u2028",
    ]
    for _ in range(2000):
        text = "".join(seeds.choices(pieces, k=seeds.randint(1, 8)))
        line = shortened(text)
        assert "\n" not in line and "Traceback" not in line and "\tat " not in line, text
        assert len(line) < LONGEST + 300, text  # and the place of a Python error


def test_what_nobody_foresaw_is_one_paragraph_that_says_what_to_do():
    disk = FromJava(Java("org.apache.spark.SparkException: x", Java("java.io.IOException: No space left on device")))
    assert in_words(disk).startswith("No space left on device. A disk is full: make room")
    memory = FromJava(Java("java.lang.OutOfMemoryError: GC overhead limit exceeded"))
    assert "spark.driver.memory" in in_words(memory)
    assert "Java 17" in in_words(RuntimeError("[JAVA_GATEWAY_EXITED] Java gateway process exited"))
    assert in_words(UsageError("gold.x: it is so.")) == "gold.x: it is so."
    assert isinstance(UsageError(""), LakemillError)


def test_a_fault_of_ours_says_where_it_is():
    try:
        {}["column"]
    except KeyError as error:
        assert in_words(error).startswith("KeyError: 'column' (")
        assert "test_errors.py, line" in in_words(error)
