"""What stands in Spark's place where nothing needs it: whoever asks it for something is told that nobody knows.

So the code that decides from logs runs without Spark as it does with it; where it comes to something that only Spark
can answer, what it was about is unsure, and is left to Spark.
"""

from dataclasses import dataclass, field
from typing import Any, cast

from pyspark.sql import SparkSession

from lakemill.lake.file_log import FileLog
from lakemill.lake.log import Log
from lakemill.lake.tables import Lake, Table
from lakemill.lake.unsure import Unsure


class NoSpark:
    """No session."""

    def __getattr__(self, name: str) -> Any:
        raise Unsure(f"Spark is asked for its {name}")


NO_SPARK = cast(SparkSession, NoSpark())


@dataclass(frozen=True)
class FileTable(Table):
    """A table whose log is read from its files, as it was when it was first asked for."""

    read: FileLog

    def log(self) -> Log:  # type: ignore[override]  # those who decide from a log need no more of it
        return self.read


@dataclass(frozen=True)
class FileLake(Lake):
    """A lake whose tables' logs are read from their files, each once."""

    _tables: dict[str, FileTable] = field(default_factory=dict)

    def table(self, name: str) -> FileTable:
        if name not in self._tables:
            uri = super().table(name).uri
            self._tables[name] = FileTable(NO_SPARK, name, uri, FileLog(uri))
        return self._tables[name]
