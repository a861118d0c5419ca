"""The walk of an update: which of lakemill's files it enters, in what order, and how often it climbs back up.

    .venv/bin/python scripts/bench/walk.py [LIB]

A project of one table with a group and a counted reducer is made in a temporary folder and updated twice; the second
update is followed, on the main thread alone. LIB is the folder of another checkout's library, to compare with. A hop is
a call from one file into another; it climbs where the file called was entered before, earlier than the calling one.
"""

import sys
import tempfile
from pathlib import Path
from types import FrameType

LIB = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "lib").resolve()
JOB = """
from lakemill import Job, Max, Sum, run
job = Job(source="raw.sales", key=["shop"], reduce={"revenue": Sum("amount"), "largest": Max("amount")},
          target="gold.sales")
"""
CONF = """
lake: lake
tables: {raw.sales: sales}
spark:
  spark.master: local[2]
  spark.ui.enabled: false
  spark.ui.showConsoleProgress: false
  spark.sql.shuffle.partitions: 2
"""


class Walk:
    """The files entered, in their order, and the hops between them."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.hops = 0
        self.climbs = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Called by Python at every call of a function."""
        if event != "call" or frame.f_back is None:
            return
        entered, left = self._file(frame), self._file(frame.f_back)
        if entered is None or entered == left:
            return
        if entered in self.files and left is not None:
            self.climbs += self.files.index(entered) < self.files.index(left)
        elif entered not in self.files:
            self.files.append(entered)
        self.hops += 1

    @staticmethod
    def _file(frame: FrameType) -> str | None:
        path = Path(frame.f_code.co_filename)
        inside = path.is_relative_to(LIB) and not frame.f_code.co_name.startswith(("<", "__"))
        return path.relative_to(LIB / "lakemill").as_posix() if inside else None


def project(folder: Path) -> None:
    """A project of one job."""
    for name, text in {"conf/base.yaml": CONF, "jobs/gold/sales.py": JOB}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main() -> None:
    """Follow the second update, and print what it entered."""
    sys.path.insert(0, str(LIB))
    import importlib

    command = importlib.import_module("lakemill.cli")
    session = importlib.import_module("lakemill.lake.session")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder)
        spark = session.start_session({"spark.master": "local[2]", "spark.ui.enabled": "false"})

        def sold(amount: int) -> None:
            rows = spark.createDataFrame([("a", amount), ("b", 2)], "shop string, amount int")
            feed = {"delta.enableChangeDataFeed": "true"}
            rows.write.format("delta").mode("append").options(**feed).save(str(folder / "sales"))

        walk = Walk()
        for amount in (1, 2, 3):
            sold(amount)
            sys.setprofile(walk if amount == 3 else None)
            command.main(["run", "gold.sales"], folder)
            sys.setprofile(None)
    print("\n".join(walk.files))
    print(f"{len(walk.files)} files entered, {walk.hops} hops between files, {walk.climbs} of them back up")


if __name__ == "__main__":
    main()
