"""Small files read on the driver: for some hundred of them a Spark job costs seconds, this milliseconds each."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

AT_ONCE = 16


def read_texts(spark: SparkSession, uris: Iterable[str]) -> list[str | None]:
    """The texts of small files, in the order asked for; None where there is no such file."""
    with ThreadPoolExecutor(AT_ONCE) as readers:
        return list(readers.map(lambda uri: read_text(spark, uri), uris))


def read_text(spark: SparkSession, uri: str) -> str | None:
    """A small UTF-8 file as text; None where there is none. Local files are read without Hadoop, which is slower."""
    path = uri.removeprefix("file:")
    if "://" not in path:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None
    return _read_remote(spark, uri)


def list_files(spark: SparkSession, uri: str) -> dict[str, int]:
    """The files right in a folder, with when each was last written (milliseconds since 1970)."""
    path = uri.removeprefix("file:")
    if "://" not in path:
        with os.scandir(path) as entries:
            return {entry.name: entry.stat().st_mtime_ns // 1_000_000 for entry in entries if entry.is_file()}
    jvm: Any = spark._jvm
    folder = jvm.org.apache.hadoop.fs.Path(uri)
    statuses = folder.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf()).listStatus(folder)
    return {status.getPath().getName(): int(status.getModificationTime()) for status in statuses if status.isFile()}


def missing(spark: SparkSession, uris: Iterable[str]) -> list[str]:
    """Those files that are not there."""
    sought = list(uris)
    with ThreadPoolExecutor(AT_ONCE) as readers:
        answers = readers.map(lambda uri: _exists(spark, uri), sought)
        return [uri for uri, there in zip(sought, answers, strict=True) if not there]


def _exists(spark: SparkSession, uri: str) -> bool:
    path = uri.removeprefix("file:")
    if "://" not in path:
        return os.path.exists(path)
    jvm: Any = spark._jvm
    remote = jvm.org.apache.hadoop.fs.Path(uri)
    return bool(remote.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf()).exists(remote))


def _read_remote(spark: SparkSession, uri: str) -> str | None:
    jvm: Any = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path(uri)
    try:
        stream = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf()).open(path)
    except Py4JJavaError as error:
        if "FileNotFoundException" in str(error.java_exception):
            return None
        raise
    try:
        return str(jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
    finally:
        stream.close()
