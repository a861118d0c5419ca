"""`lakemill run` with nothing new answers as Spark would; what is new is handed over to Spark, and rows are right."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from conftest import SPARK, TestLake
from dump_folders import deliver

from lakemill.cli import main
from lakemill.cli.project import project_at
from lakemill.lake.progress import Progress, read_progress
from lakemill.observe.runs import Run
from lakemill.refresh.idle import idle_tables
from lakemill.runner import run_tables

GOLD = """
from lakemill import Count, Job
def kept(sales):
    return sales.where("amount >= 0")
job = Job(source="raw.sales", map=kept, key=["shop"], reduce={"lines": Count()}, target="gold.sales")
"""
BEST = """
from lakemill import Job, Max
job = Job(source="gold.sales", key=[], reduce={"most": Max("lines")}, target="gold.best")
"""
BRONZE = 'from lakemill import Dump, Job\njob = Job(source=Dump("prices"), target="bronze.prices")\n'
SAME = ("target", "plan", "reason", "detail", "versions", "version", "rows_in", "rows_out", "status", "error", "remark")


class Shop:
    """A project of three tables, and what was sold, as plain Python knows it."""

    def __init__(self, lake: TestLake, folder: Path) -> None:
        self.lake, self.folder, self.sold, self.dumps = lake, folder, list[tuple[str, int]](), 0
        jobs = {"gold/sales": GOLD, "gold/best": BEST, "bronze/prices": BRONZE}
        files = {f"jobs/{name}.py": text for name, text in jobs.items()}
        files["conf/base.yaml"] = yaml.safe_dump({"spark": SPARK, "lake": str(lake.root / "lake")})
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        self.sell(("a", 1), ("a", 2), ("b", 3))
        self.deliver()

    def sell(self, *rows: tuple[str, int]) -> None:
        self.sold += rows
        self.lake.put_by_spark("raw.sales", rows, "shop string, amount bigint")

    def deliver(self) -> None:
        self.dumps += 1
        deliver(self.folder / "landing" / "prices" / str(self.dumps), {"a.csv": (f"k\n{self.dumps}\n".encode(), 1)})

    def idle(self) -> list[Run] | None:
        project = project_at(self.folder)
        order = ["bronze.prices", "gold.sales", "gold.best"]
        runs = idle_tables(project.conf, [project.jobs[name] for name in order], "auto").runs
        return [runs[name] for name in order] if [*runs] == order else None

    def by_spark(self) -> list[Run]:
        project = project_at(self.folder)
        return run_tables(project.lake(), project.jobs).runs

    def is_right(self, least: int = 0) -> None:
        """By plain Python."""
        lines = Counter(shop for shop, amount in self.sold if amount >= least)
        assert self.lake.rows("gold.sales") == sorted(lines.items())
        assert self.lake.rows("gold.best") == [(max(lines.values()),)]
        assert self.lake.rows("bronze.prices", "k") == sorted((str(at + 1),) for at in range(self.dumps))


@pytest.fixture
def shop(lake, tmp_path, monkeypatch):
    made = Shop(lake, tmp_path / "mine")
    monkeypatch.chdir(made.folder)
    return made


def ran(capsys) -> tuple[dict[str, str], bool]:
    """The reasons of a run by table, and whether it was answered without Spark."""
    capsys.readouterr()
    assert main(["run", "--json"]) == 0
    shown = capsys.readouterr()
    return {run["table"]: run["reason"] for run in json.loads(shown.out)}, "Spark was not started" in shown.err


NOTHING = dict.fromkeys(("bronze.prices", "gold.sales", "gold.best"), "NOTHING_NEW")


def the_same_as_spark(shop: Shop) -> None:
    """Without Spark and with it."""
    alone, with_spark = shop.idle(), shop.by_spark()
    assert alone is not None
    shown = [{name: getattr(run, name) for name in SAME} for run in with_spark]
    ordered = sorted(({name: getattr(run, name) for name in SAME} for run in alone), key=lambda run: run["target"])
    assert ordered == sorted(shown, key=lambda run: run["target"])
    shop.is_right()


def sale(shop: Shop) -> None:
    shop.sell(("c", 5))


def removal(shop: Shop) -> None:
    shop.lake.delta("raw.sales").delete("shop = 'b'")
    shop.sold = [row for row in shop.sold if row[0] != "b"]


def dump(shop: Shop) -> None:
    shop.deliver()


def foreign(shop: Shop) -> None:
    shop.lake.spark.sql(f"delete from delta.`{shop.lake.uri('gold.sales')}` where shop = 'a'")


def restored(shop: Shop) -> None:
    shop.sell(("d", 1))
    shop.by_spark()
    shop.lake.delta("gold.sales").restoreToVersion(0)


def progress_cleaned(shop: Shop) -> None:
    """The commit that held the progress is gone from the log; the newest commit, which Delta always keeps, is not."""
    uri = shop.lake.uri("gold.sales")
    shop.lake.spark.sql(f"alter table delta.`{uri}` set tblproperties ('made.for' = 'sales')")
    cut_log(shop, "gold.sales")


def cut_log(shop: Shop, name: str) -> None:
    """A checkpoint of the newest version, and of the commits the newest alone."""
    log = shop.lake.log(name)
    log.snapshot.deltaLog().checkpoint()
    shop.lake.clean_log(name, before=log.version)


def source_log_cleaned(shop: Shop) -> None:
    """Of what came since, only a checkpoint tells."""
    shop.sell(("e", 1))
    shop.sell(("e", 2))
    cut_log(shop, "raw.sales")


def definition(shop: Shop) -> None:
    (shop.folder / "jobs" / "gold" / "sales.py").write_text(GOLD.replace(">= 0", ">= 2"))


def recreated(shop: Shop) -> None:
    shutil.rmtree(shop.lake.uri("raw.sales"))
    rows, shop.sold = shop.sold, []
    shop.sell(*rows[:2])


CHANGES = [
    sale, removal, dump, foreign, restored, progress_cleaned, source_log_cleaned, definition, recreated,
]  # fmt: skip


def test_a_run_with_nothing_new_starts_no_spark_and_says_as_much(shop, capsys):
    assert not ran(capsys)[1]
    versions = {name: shop.lake.log(name).version for name in NOTHING}
    assert ran(capsys) == (NOTHING, True)
    the_same_as_spark(shop)
    shop.lake.spark.sql(f"optimize delta.`{shop.lake.uri('raw.sales')}`")
    the_same_as_spark(shop)
    assert ran(capsys) == (NOTHING, True)
    assert {name: shop.lake.log(name).version for name in NOTHING} == versions
    assert main(["maintain"]) == 0
    the_same_as_spark(shop)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_new_is_handed_over_to_spark(change: Callable[[Shop], None], shop, capsys):
    assert not ran(capsys)[1]
    assert shop.idle() is not None
    change(shop)
    assert shop.idle() is None
    reasons, alone = ran(capsys)
    assert (alone, reasons == NOTHING) == (False, False)
    shop.is_right(2 if change is definition else 0)
    assert ran(capsys) == (NOTHING, True)


def test_premises_stand_in_the_progress(shop, capsys):
    ran(capsys)
    progress = read_progress(shop.lake.log("gold.sales"), "gold.sales")
    assert isinstance(progress, Progress) and len(progress.premises) == 32
