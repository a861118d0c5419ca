"""Errors that people can act on: what is wrong, where, which values were given, and what to do next."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches

LONGEST = 500
"""Letters of what another program says; its texts may hold whole rows."""
DEEPEST = 20
"""Causes of causes that are looked at."""
PYTHON_TRACE = "Traceback (most recent call last):"
PYTHON_FRAME = re.compile(
    r'^ *File "?(?P<file>[^",\n]+)"?, line (?P<line>\d+).*(?:\n(?P<code> +(?! *File ).*))?', re.MULTILINE
)
INSTALLED = re.compile(r"/site-packages/|/lib/python\d[\d.]*/|/pyspark/|\.zip/py4j|^<")
FOREIGN = re.compile(rf"{INSTALLED.pattern}|/lib/lakemill/|\.zip/lakemill/")
"""Files that are not the user's own. A folder called lakemill may be where somebody keeps a project."""
CAUSED_BY = re.compile(r"(?m)^Caused by: ")
LOST_TASK = re.compile(r"most recent failure: Lost task \S+ in stage \S+ \(TID \d+\) \([^)]*\): ")
ADVICE = {
    "JAVA_GATEWAY_EXITED": "Spark needs Java 17 or 21: install it, or let JAVA_HOME name it.",
    "No space left on device": "A disk is full: make room, or put spark.local.dir (conf, under spark) on another one.",
    "OutOfMemoryError": "Spark had too little memory: raise spark.driver.memory (conf, under spark), on a cluster "
    "spark.executor.memory, or set spark.sql.shuffle.partitions higher.",
    "Py4JNetworkError": "Spark's Java process has ended, most often because it had too little memory: raise "
    "spark.driver.memory (conf, under spark) and run again.",
    "ConnectionRefusedError": "Spark's Java process has ended, most often because it had too little memory: raise "
    "spark.driver.memory (conf, under spark) and run again.",
}
"""What to do about errors that have little to do with the job, by what they say."""


class LakemillError(Exception):
    """Something a person has to look at; its text is one paragraph. `exit_code` is the command's."""

    exit_code = 1


class UsageError(LakemillError):
    """The command, the configuration or a declaration is wrong; nothing was done."""

    exit_code = 2


class DataRefused(LakemillError):
    """Delivered data is not what it says it is; nothing of it was taken."""

    exit_code = 3


class DumpsRefused(DataRefused):
    """Dumps were refused, and the others were loaded: what reads the table goes on."""


class Busy(LakemillError):
    """Another process holds the table."""


class CorruptFeed(LakemillError):
    """A change feed took away rows that were never there; the target was left as it was."""


class Stopped(LakemillError):
    """A signal ended the command; its exit code is the one that shells know it by."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.exit_code = 128 + number


class VersionsGone(LakemillError):
    """What a table was made from cannot be read any more."""


class CommitLost(LakemillError):
    """Another run committed first; nothing of this run was written."""


def first_line(error: BaseException) -> str:
    """What an error says, in one line: of Spark's, what the innermost cause says, without the trace.

    Of one in a Python function: its type, its message, and the user's own line.
    """
    texts = [text for text in causes(error) if _message(text)]
    return shortened(texts[-1] if texts else type(error).__name__)


def causes(error: BaseException) -> list[str]:
    """What an error says, and of one of Spark's each of its causes, the innermost last."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    texts: list[str] = []
    while java is not None and len(texts) < DEEPEST:
        texts.append(str(java.toString()))
        java = java.getCause()
    return texts or [str(error)]


def shortened(text: str) -> str:
    """The line of a text that tells what happened; texts may be traces of Java or of Python, some inside of others."""
    if PYTHON_TRACE in text:
        return _python_line(text)
    for mark in (CAUSED_BY, LOST_TASK):
        text = mark.split(text)[-1]
    line = _message(text).split(" SQLSTATE")[0].split("\n")[0]
    return _cut(line.rstrip(":;. "))


def _message(text: str) -> str:
    """The text without the class of the exception that it begins with."""
    return re.sub(r"^([\w.$]+\.)?[\w$]+(Exception|Error)(: |:?$|:?(?=\n))", "", text.strip(), count=1).strip()


def _python_line(trace: str) -> str:
    """The end of a Python trace, and in brackets the innermost line that is the user's own."""
    trace = trace.split(PYTHON_TRACE)[-1]
    frames = list(PYTHON_FRAME.finditer(trace))
    rest = trace[frames[-1].end() :] if frames else trace
    message = " ".join(re.sub(r"\A(\s*\n|[ \t].*\n)+", "", rest).split("\n\tat ")[0].split())
    own = [frame for frame in frames if not FOREIGN.search(frame["file"])]
    if not own:
        return _cut(message)
    code = f": {own[-1]['code'].strip()}" if own[-1]["code"] else ""
    return f"{_cut(message)} ({_near(own[-1]['file'])}, line {own[-1]['line']}{code})"


def _near(file: str) -> str:
    """A file's name with the two folders that it is in: jobs/gold/daily_sales.py."""
    return "/".join(file.split("/")[-3:])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


@contextmanager
def about(name: str) -> Iterator[None]:
    """An error that nobody foresaw inside, in words that begin with what it is about."""
    try:
        yield
    except LakemillError:
        raise
    except Exception as error:
        raise LakemillError(f"{name}: {in_words(error)}") from error


def in_words(error: BaseException) -> str:
    """An error that nobody foresaw as one paragraph: the innermost cause, where it was, what to do next."""
    if isinstance(error, LakemillError):
        return str(error)
    line = first_line(error)
    for sign, advice in ADVICE.items():
        if any(sign in text for text in [f"{type(error).__name__}: {line}", *causes(error)]):
            return f"{line}. {advice}"
    if hasattr(error, "java_exception") or hasattr(error, "_origin"):
        return f"{line}."
    return f"{type(error).__name__}: {line}{_raised_at(error)}."


def _raised_at(error: BaseException) -> str:
    """The innermost line of lakemill or of a job at which a Python error was raised, in brackets."""
    place, trace = "", error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if not INSTALLED.search(file):
            place = f" ({_near(file)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place


def row_text(values: Mapping[str, object]) -> str:
    """The row of a key in words, as `day=2017-05-01, store=NULL`; that of no column is the whole table."""
    return ", ".join(f"{name}={value_text(value)}" for name, value in values.items()) or "the whole table"


def value_text(value: object) -> str:
    """A column's value as its users write it."""
    return "NULL" if value is None else str(value)


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The closest known name as a question, or the known names, to end an error's text with."""
    names = sorted(known)
    close = get_close_matches(given, names, n=1)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known: {', '.join(names)}." if names else "There are none."
