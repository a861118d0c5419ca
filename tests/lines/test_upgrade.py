"""A lake that one Spark, Delta and Python made is opened under another: adopted, verified and updated, never rebuilt.

`make test-lines` sets both lines up first; the second Python is any other one that is on the machine.
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

ROOT = Path(__file__).resolve().parents[2]
PURE = ("pyspark", "delta", "py4j", "yaml", "rich", "markdown_it", "mdurl", "pygments", "importlib_metadata", "zipp")
"""What lakemill needs to run: pure Python, so that any Python can take it from another one's folder."""
PYTHONS = ("python3.12", "python3.13", "python3.11")

pytestmark = pytest.mark.lines

JOBS = {
    "silver/sales.py": '''
from lakemill import Job, Latest, pure, run

@pure("string")
def town(address):
    """The last word of an address."""
    return (address or "").rsplit(",", 1)[-1].strip() or None

def lines(sales):
    """Sold lines."""
    return sales.select("id", "shop", "amount", "version", town("address").alias("town"))

job = Job(source="raw.sales", map=lines, key=["id"], reduce=Latest(by=["version"]), target="silver.sales")

if __name__ == "__main__":
    run(job)
''',
    "gold/towns.py": """
from lakemill import Count, CountDistinct, Job, Max, Sum, run
from pyspark.sql import functions as F
from shared.rates import RATE

def sold(sales):
    # every line, at the rate
    return sales.select("town", "shop", (F.col("amount") * RATE).alias("amount"))

job = Job(source="silver.sales", map=sold, key=["town"], target="gold.towns", reduce={
    "lines": Count(), "total": Sum("amount"), "most": Max("amount"), "shops": CountDistinct("shop")})

if __name__ == "__main__":
    run(job)
""",
    "gold/ranked.py": """
from lakemill import Job, PerKey, run
from pyspark.sql import Window, functions as F

def ranked(rows):
    by_amount = Window.partitionBy("shop").orderBy(F.desc("amount"), "id")
    return rows.select("shop", "id", "amount", F.row_number().over(by_amount).alias("place"))

job = Job(source="silver.sales", map=lambda s: s.select("shop", "id", "amount"), key=["shop"],
          reduce=PerKey(ranked), target="gold.ranked")

if __name__ == "__main__":
    run(job)
""",
    "shared/rates.py": "RATE = 2\n",
}
CONF = """
spark:
  spark.master: local[2]
  spark.driver.memory: 1g
  spark.ui.enabled: false
  spark.ui.showConsoleProgress: false
  spark.sql.shuffle.partitions: 2
  spark.databricks.delta.snapshotPartitions: 1
"""
Sale = tuple[int, str, int, int, str | None]


@dataclass(frozen=True)
class Line:
    """What runs lakemill. packages: a folder of packages besides its own."""

    name: str
    python: Path
    packages: Path | None = None

    def lakemill(self, project: Path, *arguments: str) -> list[dict[str, Any]]:
        """What a command prints as JSON; an error of the command fails the test in its own words."""
        path = [str(ROOT / "lib"), *([str(self.packages)] if self.packages else [])]
        own = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK_", "SPARK_", "LAKEMILL_"))
        }
        done = subprocess.run(
            [str(self.python), "-m", "lakemill", *arguments, "--json"],
            cwd=project, env={**own, "PYTHONPATH": os.pathsep.join(path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{self.name}: {' '.join(arguments)}: {done.stderr[-3000:]}{done.stdout[-1000:]}"
        return json.loads(done.stdout)

    def run(self, project: Path, *policy: str) -> dict[str, tuple[str, str]]:
        """The plan and reason of each table."""
        return {row["table"]: (row["plan"], row["reason"]) for row in self.lakemill(project, "run", *policy)}


@pytest.fixture(scope="module")
def line_a() -> Line:
    return Line("line A", ROOT / ".venv" / "bin" / "python")


@pytest.fixture(scope="module")
def line_b() -> Line:
    python = ROOT / ".venv-b" / "bin" / "python"
    assert python.exists(), "line B is not set up: `make test-lines` does it, or python scripts/setup.py --line B"
    return Line("line B", python)


@pytest.fixture(scope="module")
def other_python(line_a: Line, tmp_path_factory: pytest.TempPathFactory) -> Line:
    """Another Python with the packages of line A."""
    site = subprocess.run(
        [str(line_a.python), "-c", "import yaml; print(yaml.__path__[0])"], capture_output=True, text=True, check=True
    )
    folder = tmp_path_factory.mktemp("packages")
    for name in PURE:
        place = Path(site.stdout.strip()).parent / name
        if place.exists():
            (folder / name).symlink_to(place)
    ours = _version(str(line_a.python))
    for name in PYTHONS:
        for python in (shutil.which(name), *map(str, sorted(Path.home().glob(f".pyenv/versions/*/bin/{name}")))):
            if python and _version(python) not in ("", ours):
                return Line(f"Python {_version(python)}", Path(python), folder)
    pytest.fail("no second Python is here: install python3.12 or 3.13")


def _version(python: str) -> str:
    """As 3.12; empty where it does not run: version managers leave stand-ins for versions not in use."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


class Shop:
    """A project whose raw table no Spark writes, and what its gold tables have to hold, by plain Python."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sales = folder, list[Sale]()
        for name, text in JOBS.items():
            (folder / "jobs" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "jobs" / name).write_text(text)
        (folder / "conf").mkdir()
        (folder / "conf" / "base.yaml").write_text("lake: lake\nlanding: landing\njobs: jobs\n")
        (folder / "conf" / "local.yaml").write_text(CONF)

    def deliver(self, *sales: Sale) -> None:
        columns = [pa.int64(), pa.string(), pa.int64(), pa.int64(), pa.string()]
        names = ["id", "shop", "amount", "version", "address"]
        data = {n: pa.array(list(v), t) for n, t, v in zip(names, columns, zip(*sales, strict=True), strict=True)}
        feed = {"delta.enableChangeDataFeed": "true"}
        write_deltalake(str(self.folder / "lake/raw/sales"), pa.table(data), mode="append", configuration=feed)
        self.sales += sales

    def withdraw(self, id: int) -> None:
        DeltaTable(str(self.folder / "lake/raw/sales")).delete(f"id = {id}")
        self.sales = [sale for sale in self.sales if sale[0] != id]

    def rows(self, table: str, *names: str) -> list[tuple]:
        """A table as deltalake reads it."""
        read = DeltaTable(str(self.folder / "lake" / table.replace(".", "/"))).to_pyarrow_table(columns=list(names))
        return sorted((tuple(row[name] for name in names) for row in read.to_pylist()), key=repr)

    def check(self) -> None:
        newest: dict[int, Sale] = {}
        for sale in self.sales:
            newest[sale[0]] = max(sale, newest.get(sale[0], sale), key=lambda s: s[3])
        kept = [
            (id, shop, amount, (at or "").rsplit(",", 1)[-1].strip() or None)
            for id, shop, amount, _, at in newest.values()
        ]
        towns = [
            (town, len(of), 2 * sum(s[2] for s in of), 2 * max(s[2] for s in of), len({s[1] for s in of}))
            for town in {s[3] for s in kept} if (of := [s for s in kept if s[3] == town])
        ]  # fmt: skip
        assert self.rows("gold.towns", "town", "lines", "total", "most", "shops") == sorted(towns, key=repr)
        places, ranked = Counter[str](), []
        for id, shop, amount, _ in sorted(kept, key=lambda s: (-s[2], s[0])):
            places[shop] += 1
            ranked.append((shop, id, amount, places[shop]))
        assert self.rows("gold.ranked", "shop", "id", "amount", "place") == sorted(ranked, key=repr)


@pytest.mark.parametrize("to", ["line_b", "other_python"])
def test_a_lake_is_carried_on_there_and_back(to, line_a, tmp_path, request):
    later, shop = request.getfixturevalue(to), Shop(tmp_path)
    shop.deliver(*[(i, "abc"[i % 3], i * 7 % 11, 1, ["Hill 1, Ulm", "Bonn", None][i % 3]) for i in range(30)])
    assert set(line_a.run(tmp_path).values()) == {("rebuild", "FIRST_RUN")}
    shop.deliver((3, "b", 99, 2, "New 5, Bonn"), (77, "d", 5, 1, "Hall"))
    carried_on = later.run(tmp_path, "--policy", "update")
    # Where both print a plan alike, nothing has to be adopted; the Python function is another one for each.
    assert set(carried_on.values()) <= {("update", "UPDATE"), ("update", "ADOPTED")}, carried_on
    adopted = {table for table, (_, reason) in carried_on.items() if reason == "ADOPTED"}
    assert adopted
    shop.check()
    assert {table for table, reason in shop.rows("ops.runs", "target", "reason") if reason == "ADOPTED"} == adopted
    assert set(later.run(tmp_path).values()) == {("nothing", "NOTHING_NEW")}
    later.lakemill(tmp_path, "verify")
    shop.withdraw(5)
    assert set(later.run(tmp_path, "--policy", "update").values()) == {("update", "UPDATE")}
    shop.check()
    shop.deliver((78, "d", 6, 1, "Hall"))
    back = line_a.run(tmp_path, "--policy", "update")
    assert {table for table, plan in back.items() if plan == ("update", "ADOPTED")} == adopted
    shop.check()
    line_a.lakemill(tmp_path, "verify")


def test_a_job_that_changed_with_the_upgrade_is_rebuilt_and_says_so(line_a, line_b, tmp_path):
    shop = Shop(tmp_path)
    shop.deliver((1, "a", 2, 1, "Ulm"), (2, "b", 3, 1, "Bonn"))
    line_a.run(tmp_path)
    towns, shared = tmp_path / "jobs/gold/towns.py", tmp_path / "jobs/shared/rates.py"
    shared.write_text("RATE = 3\n")
    (explained,) = line_b.lakemill(tmp_path, "explain", "gold.towns")
    assert (explained["plan"], explained["reason"]) == ("rebuild", "DEFINITION_CHANGED")
    assert "made under Spark 4.0" in explained["detail"] and "its files say something else" in explained["detail"]
    assert {plan for plan, _ in line_b.run(tmp_path, "silver.sales", "gold.ranked").values()} == {"nothing"}
    shared.write_text('"""Rates."""\n\nRATE = (2)  # as ever\n')
    towns.write_text(towns.read_text().replace("# every line, at the rate", "# all that was sold"))
    assert line_b.run(tmp_path, "gold.towns")["gold.towns"][0] == "nothing"
    shop.check()
