"""Signals, kills and closed pipes: a command ends within seconds, says so, and the ledger tells what was committed.

The oracle is the tables' own logs, read by delta-rs.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

import lakemill

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lakemill.__file__).parents[1])}
COMMAND = [sys.executable, "-m", "lakemill"]
QUICK = """
from lakemill import Count, Job
job = Job(source="raw.rows", key=["k"], reduce={"n": Count()}, target="gold.a")
"""
SLOW = """
from pathlib import Path
from pyspark.sql import functions as F
from lakemill import Count, Job
def numbers(rows):
    if rows.inputFiles():  # the table's rows, not the stand-ins that the plan is made with
        Path("planned").touch()
    return rows.select(F.explode(F.sequence(F.lit(0), F.lit(200_000_000))).alias("number"))
job = Job(source="raw.rows", map=numbers, key=["number"], reduce={"n": Count()}, target="gold.b")
"""
CONF = """
lake: lake
tables: {{raw.rows: {rows}}}
spark:
  spark.master: local[1]
  spark.driver.memory: 1g
  spark.ui.enabled: false
  spark.sql.shuffle.partitions: 1
  spark.databricks.delta.snapshotPartitions: 1
"""


@pytest.fixture
def project(tmp_path):
    """A project with a table that is made in a moment, and one that takes for ever."""
    import pyarrow

    rows = tmp_path / "rows"
    write_deltalake(rows, pyarrow.table({"k": ["x", "y"]}), configuration={"delta.enableChangeDataFeed": "true"})
    for name, text in {
        "conf/base.yaml": CONF.format(rows=rows),
        "jobs/gold/a.py": QUICK,
        "jobs/gold/b.py": SLOW,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def hear_all() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(project: Path, *arguments: str) -> subprocess.Popen:
    """A command in a process group of its own, which Spark's JVM is in, too; it hears what nohup would ignore."""
    return subprocess.Popen(
        [*COMMAND, *arguments], cwd=project, env=ENVIRONMENT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=hear_all,
    )  # fmt: skip


def until(what, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_at(project: Path, process: subprocess.Popen, table: str) -> bool:
    """Whether the run holds the table's lock."""
    lock = project / "lake" / "_locks" / f"{table}.lock"
    return lock.exists() and f'"pid": {process.pid},' in lock.read_text()


def listens(process: subprocess.Popen) -> bool:
    """Whether the process hears SIGTERM."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def ledger(project: Path) -> list[tuple[str, str, int | None]]:
    rows = DeltaTable(project / "lake" / "ops" / "runs").to_pyarrow_table().to_pylist()
    return sorted((row["target"], row["status"], row["version"]) for row in rows)


def committed(project: Path, table: str) -> list[int]:
    history = DeltaTable(project / "lake" / table.replace(".", "/")).history()
    return sorted(entry["version"] for entry in history if "lakemill" in json.loads(entry.get("userMetadata", "{}")))


def ends(process: subprocess.Popen, number: int, seconds: float = 20) -> str:
    """Send a signal; what the command says, which has to be a sentence, with nobody left behind."""
    process.send_signal(number)
    began = time.monotonic()
    _, said = process.communicate(timeout=seconds * 6)
    assert time.monotonic() - began < seconds
    assert process.returncode == 128 + number, said
    assert "Traceback" not in said and "\tat " not in said and "Exception" not in said
    until(lambda: is_gone(process.pid), seconds)
    return said


@pytest.mark.spark
@pytest.mark.faults
def test_the_ledger_tells_what_was_committed_before_a_kill_and_a_signal(project):
    killed = start(project, "run", "--threads", "1")  # so that gold.a is made before gold.b begins
    until(lambda: is_at(project, killed, "gold.b"))
    killed.kill()  # Python alone, as an out-of-memory killer does it
    killed.communicate(timeout=60)
    until(lambda: is_gone(killed.pid), 30)
    assert not (project / "lake" / "ops").exists()
    (project / "planned").unlink(missing_ok=True)

    stopped = start(project, "run", "--threads", "1")
    until(lambda: is_at(project, stopped, "gold.b") and (project / "planned").exists())
    time.sleep(2)
    assert "stopped by SIGTERM" in ends(stopped, signal.SIGTERM)
    assert committed(project, "gold.a") == [0]
    assert not DeltaTable.is_deltatable(str(project / "lake" / "gold" / "b"))
    assert ledger(project) == [("gold.a", "recovered", 0), ("gold.b", "stopped", -1)]


@pytest.mark.spark
@pytest.mark.parametrize(
    "seconds", [0, pytest.param(1, marks=pytest.mark.faults), pytest.param(4, marks=pytest.mark.faults)]
)
def test_ctrl_c_while_spark_starts(project, seconds):
    process = start(project, "run")
    until(lambda: listens(process))
    time.sleep(seconds)
    assert "stopped by Ctrl-C" in ends(process, signal.SIGINT)
    assert not (project / "lake" / "gold" / "b" / "_delta_log").exists()


@pytest.mark.parametrize("command", ["graph | true", "graph --json | head -1", "--help | true", "run --help | true"])
def test_a_reader_that_has_seen_enough_is_no_error(project, command):
    words, _, rest = command.partition(" | ")
    line = f"{' '.join(COMMAND)} {words} | {rest}; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"


def test_a_closed_standard_error_is_no_error_either(project):
    line = f"{' '.join(COMMAND)} graph gold.nothing 2>&1 | true; {' '.join(COMMAND)} verify --nothing 2>&1 | true"
    done = subprocess.run(
        ["bash", "-c", line], cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
