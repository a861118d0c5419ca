"""What a cluster runs: the jobs and the conf of the zip. `submit/cluster.py`, which lies beside the zip, starts it."""

import argparse
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import lakemill
from lakemill.cli import ended
from lakemill.cli.run import show_runs
from lakemill.conf import load_conf
from lakemill.quality.doors import guarded_jobs
from lakemill.runner import open_world, run_tables
from lakemill.submit.package import PROJECT

ARCHIVE = Path(lakemill.__file__).parents[1]
"""The zip that lakemill was imported from."""


def main(arguments: list[str]) -> int:
    """Run the tables; the command's exit code."""
    parser = argparse.ArgumentParser(prog="lakemill on a cluster")
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--env", required=True)
    parser.add_argument("--policy", required=True)
    parser.add_argument("--run-id", required=True)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lakemill-") as folder:
        return ended(lambda: run(asked, unpacked(Path(folder))))


def unpacked(folder: Path) -> Path:
    """The project, taken out of the zip: Python reads jobs from files."""
    with zipfile.ZipFile(ARCHIVE) as files:
        files.extractall(folder, [name for name in files.namelist() if name.startswith(f"{PROJECT}/")])
    return folder / PROJECT


def run(asked: argparse.Namespace, root: Path) -> int:
    """Run the tables of the project; the command's exit code."""
    print(f"lakemill: run {asked.run_id}: {', '.join(asked.tables)}", flush=True)
    conf = load_conf(root, asked.env)
    # Spark's own were given to spark-submit: paths of jars, for one, are others inside of a run.
    own = {key: value for key, value in conf.spark.items() if not key.startswith("spark.")}
    world = open_world(replace(conf, spark=own))
    # The folder is on this machine alone; workers have the zip, with the same modules at its top.
    return show_runs(run_tables(world, guarded_jobs(conf, workers=ARCHIVE), asked.tables, asked.policy))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
