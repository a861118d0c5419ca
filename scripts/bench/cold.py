"""What a command costs from its start to its end: nothing new, status, and the first update after a cold start.

    .venv/bin/python scripts/bench/cold.py [--tables 300] [--dumps 200] [--rounds 5] [--at FOLDER]

A project is made of a table that is fed by dumps and of many small ones that read it. The first of these is made by
a run; the others are copies of it under their own names, since to make each would take many minutes, and a run with
Spark has to agree that nothing is new for any of them. With --at the project is kept in that folder, and used again.
Commands run in processes of their own, and the median of their seconds is shown.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from lakemill.cli.show import show

LIB = Path(__file__).resolve().parents[2] / "lib"
JOB = """
from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job, Sum, run


def priced(sales: DataFrame) -> DataFrame:
    return sales.select("shop", F.col("amount").cast("decimal(12,2)").alias("amount"))


job = Job(source="bronze.sales", map=priced, key=["shop"],
          reduce={{"lines": Count(), "revenue": Sum("amount")}}, target="gold.{name}")
"""
BRONZE = 'from lakemill import Dump, Job\n\njob = Job(source=Dump("sales"), target="bronze.sales")\n'
CONF = """
spark:
  spark.master: local[2]
  spark.driver.memory: 2g
  spark.ui.enabled: false
  spark.ui.showConsoleProgress: false
  spark.sql.shuffle.partitions: 2
  spark.databricks.delta.snapshotPartitions: 1
"""
WITH_SPARK = """
from pathlib import Path
from lakemill.cli.project import project_at
from lakemill.runner import run_tables
project = project_at(Path.cwd())
outcome = run_tables(project.lake(), project.jobs)
assert {run.reason for run in outcome.runs} == {"NOTHING_NEW"}, outcome
"""
COPY = """
import json, shutil, time, uuid
from dataclasses import replace
from pathlib import Path
from lakemill.cli.project import project_at
from lakemill.lake.sparkless import NO_SPARK, FileLake
from lakemill.lake.surroundings import surroundings
from lakemill.lake.progress import last_progress
from lakemill.maps.premises import premises
from lakemill.python.source_text import source_digest
project = project_at(Path.cwd())
lake = FileLake(NO_SPARK, project.conf.lake, {})
columns, around = {"bronze.sales": lake.table("bronze.sales").pin().schema}, surroundings(project.conf.spark)
made = last_progress(lake.table("gold.t000").log())
own = lake.table("gold.t000").log().table_id
for name, job in project.jobs.items():
    if name in ("bronze.sales", "gold.t000"):
        continue
    folder = Path(project.conf.lake, *name.split("."))
    shutil.copytree(folder.parent / "t000", folder)
    pairs = {"lakemill/gold.t000": f"lakemill/{name}", own: str(uuid.uuid4()),
             made.premises: premises(job, columns, around), made.source: source_digest(job.files)}
    for file in folder.glob("_delta_log/[0-9]*"):
        text = file.read_text()
        for old, new in pairs.items():
            text = text.replace(old, new)
        file.write_text(text)
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)  # Hadoop's digest of it
lake, ledger = FileLake(NO_SPARK, project.conf.lake, {}), lake.table("ops.runs").log()
logs = {name: lake.table(name).log() for name in project.jobs}
told = {name: {"version": log.version, "table_id": log.table_id, "commit": ""} for name, log in logs.items()}
again = replace(last_progress(ledger).again(), positions=told)
info = {"timestamp": int(time.time() * 1000), "operation": "WRITE", "userMetadata": again.text()}
number = {"txn": {"appId": "lakemill/ops.runs", "version": again.run}}
commit = Path(project.conf.lake, "ops", "runs", "_delta_log", f"{ledger.version + 1:020d}.json")
commit.write_text("\\n".join(json.dumps(line) for line in ({"commitInfo": info}, number)))
"""
WARM = """
import sys, time
from pathlib import Path
from lakemill.cli.project import project_at
from lakemill.refresh.idle import idle_tables
project = project_at(Path.cwd())
seconds = []
for _ in range(int(sys.argv[1])):
    began = time.monotonic()
    assert len(idle_tables(project.conf, project.jobs.values(), "auto").runs) == len(project.jobs), "something is new"
    seconds.append(time.monotonic() - began)
print(sorted(seconds[1:])[len(seconds[1:]) // 2])
"""
FIRST = """
import json, sys, time
from pathlib import Path
marks = {"Python": time.time() - float(sys.argv[1])}
def mark(name):
    marks[name] = time.time() - float(sys.argv[1]) - sum(marks.values())
from lakemill.cli.project import project_at
from lakemill.runner import open_world, run_tables
mark("imports")
project = project_at(Path.cwd())
mark("job files")
world = open_world(project.conf)
mark("Spark and a session")
world.spark.range(1).count()
mark("a first query")
for name in ("bronze.sales", "gold.t000", "gold.t001"):
    outcome = run_tables(world, project.jobs, [name])
    assert [run.plan for run in outcome.runs] == ["update"], outcome
    mark(f"update {name}")
print(json.dumps(marks))
"""
PARTS = 5
"""How many commands are timed for the parts of a first update; the first of them warms the machine's own caches."""


def main() -> int:
    """Print a line a figure, with what it is of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=300)
    parser.add_argument("--dumps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Project(asked.at or Path(folder), asked.tables, asked.dumps), asked.rounds)
    return 0


class Project:
    """A project of so many tables, made where it is not there yet."""

    def __init__(self, folder: Path, tables: int, dumps: int) -> None:
        self.folder, self.tables = folder, tables
        if not (folder / "conf").is_dir():
            self._write(dumps)
            self.seconds("run", "bronze.sales", "gold.t000")
            self.told(COPY)

    def _write(self, dumps: int) -> None:
        jobs = {"bronze/sales": BRONZE, **{f"gold/t{at:03}": JOB.format(name=f"t{at:03}") for at in range(self.tables)}}
        texts = {"conf/base.yaml": CONF, **{f"jobs/{name}.py": text for name, text in jobs.items()}}
        for name, text in texts.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        for at in range(dumps):
            self.deliver(at)

    def deliver(self, at: int) -> None:
        """The dump of a day, of a thousand lines."""
        day = date(2020, 1, 1) + timedelta(days=at)
        lines = [f"{at * 1000 + line},shop{line % 50},{line % 97}.{line % 90 + 10}" for line in range(1000)]
        content = "\n".join(["line,shop,amount", *lines, ""]).encode()
        folder = self.folder / "landing" / "sales" / str(day)
        folder.mkdir(parents=True)
        (folder / "sales.csv").write_bytes(content)
        entry = {"name": "sales.csv", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        manifest = {"feed": "sales", "dump_date": str(day), "files": [entry | {"rows": len(lines)}]}
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def first_update(self) -> dict[str, float]:
        """What a process spends, until one more dump has come through to two tables."""
        self.deliver(len(list((self.folder / "landing" / "sales").iterdir())))
        return dict(json.loads(self.told(FIRST, str(time.time()))[1].splitlines()[-1]))

    def seconds(self, *command: str) -> float:
        """From a command's start to its end."""
        return self._timed([sys.executable, "-m", "lakemill", *command])[0]

    def told(self, script: str, *arguments: str) -> tuple[float, str]:
        """The seconds of a program, and what it printed."""
        return self._timed([sys.executable, "-c", script, *arguments])

    def _timed(self, command: list[str]) -> tuple[float, str]:
        environment = {**os.environ, "PYTHONPATH": str(LIB)}
        began = time.monotonic()
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return time.monotonic() - began, done.stdout.strip()


def measure(project: Project, rounds: int) -> None:
    """Every figure, one after the other."""
    tables = f"{project.tables + 1} tables"

    def median(work: Callable[[], float]) -> float:
        return statistics.median(work() for _ in range(rounds))

    figures = [(f"nothing new, {tables}, cold", median(lambda: project.seconds("run")), rounds)]
    figures.append((f"nothing new, {tables}, warm", float(project.told(WARM, str(rounds + 1))[1]), rounds))
    figures.append((f"nothing new, {tables}, cold, with Spark", project.told(WITH_SPARK)[0], 1))
    figures.append(("nothing new, 1 table, cold", median(lambda: project.seconds("run", "gold.t000")), rounds))
    figures.append((f"status, {tables}, cold", median(lambda: project.seconds("status")), rounds))
    show([{"what": what, "seconds": seconds, "rounds": count} for what, seconds, count in figures])
    parts = [project.first_update() for _ in range(PARTS)][1:]
    show([{"part": part, "seconds": statistics.median(told[part] for told in parts)} for part in parts[0]])
    print(f"{os.cpu_count()} cores, {platform.python_version()}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    sys.exit(main())
