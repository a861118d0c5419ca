"""Nothing new, told without Spark: only where it is certain, and for each reason that it is not, Spark is asked.

The lake is written down by hand and by delta-rs. What Spark answers on the same kinds of lakes is in
tests/cli/test_idle_run.py.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from dump_folders import deliver
from foreign import FEED
from literal_log import add, declares, info
from pyspark.sql.types import StructType

from lakemill.conf import Conf
from lakemill.graph import load_jobs
from lakemill.job import Job
from lakemill.lake.file_log import FileLog
from lakemill.lake.lock import lock, lock_folder
from lakemill.lake.presented import digest
from lakemill.lake.progress import LANDING, Position, Progress, TablePosition
from lakemill.lake.sparkless import NO_SPARK, FileLake
from lakemill.lake.surroundings import ANOTHER, SETTING
from lakemill.observe.runs import LEDGER, Run
from lakemill.refresh.idle import idle_tables
from lakemill.refresh.load import plan_load
from lakemill.sources.dumps import dumps_of
from lakemill.sources.storage import Storage
from lakemill.world import World

MADE = StructType().add("shop", "string").add("lines", "long")
PROTOCOL = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 4}}
GOLD = """
from lakemill import Count, Job
def rows(sales):
    return sales.select("shop")
job = Job(source="raw.sales", map=rows, key=["shop"], reduce={"lines": Count()}, target="gold.sales")
"""
BRONZE = 'from lakemill import Dump, Job\njob = Job(source=Dump("prices"), target="bronze.prices")\n'
TABLES = ("bronze.prices", "gold.sales")


@pytest.fixture(autouse=True)
def no_spark(monkeypatch):
    """As in a process that has not started Spark, whatever ran in this one before."""
    monkeypatch.setattr("pyspark.core.context.SparkContext._active_spark_context", None)
    for name in [name for name in os.environ if SETTING.fullmatch(name)]:
        monkeypatch.delenv(name)


def commit(folder: Path, version: int, *actions: dict) -> None:
    (folder / "_delta_log").mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(action) for action in actions)
    (folder / "_delta_log" / f"{version:020d}.json").write_text(text)


def told(table: str, progress: Progress, **more: object) -> list[dict]:
    """A commit of lakemill's."""
    when = {"timestamp": int(time.time() * 1000)} | more
    return [
        info("WRITE", userMetadata=progress.text(), **when),
        {"txn": {"appId": f"lakemill/{table}", "version": progress.run}},
    ]


@dataclass
class Written:
    """A project whose two tables are up to date, as runs would have left it."""

    root: Path

    def __post_init__(self) -> None:
        for name, text in {"gold/sales": GOLD, "bronze/prices": BRONZE}.items():
            (self.root / "jobs" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / "jobs" / f"{name}.py").write_text(text)
        self.conf = Conf(self.root, str(self.root / "lake"), str(self.root / "landing"), str(self.root / "jobs"))
        self.sell("a")
        deliver(self.root / "landing" / "prices" / "monday", {"a.csv": (b"k\n1\n", 1)})
        self.commits = dict.fromkeys((*TABLES, LEDGER), 0)
        commit(self.folder("gold.sales"), 0, *told("gold.sales", self.gold()), PROTOCOL, declares(MADE), add("f", 2))
        commit(self.folder("bronze.prices"), 0, *told("bronze.prices", self.bronze()), PROTOCOL,
               declares(StructType().add("k", "string")), add("f", 1))  # fmt: skip
        self.record()

    def folder(self, table: str) -> Path:
        return self.root / "lake" / table.replace(".", "/")

    @property
    def jobs(self) -> dict[str, Job]:
        for name in TABLES:
            sys.modules.pop(name, None)
        return load_jobs(self.root / "jobs")

    def sell(self, *shops: str) -> None:
        table = pa.table({"shop": list(shops), "lines": [1] * len(shops)})
        write_deltalake(str(self.folder("raw.sales")), table, mode="append", configuration=FEED)

    def position(self, table: str) -> Position:
        log = FileLog(str(self.folder(table)))
        return TablePosition(log.version, log.table_id, log.commit(log.version).id).value()

    def gold(self, **more: object) -> Progress:
        """What a run would record now."""
        world = World(FileLake(NO_SPARK, self.conf.lake, {}), self.conf.landing, Path(), self.conf.spark)
        job = self.jobs["gold.sales"]
        known = world.premises(job, {"raw.sales": world.pin("raw.sales").schema})
        made = Progress(1, {"raw.sales": self.position("raw.sales")}, "f", "rebuild", "FIRST_RUN", digest(MADE),
                        premises=known, run_id="r")  # fmt: skip
        return replace(made, **more)

    def bronze(self) -> Progress:
        position = dumps_of(NO_SPARK, self.conf.landing, "prices").position()
        return Progress(1, {LANDING: position}, "dump", "rebuild", "FIRST_RUN", run_id="r")

    def rewrite(self, *actions: dict, **more: object) -> None:
        """Gold's one commit, told otherwise."""
        commit(self.folder("gold.sales"), 0, *told("gold.sales", self.gold(**more)), PROTOCOL,
               *(actions or [declares(MADE), add("f", 2)]))  # fmt: skip
        self.record()

    def record(self, **more: object) -> None:
        """The ledger that tells of all that was committed."""
        positions = {table: self.position(table) for table in TABLES} | more
        progress = Progress(1, positions, "the ledger", "update", "UPDATE")
        commit(self.folder(LEDGER), 0, *told(LEDGER, progress), PROTOCOL, declares(MADE))

    def ask(self, *names: str, policy: str = "auto") -> list[Run] | None:
        asked = list(names or TABLES)
        idle = self.idle(*asked, policy=policy)
        return [idle[name] for name in asked] if [*idle] == asked else None

    def idle(self, *names: str, policy: str = "auto") -> dict[str, Run]:
        jobs = self.jobs
        return idle_tables(self.conf, [jobs[name] for name in names or TABLES], policy).runs


@pytest.fixture
def project(tmp_path):
    return Written(tmp_path)


def test_nothing_is_new(project):
    runs = project.ask()
    assert [(run.target, run.plan, run.reason, run.status) for run in runs] == [
        ("bronze.prices", "nothing", "NOTHING_NEW", "done"), ("gold.sales", "nothing", "NOTHING_NEW", "done"),
    ]  # fmt: skip
    assert [(run.version, run.versions, run.spark_jobs) for run in runs] == [(0, {}, 0), (0, {"raw.sales": 0}, 0)]
    assert [run.detail for run in runs] == ["the landing is as it was", "no source has new rows"]
    assert project.ask("gold.sales", policy="update")[0].reason == "NOTHING_NEW"
    assert sorted(path.name for path in project.folder("gold.sales").glob("_delta_log/*")) == [f"{0:020d}.json"]


def test_what_waits_in_the_landing_is_told(project):
    (project.root / "landing" / "prices" / "tuesday").mkdir()
    assert "tuesday" in project.ask()[0].remark


def test_commits_of_a_source_that_change_no_rows_are_nothing_new(project):
    commit(project.folder("raw.sales"), 1, info("WRITE"))
    commit(project.folder("gold.sales"), 1, info("OPTIMIZE"), add("g", 2, moves=True))
    (run,) = project.ask("gold.sales")
    assert (run.reason, run.version, run.versions) == ("NOTHING_NEW", 1, {"raw.sales": 1})


def new_dump(project: Written) -> None:
    deliver(project.root / "landing" / "prices" / "tuesday", {"a.csv": (b"k\n2\n", 1)})


def late_dump(project: Written) -> None:
    """Its manifest says that it is older than the newest."""
    folder = deliver(project.root / "landing" / "prices" / "sunday", {"a.csv": (b"k\n0\n", 1)})
    os.utime(folder / "manifest.json", (1_600_000_000, 1_600_000_000))


def dump_gone(project: Written) -> None:
    (project.root / "landing" / "prices" / "monday" / "manifest.json").unlink()
    new_dump(project)


def no_landing(project: Written) -> None:
    (project.root / "landing" / "prices").rename(project.root / "landing" / "elsewhere")


def source_commit(project: Written) -> None:
    project.sell("b")


def source_row_removed(project: Written) -> None:
    DeltaTable(str(project.folder("raw.sales"))).delete()


def source_recreated(project: Written) -> None:
    project.folder("raw.sales").rename(project.root / "old")
    project.sell("a")


def source_brought_back(project: Written) -> None:
    """The same version, of another commit."""
    file = project.folder("raw.sales") / "_delta_log" / f"{0:020d}.json"
    file.write_text(file.read_text().replace('"operation":"', '"operation":"OTHER '))


def source_gone(project: Written) -> None:
    project.folder("raw.sales").rename(project.root / "old")


def source_column_renamed(project: Written) -> None:
    """Without a row, and the map still fits."""
    renamed = StructType().add("shop", "string").add("parts", "long")
    known = project.position("raw.sales")["table_id"]
    commit(project.folder("raw.sales"), 1, info("RENAME COLUMN"), declares(renamed, id=known))


def source_log_cleaned(project: Written) -> None:
    for version in range(1, 4):
        commit(project.folder("raw.sales"), version, info("WRITE"))
    uri = str(project.folder("raw.sales"))
    DeltaTable(uri).create_checkpoint()
    for version in range(3):
        (Path(uri) / "_delta_log" / f"{version:020d}.json").unlink()


def other_map(project: Written) -> None:
    file = project.root / "jobs" / "gold" / "sales.py"
    file.write_text(GOLD.replace("rows(sales):", 'rows(sales):\n    sales = sales.where("lines > 0")'))


def other_key(project: Written) -> None:
    (project.root / "jobs" / "gold" / "sales.py").write_text(GOLD.replace('"lines": Count()', '"rows": Count()'))


def other_settings(project: Written) -> None:
    project.conf = replace(project.conf, spark={"spark.sql.caseSensitive": "true"})


def without_premises(project: Written) -> None:
    """A table that an older lakemill made."""
    project.rewrite(premises="")


def without_columns(project: Written) -> None:
    project.rewrite(columns="")


def foreign_write(project: Written) -> None:
    commit(project.folder("gold.sales"), 1, info("WRITE", timestamp=1), add("g", 1))


def restored(project: Written) -> None:
    commit(project.folder("gold.sales"), 1, info("RESTORE", timestamp=1), add("f", 1))


def altered(project: Written) -> None:
    commit(project.folder("gold.sales"), 1, info("ADD COLUMNS"), declares(MADE.add("more", "string")))


def other_table_in_its_place(project: Written) -> None:
    commit(project.folder("gold.sales"), 0, info("WRITE"), PROTOCOL, declares(MADE), add("f", 1))


def target_gone(project: Written) -> None:
    project.folder("gold.sales").rename(project.root / "old")


def checkpoint_only(project: Written) -> None:
    log = project.folder("gold.sales") / "_delta_log"
    (log / f"{0:020d}.json").rename(log / f"{0:020d}.checkpoint.parquet")


def gap(project: Written) -> None:
    for version in (1, 2, 3):
        commit(project.folder("gold.sales"), version, info("WRITE"))
    (project.folder("gold.sales") / "_delta_log" / f"{2:020d}.json").unlink()


def cut_commit(project: Written) -> None:
    (project.folder("gold.sales") / "_delta_log" / f"{0:020d}.json").write_text('{"commitInfo"')


def old_progress(project: Written) -> None:
    """It is to be written again before VACUUM takes what it names."""
    old = int(time.time() * 1000) - 4 * 86_400_000
    commit(
        project.folder("gold.sales"), 0, *told("gold.sales", project.gold(), timestamp=old), PROTOCOL, declares(MADE)
    )
    project.record()


def ahead(project: Written) -> None:
    project.sell("b")
    project.rewrite()
    (project.folder("raw.sales") / "_delta_log" / f"{1:020d}.json").unlink()


def killed_before_it_was_recorded(project: Written) -> None:
    project.record(**{"gold.sales": {**project.position("gold.sales"), "version": -1}})


def no_ledger(project: Written) -> None:
    project.folder(LEDGER).rename(project.root / "old")


def ledger_of_before(project: Written) -> None:
    commit(project.folder(LEDGER), 0, info("WRITE"), PROTOCOL, declares(MADE))


REASONS = [
    new_dump, late_dump, dump_gone, no_landing, source_commit, source_row_removed, source_recreated,
    source_brought_back, source_gone, source_column_renamed, source_log_cleaned, other_map, other_key, other_settings,
    without_premises, without_columns, foreign_write, restored, altered, other_table_in_its_place, target_gone,
    checkpoint_only, gap, cut_commit, old_progress, ahead, killed_before_it_was_recorded, no_ledger, ledger_of_before,
]  # fmt: skip


@pytest.mark.parametrize("change", REASONS)
def test_whatever_is_new_or_not_certain_is_left_to_spark(change: Callable[[Written], None], project):
    assert project.ask() is not None
    change(project)
    assert project.ask() is None


def follow(project: Written) -> None:
    """A table more, that reads gold's and is up to date, too."""
    (project.root / "jobs" / "gold" / "best.py").write_text(
        "from lakemill import Job, Max\n"
        'job = Job(source="gold.sales", key=[], reduce={"most": Max("lines")}, target="gold.best")\n'
    )
    world = World(FileLake(NO_SPARK, project.conf.lake, {}), project.conf.landing, Path(), project.conf.spark)
    known = world.premises(project.jobs["gold.best"], {"gold.sales": world.pin("gold.sales").schema})
    made = replace(project.gold(), positions={"gold.sales": project.position("gold.sales")}, premises=known)
    commit(project.folder("gold.best"), 0, *told("gold.best", made), PROTOCOL, declares(MADE), add("f", 2))
    project.record(**{"gold.best": project.position("gold.best")})


def test_tables_are_told_one_by_one_but_for_those_that_read_what_may_be_written(project):
    follow(project)
    every = [*TABLES, "gold.best"]
    assert [*project.idle(*every)] == every
    source_commit(project)
    assert [*project.idle(*every)] == ["bronze.prices"]
    assert [*project.idle("gold.best")] == ["gold.best"]  # asked for alone, it reads gold as it is


def test_what_is_asked_for_is_left_to_spark(project):
    assert project.ask(policy="rebuild") is None


@pytest.mark.parametrize("variable", [*ANOTHER])
def test_a_spark_from_elsewhere_is_asked(variable, project, monkeypatch):
    monkeypatch.setenv(variable, "/opt/elsewhere")
    assert project.ask("gold.sales") is None
    assert project.ask("bronze.prices") is None  # its landing may lie where no scheme says it


def test_a_table_that_another_process_is_at_is_left_to_spark_which_names_it(project):
    with lock(lock_folder(project.conf.lake), "gold.sales"):
        assert project.ask() is None


@pytest.mark.parametrize("bound", ["s3://bucket/sales", "glue:shop.sales"])
def test_what_lies_elsewhere_is_left_to_spark(bound, project):
    project.conf = replace(project.conf, tables={"raw.sales": bound})
    assert project.ask() is None


def test_loads_are_planned_from_commits_and_new_manifests_alone(tmp_path, monkeypatch):
    """The commits are written down as a run writes them; nothing here could read a row of the table."""
    project = Written(tmp_path)
    landing, table = project.root / "landing" / "prices", project.folder("bronze.prices")
    (table / "_delta_log" / f"{0:020d}.json").unlink()
    opened: list[str] = []
    read = Storage.content
    monkeypatch.setattr(Storage, "content", lambda self, uri, most=None: opened.append(uri) or read(self, uri, most))

    def planned(*, commits: bool = True) -> tuple[str, list[str], list[str], bool]:
        """The plan, the folders to load, those of which the manifest was read, and whether it is only told that."""
        opened.clear()
        world = World(FileLake(NO_SPARK, project.conf.lake, {}), project.conf.landing, Path())
        task = plan_load(world, project.jobs["bronze.prices"], "auto")
        version = FileLog(str(table)).version + 1
        if commits and (task.looked or task.plan.kind != "nothing"):
            first = [PROTOCOL, declares(StructType().add("k", "string"))] if version == 0 else []
            files = [add(f"f{version}", len(task.dumps))] if task.dumps else []
            commit(table, version, *told("bronze.prices", task.next_progress()), *first, *files)
        read_folders = sorted(uri.rsplit("/", 2)[1] for uri in opened)
        return task.plan.kind, sorted(dump.folder for dump in task.dumps), read_folders, task.looked

    as_it_was = ("nothing", [], [], False)
    assert planned() == ("rebuild", ["monday"], ["monday"], False)
    assert planned() == as_it_was
    deliver(landing / "tuesday", {"a.csv": (b"k\n2\n", 1)}, day="2017-01-02")
    late = deliver(landing / "sunday", {"a.csv": (b"k\n0\n", 1)}, day="2016-12-31")
    os.utime(late / "manifest.json", (1_400_000_000, 1_400_000_000))
    assert planned(commits=False) == planned() == ("update", ["sunday", "tuesday"], ["sunday", "tuesday"], False)
    assert planned() == as_it_was
    deliver(landing / "monday-again", {"b.csv": (b"k\n1\n", 1)})
    assert planned() == ("nothing", [], ["monday-again"], True)
    assert planned() == as_it_was
    (landing / "monday").rename(project.root / "kept elsewhere")
    assert planned() == ("nothing", [], [], True)
    assert planned() == as_it_was
    (project.root / "kept elsewhere").rename(landing / "back")
    assert planned() == ("nothing", [], ["back"], True)
    deliver(landing / "tuesday", {"a.csv": (b"k\n2\n3\n", 2)}, day="2017-01-02")  # filled anew
    assert planned() == ("update", ["tuesday"], ["tuesday"], False)
    assert planned() == as_it_was
