"""What a failed read or write means: told from the causes that Spark and Delta name, which are often several deep."""

import re
from collections.abc import Callable
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from lakemill.errors import DataRefused

ROW_REFUSED = (
    "SparkArithmeticException", "SparkArrayIndexOutOfBoundsException", "SparkDateTimeException",
    "SparkNumberFormatException", "SparkRuntimeException", "PythonException",
)  # fmt: skip
"""What Spark raises for a value: a text that is no number, an overflow, a division by zero, raise_error."""


def files_gone(error: Exception) -> bool:
    """Whether a read failed because files that a table's log names are not there any more."""
    return _says(error, "FileNotFoundException", "FILE_NOT_EXIST", "FileReadException")


def version_gone(error: Exception) -> bool:
    """Whether a version could not be read because its files, or the log that tells them, are not there any more."""
    log = ("Cannot time travel Delta table to version", "DELTA_TRUNCATED_TRANSACTION_LOG", "NO_RECREATABLE_HISTORY")
    return files_gone(error) or _says(error, *log)


def innermost(error: Exception) -> str:
    """The first line of the cause behind all other causes, without the class of the exception."""
    java = error.java_exception if isinstance(error, Py4JJavaError) else getattr(error, "_origin", None)
    texts = _texts(java) or [str(error)]
    return re.sub(r"^[\w.$]+(Exception|Error): ", "", texts[-1].strip()).split("\n")[0].rstrip(":. ")


def corrupt_feed(error: Exception) -> bool:
    """Whether a row that came, by a source's feed, was not there."""
    return _says(error, "CORRUPT_FEED")


def row_refused(error: Exception) -> bool:
    """Whether a value of a row was refused, by one of Spark's functions or a Python one."""
    return not corrupt_feed(error) and _says(error, *ROW_REFUSED)


def damaged_log(error: Exception) -> str | None:
    """What is wrong with a table's log, where a read failed because of that."""
    said = _text(error)
    gap = re.search(r"\[DELTA_VERSIONS_NOT_CONTIGUOUS\] (Versions \([\d, ]+\) are not contiguous)", said)
    if gap:
        return f"{gap[1]}: a file of the log is missing"
    part = re.search(r"\[DELTA_MISSING_PART_FILES\] Couldn't find .* of the (checkpoint version: \d+)", said)
    if part:
        return f"{part[1]} is missing; if the log's JSON files are all there, moving _last_checkpoint away is enough"
    cut = re.search(r"\[DELTA_TRUNCATED_TRANSACTION_LOG\] (\S+_delta_log/)\S+: .*? (version \d+)", said)
    if cut:
        return f"{cut[1]} has neither all commits before {cut[2]} nor a checkpoint of them"
    unread = re.search(r"FAILED_READ_FILE\S* Encountered error while reading file (\S*/_delta_log/\S+?)\.?\s", said)
    if unread:
        return (
            f"{unread[1]} is damaged. If the log's JSON files back to an older checkpoint, or to version 0, are all "
            "there, moving this file and _last_checkpoint away is enough"
        )
    return None


def data_refused(error: Exception) -> DataRefused | None:
    """The refusal of a dump that a task raised, as the driver should raise it."""
    told = re.search(r"lakemill\.errors\.DataRefused: (.*)", str(error))
    return DataRefused(told[1]) if told else None


def read_failure(read: Callable[[], DataFrame]) -> str:
    """Why rows cannot be read; the text is empty where they can. They are read whole, and nothing is made of them."""
    try:
        read().write.format("noop").mode("overwrite").save()
    except (PySparkException, Py4JJavaError) as error:
        return innermost(error)
    return ""


def _says(error: Exception, *signs: str) -> bool:
    said = _text(error)
    return any(sign in said for sign in signs)


def _text(error: Exception) -> str:
    """All that an error says, its causes included: the reason is often several causes down."""
    if not isinstance(error, Py4JJavaError):
        java = getattr(error, "_origin", None)
        return f"{error} {_causes(java)}" if java is not None else str(error)
    return _causes(error.java_exception)


def _causes(java: Any) -> str:
    return " ".join(_texts(java)) + " "


def _texts(java: Any) -> list[str]:
    """What a Java exception says, and each of its causes, the innermost last."""
    texts: list[str] = []
    while java is not None and len(texts) < 20:
        texts.append(str(java.toString()))
        java = java.getCause()
    return texts
