"""A dump is taken whole or not at all: what is not as its manifest says is refused by name, and by itself."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dump_folders import deliver
from pyspark.sql import DataFrame

from lakemill import Dump, Job
from lakemill.errors import DataRefused, DumpsRefused, LakemillError, UsageError
from lakemill.lake.progress import LANDING, NoProgress, read_progress
from lakemill.lake.quiet import LOUD, failures_untold
from lakemill.observe.runs import Run
from lakemill.proof.landing import _by_spark
from lakemill.refresh.explain import explain
from lakemill.refresh.load import loaded_dumps, of_days, plan_load, write
from lakemill.runner import run_tables
from lakemill.sources.manifest import identity
from lakemill.sources.storage import Storage

SALES = Job(source=Dump("sales"), target="bronze.sales")
GOOD = b'id,note\n1,a\n2,"two\nlines, and ""quotes"""\n\n3,\n'
BESIDES = b"id,note\n4,d\n"


@pytest.fixture
def landing(lake) -> Path:
    feed = Path(lake.world.landing, "sales")
    deliver(feed / "2017-01-01", {"sales.csv": (GOOD, 3)})
    return feed


def id_and_note(sales: DataFrame) -> DataFrame:
    return sales.select("id", "note")


def ids(lake) -> list[str]:
    return sorted(row[0] for row in lake.rows("bronze.sales", "id"))


NAMES = [
    "sales1", "sales[1]", "a*", "ab", "a?", "a\\b", "a{b,c}", "2024-03-01T06:00:00Z", "_under", "2024 03 01", "a%20b",
    "größe", "day=1", "content=x", "path=1", "a,b", "a#b", "日本", "[!x]", "x^y$(1)|2&c;",
]  # fmt: skip


@pytest.fixture
def careless(spark):
    """A session that somebody told to read over files that are damaged or gone."""
    keys = ("spark.sql.files.ignoreMissingFiles", "spark.sql.files.ignoreCorruptFiles")
    for key in keys:
        spark.conf.set(key, "true")
    yield
    for key in keys:
        spark.conf.set(key, "false")


def test_folders_and_files_are_names_and_no_patterns(lake, careless):
    """Each dump once, whatever its folder and file are called; verify, which reads by other means, agrees."""
    feed = Path(lake.world.landing, "sales")
    for n, name in enumerate(NAMES):
        deliver(
            feed / name,
            {f"{name.strip('_')} x;y[1].csv".translate({92: None, 58: None}): (b"id,note\n%d,\n" % n, 1)},
            day=f"2017-01-{n + 1:02}",
        )
    assert lake.run(SALES).rows_in == len(NAMES)
    rows = lake.rows("bronze.sales", "id", "file_name")
    assert sorted((int(n), file.split("/")[1]) for n, file in rows) == list(enumerate(NAMES))
    assert lake.differences(SALES) == []
    folders = [f"file:{feed}/{name}" for name in NAMES]
    assert len(_by_spark(lake.world.spark, folders).collect()) == 2 * len(NAMES)  # as verify reads a landing on S3
    lake.delta("bronze.sales").delete("id = '7'")
    assert [found.kind for found in lake.differences(SALES)] == ["missing row"]


def test_each_dump_once_by_what_it_holds(lake, landing):
    assert lake.run(SALES).reason == "FIRST_RUN"
    assert lake.rows("bronze.sales", "id", "note", "line_number") == [
        ("1", "a", 2),
        ("2", 'two\nlines, and "quotes"', 3),
        ("3", "", 6),
    ]
    deliver(landing / "2017-01-01-again", {"renamed.csv": (GOOD, 3)})
    assert lake.run(SALES).plan == "nothing"
    two = {"a.csv": (GOOD.replace(b"1,a", b"9,z"), 3), "b.csv": (BESIDES, 1)}
    deliver(landing / "2016-12-31", two, day="2016-12-31")
    deliver(landing / "2016-12-31-again", dict(reversed(two.items())), day="2016-12-31")
    run = lake.run(SALES)
    assert (run.plan, run.reason, run.rows_in, run.rows_out) == ("update", "UPDATE", 4, 4)
    assert ids(lake) == ["1", "2", "2", "3", "3", "4", "9"]
    assert lake.differences(SALES) == []
    assert lake.run(SALES, "rebuild").rows_out == 7
    assert lake.differences(SALES) == []


def test_an_upload_under_way_is_told_and_leaves_the_others_alone(lake, landing):
    (landing / "2017-01-02").mkdir()
    (landing / "2017-01-02" / "sales.csv").write_bytes(GOOD[:9])
    deliver(landing / ".2017-01-03", {"sales.csv": (BESIDES, 1)})
    run = lake.run(SALES)
    assert (run.rows_out, ids(lake)) == (3, ["1", "2", "3"])
    assert run.remark.endswith("no manifest.json yet: .2017-01-03, 2017-01-02")
    assert "2017-01-02" in explain(lake.world, SALES).sources["sales"]
    (landing / ".2017-01-03").rename(landing / "2017-01-03")
    again = lake.run(SALES)
    assert (again.plan, again.rows_out, again.remark[-12:]) == ("update", 1, ": 2017-01-02")
    assert lake.differences(SALES) == []


def _manifest(change: Callable[[str], str]) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(change(path.read_text()))

    return spoil


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "manifest is no JSON": (_manifest(lambda text: "{"), "not one"),
    "no file": (lambda folder: (folder / "sales.csv").unlink(), "not there"),
    "other size": (lambda folder: (folder / "sales.csv").write_bytes(GOOD + b"4,x\n"), "bytes"),
    "other content": (lambda folder: (folder / "sales.csv").write_bytes(GOOD.replace(b"1,a", b"8,b")), "sha256"),
    "path out of the folder": (
        _manifest(lambda text: text.replace('"sales.csv"', '"../../x"')),
        "not a plain file name",
    ),
    "no day": (_manifest(lambda text: text.replace("2017-01-02", "yesterday")), "yesterday"),
    "left out by Spark": (_manifest(lambda text: text.replace('"sales.csv"', '"_sales.csv"')), "rename it"),
    "too few rows": (_manifest(lambda text: text.replace('"rows": 3', '"rows": 4')), "4 rows and a header"),
    "too many rows": (_manifest(lambda text: text.replace('"rows": 3', '"rows": 2')), "2 rows and a header"),
}


def test_a_delivery_that_is_not_as_it_says_is_refused_alone(lake, landing):
    lake.run(SALES)
    for day, (what, (spoil, words)) in enumerate(REFUSED.items(), start=4):
        good, bad = b"8,%c" % (100 + day), b"9,%c" % (100 + day)
        deliver(landing / f"2017-01-{day:02}", {"sales.csv": (GOOD.replace(b"1,a", good), 3)}, day=f"2017-01-{day:02}")
        spoil(deliver(landing / "2017-01-02", {"sales.csv": (GOOD.replace(b"1,a", bad), 3)}, day="2017-01-02"))
        with pytest.raises(DumpsRefused, match=words) as refused:
            lake.run(SALES)
        assert "2017-01-02" in str(refused.value), what
        assert "of 2 new dumps 1 are refused" in str(refused.value), what
        rows = [",".join(row).encode() for row in lake.rows("bronze.sales", "id", "note")]
        assert (good in rows, bad in rows) == (True, False), what
        version = lake.log("bronze.sales").version
        with pytest.raises(DumpsRefused, match=words):
            lake.run(SALES)
        assert lake.log("bronze.sales").version == version, "what is refused again writes nothing"
    # The dump as it was meant, under another name: then the folder of the damaged one is of no account.
    deliver(landing / "2017-01-02-again", {"sales.csv": (GOOD.replace(b"1,a", bad), 3)}, day="2017-01-02")
    spoil_file = landing / "2017-01-02" / "manifest.json"
    spoil_file.write_text((landing / "2017-01-02-again" / "manifest.json").read_text())
    (landing / "2017-01-02" / "sales.csv").write_bytes(b"id,note\n")
    assert lake.run(SALES).rows_out == 3
    assert lake.run(SALES).reason == "NOTHING_NEW"
    assert tuple(bad.decode().split(",")) in lake.rows("bronze.sales", "id", "note")


def test_all_that_is_damaged_is_told_by_one_run_and_what_reads_the_table_goes_on(lake, landing):
    reader = Job(source="bronze.sales", target="silver.ids", key=["id"], map=id_and_note)
    jobs = {SALES.target: SALES, reader.target: reader}
    assert run_tables(lake.world, jobs).exit_code == 0
    for day in range(2, 7):
        files = {"sales.csv": (b"id,note\n%d,\n" % (10 + day), 1 if day in (3, 6) else 2)}
        deliver(landing / f"2017-01-0{day}", files, day=f"2017-01-0{day}")
    outcome = run_tables(lake.world, jobs)
    assert outcome.exit_code == 3
    assert "bronze.sales: of 5 new dumps 3 are refused" in str(outcome.error)
    assert [f"2017-01-0{day}/sales.csv" in str(outcome.error) for day in range(2, 7)] == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert [(run.status, run.rows_out) for run in outcome.runs] == [("refused", 2), ("done", 2)]
    assert lake.rows("silver.ids", "id") == [("1",), ("13",), ("16",), ("2",), ("3",)]
    again = run_tables(lake.world, jobs)
    assert [(run.status, run.rows_out) for run in again.runs] == [("refused", None), ("done", None)]
    told = lake.frame("ops.runs").where("target = 'bronze.sales'").orderBy("started_at").collect()
    assert [(row.status, row.rows_out) for row in told] == [("done", 3), ("refused", 2), ("refused", None)]
    assert "2017-01-05/sales.csv" in told[1].error


def test_what_reads_a_table_of_which_every_dump_is_refused_waits(lake):
    deliver(Path(lake.world.landing, "sales", "2017-01-01"), {"sales.csv": (GOOD, 4)})
    reader = Job(source="bronze.sales", target="silver.ids", key=["id"], map=id_and_note)
    outcome = run_tables(lake.world, {SALES.target: SALES, reader.target: reader})
    assert outcome.exit_code == 3
    assert [run.status for run in outcome.runs] == ["refused", "skipped"]


def test_a_table_is_not_made_anew_without_a_dump_that_it_has(lake, landing):
    deliver(landing / "2017-01-02", {"sales.csv": (BESIDES, 1)}, day="2017-01-02")
    lake.run(SALES)
    (landing / "2017-01-02" / "sales.csv").write_bytes(BESIDES.replace(b"4", b"5"))
    with pytest.raises(DataRefused, match="The table has it, and cannot be made anew without it"):
        lake.run(SALES, "rebuild")
    assert ids(lake) == ["1", "2", "3", "4"]


def test_what_spark_prints_of_failed_tasks_is_left_out_only_while_they_are_told(spark):
    loggers = spark._jvm.org.apache.logging.log4j.LogManager
    before = {name: str(loggers.getLogger(name).getLevel()) for name in LOUD}
    with failures_untold(spark):
        assert {str(loggers.getLogger(name).getLevel()) for name in LOUD} == {"OFF"}
    assert {name: str(loggers.getLogger(name).getLevel()) for name in LOUD} == before


def test_columns_are_told_by_name_and_one_more_is_taken(lake, landing):
    reader = Job(source="bronze.sales", target="silver.ids", key=["id"], map=id_and_note)
    lake.run(SALES)
    lake.run(reader)
    deliver(landing / "2017-01-02", {"sales.csv": (b"more,NOTE,id\nm,d,4\n", 1)}, day="2017-01-02")
    deliver(landing / "2017-01-03", {"sales.csv": ("\ufeffid,note\n5,e\n".encode(), 1)}, day="2017-01-03")
    assert lake.run(SALES).plan == "update"
    wide = [
        ("1", "a", None),
        ("2", 'two\nlines, and "quotes"', None),
        ("3", "", None),
        ("4", "d", "m"),
        ("5", "e", None),
    ]
    assert lake.rows("bronze.sales", "id", "note", "more") == wide
    lake.run(reader)
    assert lake.rows("silver.ids", "id") == [("1",), ("2",), ("3",), ("4",), ("5",)]
    assert lake.differences(SALES) == []
    deliver(landing / "2016-12-31", {"sales.csv": (b"id\n0\n", 1)}, day="2016-12-31")  # from before the first
    assert lake.run(SALES).plan == "update"
    wide.insert(0, ("0", None, None))
    deliver(landing / "2017-01-04", {"sales.csv": (b"id,remark\n6,f\n", 1)}, day="2017-01-04")
    with pytest.raises(DataRefused, match='no column "note".*"remark" is new'):
        lake.run(SALES)
    deliver(landing / "2017-01-04", {"sales.csv": (b"id,note\n6,f\n", 1)}, day="2017-01-04")
    assert lake.run(SALES).plan == "update"
    columns = sorted(lake.frame("bronze.sales").columns)
    assert lake.run(SALES, "rebuild").rows_out == 7
    assert sorted(lake.frame("bronze.sales").columns) == columns
    assert lake.rows("bronze.sales", "id", "note", "more") == [*wide, ("6", "f", None)]
    assert lake.differences(SALES) == []


def test_dumps_that_left_the_landing_cannot_be_read_again(lake, landing):
    lake.run(SALES)
    (landing / "2017-01-01").rename(lake.root / "elsewhere")
    deliver(landing / "2017-01-02", {"sales.csv": (GOOD.replace(b"1,a", b"8,h"), 3)}, day="2017-01-02")
    with pytest.raises(UsageError, match="without losing rows"):
        lake.run(SALES, "rebuild")
    assert lake.run(SALES).plan == "update"
    assert len(lake.rows("bronze.sales")) == 6
    with pytest.raises(UsageError, match="no longer holds sales/2017-01-01/sales.csv"):
        lake.differences(SALES)


def test_an_empty_landing_is_nothing_new_and_a_missing_one_is_told(lake):
    with pytest.raises(UsageError, match="there is no such folder"):
        lake.run(SALES)
    Path(lake.world.landing, "sales").mkdir(parents=True)
    assert lake.run(SALES).reason == "NOTHING_NEW"
    with pytest.raises(LakemillError, match="cannot be verified"):
        lake.differences(SALES)
    deliver(Path(lake.world.landing, "sales", "d"), {"sales.csv.gz": (b"no gzip", 3)})
    with pytest.raises(DataRefused, match=r"sales\.csv\.gz"):
        lake.run(SALES)


def test_snapshots_that_are_equal_are_loaded_each_and_verify_misses_one_that_somebody_deleted(lake):
    feed = Path(lake.world.landing, "sales")
    for month, content in (("01", GOOD), ("02", GOOD.replace(b"1,a", b"1,b")), ("03", GOOD)):
        deliver(feed / f"2017-{month}-01", {"sales.csv": (content, 3)}, day=f"2017-{month}-01")
    lake.run(SALES)
    assert len({(row[0], row[1]) for row in lake.rows("bronze.sales", "dump_date", "dump_id")}) == 3
    assert lake.differences(SALES) == []
    lake.delta("bronze.sales").delete("dump_date = '2017-02-01'")
    assert {found.kind for found in lake.differences(SALES)} == {"missing row"}


def test_a_table_of_an_earlier_version_is_carried_on(lake, landing):
    """Its position was a digest that means nothing now, and its ids hung on the order of the manifest's files."""
    two = {"b.csv": (BESIDES, 1), "a.csv": (GOOD.replace(b"1,a", b"9,z"), 3)}
    first = deliver(landing / "2016-12-31", two, day="2016-12-31")
    lake.run(SALES)
    task = plan_load(lake.world, SALES, "rebuild")
    dump = next(dump for dump in task.dumps if dump.folder == first.name)
    then = next(
        dump_id
        for digests in ([f.sha256 for f in dump.files], [f.sha256 for f in reversed(dump.files)])
        if (dump_id := identity(dump.dump_date, digests)) != dump.dump_id
    )
    rows = lake.frame("bronze.sales").replace(dump.dump_id, then, "dump_id")
    old = task.next_progress().text().replace(str(task.source.position()["mark"]), "null")
    spark = lake.world.spark
    spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", old)
    spark.conf.set("spark.databricks.delta.write.txnAppId", "lakemill/bronze.sales")
    spark.conf.set("spark.databricks.delta.write.txnVersion", str(task.next_progress().run))
    try:
        spark.createDataFrame(rows.collect(), rows.schema).write.format("delta").mode("overwrite").save(
            lake.uri("bronze.sales")
        )
    finally:
        for key in ("commitInfo.userMetadata", "write.txnAppId", "write.txnVersion"):
            spark.conf.unset(f"spark.databricks.delta.{key}")
    deliver(landing / "2016-12-31-again", dict(reversed(two.items())), day="2016-12-31")
    assert lake.run(SALES).plan == "nothing"
    deliver(landing / "2017-01-02", {"sales.csv": (b"id,note\n5,e\n", 1)}, day="2017-01-02")
    assert lake.run(SALES).rows_out == 1
    assert lake.differences(SALES) == []
    assert lake.run(SALES, "rebuild").rows_out == 8
    assert then in loaded_dumps(lake.world.lake.table("bronze.sales"))
    assert lake.differences(SALES) == []


def test_what_did_not_arrive_is_told_and_the_load_is_taken_back(lake, landing):
    """Rows of a file that Spark gives twice, and those of another that it leaves out, are as many as they should be."""
    feed = landing.parent / "sales"
    deliver(feed / "2017-01-02", {"sales.csv": (GOOD.replace(b"1,a", b"8,h"), 3)}, day="2017-01-02")
    table = lake.world.lake.table("bronze.sales")
    for first in (True, False):
        task = plan_load(lake.world, SALES, "auto")
        known = [] if first else table.log().schema.names
        rows = task.source.rows(task.source.accepted(task.dumps[:1], known, lambda: None)[0])
        with pytest.raises(LakemillError, match=r"sales/2017-01-01/sales\.csv were to be loaded, and 6 arrived"):
            write(task, rows.unionAll(rows), Run("r", SALES.target))
        with pytest.raises(LakemillError, match="were to be loaded, and 0 arrived"):
            write(plan_load(lake.world, SALES, "auto"), rows.limit(0), Run("r", SALES.target))
        assert table.full(table.log().version).isEmpty()
        assert not isinstance(read_progress(table.log(), SALES.target), NoProgress)
    assert lake.run(SALES).rows_out == 6
    assert lake.differences(SALES) == []


def test_a_run_reads_new_manifests_and_no_row_of_before(lake, monkeypatch):
    """With hundreds of dumps known, a run reads the new ones' manifests, and of the table the files of their days.

    It is not asked which dumps it has: its commits tell that.
    """
    feed = Path(lake.world.landing, "sales")
    days = [f"2016-{n // 28 + 1:02}-{n % 28 + 1:02}" for n in range(200)]
    for n, day in enumerate(days):
        deliver(feed / day, {"sales.csv": (b"id,note\n%d,\n" % n, 1)}, day=day)
    lake.run(SALES)
    table = lake.world.lake.table("bronze.sales")
    rows = table.full(table.log().version).repartitionByRange(10, "dump_date")
    rows.write.format("delta").mode("overwrite").option("dataChange", "false").save(table.uri)  # as OPTIMIZE would
    mark = lake.progress("bronze.sales").positions[LANDING]["mark"]
    for n, (day, content) in enumerate((("2016-03-01", b"id,note\nlate,\n"), ("2017-01-01", b"id,note\nnew,\n"))):
        late = deliver(feed / f"late-{n}", {"sales.csv": (content, 1)}, day=day)
        os.utime(late / "manifest.json", (mark / 1000 + 5, mark / 1000 + 5))
    opened: list[str] = []
    read = Storage.content
    monkeypatch.setattr(Storage, "content", lambda self, uri, most=None: opened.append(uri) or read(self, uri, most))
    early = deliver(feed / "early", {"sales.csv": (b"id,note\nearly,\n", 1)}, day="2015-01-01")
    os.utime(early / "manifest.json", (mark / 1000 - 500, mark / 1000 - 500))  # by a clock that is behind
    deliver(feed / "again", {"sales.csv": (b"id,note\n0,\n", 1)}, day=days[0])
    monkeypatch.setattr(sys.modules[plan_load.__module__], "loaded_dumps", None)
    task = plan_load(lake.world, SALES, "auto")
    assert task.plan.kind == "update"
    assert sorted(path.rsplit("/", 2)[1] for path in opened) == ["again", "early", "late-0", "late-1"]
    assert sorted(dump.folder for dump in task.dumps) == ["early", "late-0", "late-1"]
    asked = table.full(table.log().version).where(of_days(dump for dump in task.dumps if dump.folder != "early"))
    assert len(table.full(table.log().version).inputFiles()) > 5
    assert len(asked.inputFiles()) == 1  # the file of March; that of the new day there is none
    assert lake.run(SALES).rows_out == 3


def test_what_is_delivered_again_is_looked_at_once(lake, landing, monkeypatch):
    """A commit without rows tells the next run of it, and the ledger nothing."""
    lake.run(SALES)
    deliver(landing / "2017-01-01-again", {"renamed.csv": (GOOD, 3)})
    assert (lake.run(SALES).plan, lake.log("bronze.sales").version) == ("nothing", 1)
    monkeypatch.setattr(Storage, "content", None)
    assert (lake.run(SALES).detail, lake.log("bronze.sales").version) == ("the landing is as it was", 1)
    (landing / "2017-01-01").rename(lake.root / "elsewhere")  # kept elsewhere
    for _ in range(2):
        assert (lake.run(SALES).plan, lake.log("bronze.sales").version) == ("nothing", 2)
    monkeypatch.undo()
    (lake.root / "elsewhere").rename(landing / "back")
    assert lake.run(SALES).plan == "nothing"
    assert ids(lake) == ["1", "2", "3"]
