"""A log read from its files, without Spark: it tells what was written down, or that it is unsure."""

import json
import random
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from foreign import FEED, compact, read
from literal_log import LiteralLog, add, declares, info, remove
from pyspark.sql.types import StructType

from lakemill.lake.file_log import FileLog
from lakemill.lake.unsure import Unsure

PLAIN = StructType().add("k", "string").add("n", "integer")
PROTOCOL = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 4}}


def written(folder: Path, log: LiteralLog) -> FileLog:
    """The log as files."""
    (folder / "_delta_log").mkdir(parents=True)
    for version, actions in enumerate(log.made):
        if version not in log.gone:
            lines = [*([PROTOCOL] if version == 0 else []), *actions]
            text = "\n".join(json.dumps(line) for line in lines)
            (folder / "_delta_log" / f"{version:020d}.json").write_text(text)
    return FileLog(str(folder))


def history(seed: int) -> LiteralLog:
    """Commits that add, remove and declare at random."""
    chance, made = random.Random(seed), [[info("CREATE TABLE"), declares(PLAIN)]]
    for at in range(chance.randint(0, 8)):
        columns = StructType([*PLAIN.fields, *StructType().add(f"more_{at}", "string").fields])
        does = {
            "add": [add(f"f{at}")], "remove": [remove(f"f{at - 1}")], "nothing": [],
            "declare": [declares(columns, feed=chance.random() < 0.5, id=f"t{at}")],
            "number": [{"txn": {"appId": "lakemill/t", "version": at}}],
        }  # fmt: skip
        made.append([info("WRITE", stranger="\u2028 \x85"), *does[chance.choice(list(does))]])
    return LiteralLog(made)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_log_is_told_as_it_was_written_down(seed, tmp_path):
    log = history(seed)
    told = written(tmp_path / "t", log)
    assert (told.version, told.table_id, told.schema) == (log.version, log.table_id, log.schema)
    assert (told.exists, told.feed_is_on) == (True, log.feed_is_on)
    assert told.transaction("lakemill/t") == log.transaction("lakemill/t")
    for version in range(log.version + 1):
        assert told.commit(version).actions[-1:] == log.commit(version).actions[-1:]
        assert told.metadata_at(version) == log.metadata_as_of(version)
    assert told.commit(log.version + 1) is None


def test_a_folder_that_is_not_there_is_no_table(tmp_path):
    assert FileLog(str(tmp_path / "none")).version == -1
    assert not FileLog(f"file:{tmp_path}/none").exists


def table(folder: Path, commits: int = 3) -> FileLog:
    made = [[info("CREATE TABLE"), declares(PLAIN)], *[[info("WRITE"), add(f"f{n}", n)] for n in range(1, commits)]]
    return written(folder, LiteralLog(made))


def commit_file(log: FileLog, version: int, kind: str = "json") -> Path:
    return Path(log.uri) / "_delta_log" / f"{version:020d}.{kind}"


def rewritten(log: FileLog, version: int, *actions: dict) -> FileLog:
    commit_file(log, version).write_text("\n".join(json.dumps(action) for action in actions))
    return FileLog(log.uri)


def gap(log: FileLog) -> FileLog:
    commit_file(log, 1).unlink()
    return FileLog(log.uri)


def newest_in_a_checkpoint_alone(log: FileLog) -> FileLog:
    commit_file(log, 3, "checkpoint.parquet").write_bytes(b"")
    return FileLog(log.uri)


def commits_of_a_catalog(log: FileLog) -> FileLog:
    (Path(log.uri) / "_delta_log" / "_staged_commits").mkdir()
    assert FileLog(log.uri).version == 2  # Delta makes this folder, empty, for every table
    commit_file(log, 2).rename(Path(log.uri) / "_delta_log" / "_staged_commits" / "2.uuid.json")
    return FileLog(log.uri)


def unknown_feature(log: FileLog) -> FileLog:
    asked = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["catalogManaged"]}
    return rewritten(log, 0, {"protocol": asked}, declares(PLAIN))


def newer_reader(log: FileLog) -> FileLog:
    return rewritten(log, 0, {"protocol": {"minReaderVersion": 4, "minWriterVersion": 7}}, declares(PLAIN))


def cut_commit(log: FileLog) -> FileLog:
    commit_file(log, 2).write_text('{"commitInfo": {"operation"')
    return FileLog(log.uri)


def other_files(log: FileLog) -> FileLog:
    for version in range(3):
        commit_file(log, version).unlink()
    (Path(log.uri) / "_delta_log" / "00000000000000000002.checkpoint.0000000001.0000000002.parquet").write_bytes(b"")
    return FileLog(log.uri)


def columns_in_no_file(log: FileLog) -> FileLog:
    return rewritten(log, 0, info("CREATE TABLE"))


DOUBTS = [
    gap, newest_in_a_checkpoint_alone, commits_of_a_catalog, unknown_feature, newer_reader, cut_commit, other_files,
    columns_in_no_file,
]  # fmt: skip


@pytest.mark.parametrize("damage", DOUBTS)
def test_what_cannot_be_told_for_certain_is_unsure(damage, tmp_path):
    log = damage(table(tmp_path / "t"))
    with pytest.raises(Unsure):
        print(log.version, log.table_id)
        log.commit(log.version)


def test_what_is_not_on_this_machine_is_unsure():
    with pytest.raises(Unsure, match="is not on this machine"):
        print(FileLog("s3://bucket/t").version)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [(None, 7 * 86_400_000), ("interval 2 days", 2 * 86_400_000), ("interval 1 week", 7 * 86_400_000),
     ("36 hours", 36 * 3_600_000), ("interval 1 day 2 hours", None), ("interval 1 month", None)],
)  # fmt: skip
def test_how_long_files_are_kept(text, milliseconds, tmp_path):
    log = table(tmp_path / "t")
    declared = declares(PLAIN)
    if text:
        declared["metaData"]["configuration"]["delta.deletedFileRetentionDuration"] = text
    log = rewritten(log, 0, PROTOCOL, declared)
    assert log.keeps_log == 30 * 86_400_000
    if milliseconds is None:
        with pytest.raises(Unsure, match="is no interval"):
            print(log.keeps_files)
    else:
        assert log.keeps_files == milliseconds


def checksum(log: FileLog, version: int, txn: str, **told: object) -> None:
    commit_file(log, version, "crc").write_text(json.dumps({"txnId": txn, **told}))


def test_a_checksum_counts_for_its_own_commit_alone(tmp_path):
    log = table(tmp_path / "t")
    rewritten(log, 2, info("WRITE", txnId="own"), add("f2", 2))
    other = declares(StructType().add("z", "string"))["metaData"]
    checksum(log, 2, "own", tableSizeBytes=77, metadata=other, **PROTOCOL)
    assert (FileLog(log.uri).schema.names, FileLog(log.uri).bytes_at(2)) == (["z"], 77)
    checksum(log, 2, "of another commit", tableSizeBytes=77, metadata=other, **PROTOCOL)
    assert (FileLog(log.uri).schema.names, FileLog(log.uri).bytes_at(2)) == (["k", "n"], 0)
    commit_file(log, 2, "crc").write_text("{")
    assert FileLog(log.uri).bytes_at(2) == 0


def test_rows_are_counted_from_the_last_checksum_that_lists_all_files(tmp_path):
    log = table(tmp_path / "t", 5)
    assert log.rows() == 1 + 2 + 3 + 4
    rewritten(log, 2, info("WRITE", txnId="own"), add("f2", 2))
    listed = [add("f2", 2)["add"], add("of before", 40)["add"]]
    checksum(log, 2, "own", allFiles=listed, numFiles=2)
    assert FileLog(log.uri).rows() == 2 + 40 + 3 + 4
    checksum(log, 2, "own", allFiles=listed, numFiles=3)  # it does not list all
    assert FileLog(log.uri).rows() == 1 + 2 + 3 + 4


def test_deleted_rows_of_a_file_do_not_count(tmp_path):
    log, marked = table(tmp_path / "t", 4), add("f3", 3)
    marked["add"]["deletionVector"] = {"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "cardinality": 2}
    rewritten(log, 3, info("DELETE"), add("f3", 3))
    third = json.dumps(info("DELETE")), json.dumps(remove("f3", 3)), json.dumps(marked)
    commit_file(log, 4).write_text("\n".join(third))
    assert FileLog(log.uri).rows() == 1 + 2 + 3 - 2


def test_rows_of_files_without_statistics_are_unsure(tmp_path):
    log, bare = table(tmp_path / "t"), add("f2")
    del bare["add"]["stats"]
    with pytest.raises(Unsure, match="no statistics"):
        rewritten(log, 2, info("WRITE"), bare).rows()


def write(uri: str, rows: list[tuple[str, int]], mode="append") -> None:
    columns = {name: [row[at] for row in rows] for at, name in enumerate(PLAIN.names)}
    write_deltalake(uri, pa.table(columns), mode=mode, configuration=FEED)


@pytest.mark.parametrize("seed", range(6))
def test_rows_are_counted_as_they_are_read(seed, tmp_path):
    """What delta-rs did to a table at random, also where a clean-up left a checkpoint and what came after it."""
    chance, uri = random.Random(seed), str(tmp_path / "t")
    write(uri, [("a", 1), ("b", 2)])
    for at in range(8):
        deed = chance.choice(["append", "append", "delete", "overwrite", "compact"])
        if deed == "delete":
            DeltaTable(uri).delete(f"n = {chance.randint(0, at)}")
        elif deed == "compact":
            compact(uri)
        else:
            write(uri, [("c", at), ("d", chance.randint(0, 3))], mode=deed)
        if at == 4 and seed % 2:
            DeltaTable(uri).create_checkpoint()
            version = DeltaTable(uri).version()
            for commit in range(version):
                commit_file(FileLog(uri), commit).unlink()
    log = FileLog(uri)
    assert (log.version, log.rows()) == (DeltaTable(uri).version(), len(read(uri)))
    assert (log.schema.names, log.table_id) == (["k", "n"], str(DeltaTable(uri).metadata().id))
    assert log.feed_is_on


def test_without_delta_rs_a_checkpoint_is_unsure(tmp_path, monkeypatch):
    uri = str(tmp_path / "t")
    write(uri, [("a", 1)])
    write(uri, [("b", 1)])
    DeltaTable(uri).create_checkpoint()
    shutil.copytree(uri, tmp_path / "whole")
    commit_file(FileLog(uri), 0).unlink()
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    assert FileLog(str(tmp_path / "whole")).rows() == 2
    with pytest.raises(Unsure, match="deltalake is not installed"):
        FileLog(uri).rows()
    with pytest.raises(Unsure, match="deltalake is not installed"):
        print(FileLog(uri).schema)
