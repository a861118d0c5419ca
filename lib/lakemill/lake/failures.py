"""What a failed read or write means: told from the causes that Spark and Delta name, which are often several deep."""

import re
from collections.abc import Callable

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from lakemill.errors import DataRefused, causes, first_line

ROW_REFUSED = (
    "SparkArithmeticException", "SparkArrayIndexOutOfBoundsException", "SparkDateTimeException",
    "SparkIllegalArgumentException", "SparkNumberFormatException", "SparkRuntimeException", "SparkUpgradeException",
    "MALFORMED_RECORD_IN_PARSING", "PythonException",
)  # fmt: skip
"""What Spark raises for a value: a text that is no number, URL, day or JSON, an overflow, a division by zero."""


def files_gone(error: Exception) -> bool:
    """Whether a read failed because files that a table's log names are not there any more."""
    return _says(error, "FileNotFoundException", "FILE_NOT_EXIST", "FileReadException")


def version_gone(error: Exception) -> bool:
    """Whether a version could not be read because its files, or the log that tells them, are not there any more."""
    log = ("Cannot time travel Delta table to version", "DELTA_TRUNCATED_TRANSACTION_LOG", "NO_RECREATABLE_HISTORY")
    refused = "TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION"  # by Delta 4.2, in a session of the user's own settings
    return files_gone(error) or _says(error, *log, refused)


def corrupt_feed(error: Exception) -> bool:
    """Whether a row that came, by a source's feed, was not there."""
    return _says(error, "CORRUPT_FEED")


def row_refused(error: Exception) -> bool:
    """Whether a value of a row was refused, by one of Spark's functions or a Python one."""
    return not corrupt_feed(error) and _says(error, *ROW_REFUSED)


def damaged_log(error: Exception) -> str | None:
    """What is wrong with a table's log, where a read failed because of that."""
    text = _text(error)
    gap = re.search(r"\[DELTA_VERSIONS_NOT_CONTIGUOUS\] (Versions \([\d, ]+\) are not contiguous)", text)
    if gap:
        return f"{gap[1]}: a file of the log is missing"
    part = re.search(r"\[DELTA_MISSING_PART_FILES\] Couldn't find .* of the (checkpoint version: \d+)", text)
    if part:
        return f"{part[1]} is missing; if the log's JSON files are all there, moving _last_checkpoint away is enough"
    cut = re.search(r"\[DELTA_TRUNCATED_TRANSACTION_LOG\] (\S+_delta_log/)\S+: .*? (version \d+)", text)
    if cut:
        return f"{cut[1]} has neither all commits before {cut[2]} nor a checkpoint of them"
    unread = re.search(r"FAILED_READ_FILE\S* Encountered error while reading file (\S*/_delta_log/\S+?)\.?\s", text)
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
        return first_line(error)
    return ""


def _says(error: Exception, *signs: str) -> bool:
    text = _text(error)
    return any(sign in text for sign in signs)


def _text(error: Exception) -> str:
    """All that an error says, its causes included: the reason is often several causes down."""
    return f"{type(error).__name__}: {' '.join(causes(error))} "
