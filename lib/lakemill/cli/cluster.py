"""What a cluster runs: the jobs and the conf of the zip.

This file is in the zip, and is uploaded beside it too: a run begins with it.
"""

import argparse
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run the tables; the command's exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036  (a cluster may have an older one)
        print(f"lakemill: Python 3.11 or newer is needed; this cluster has {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    from lakemill.errors import LakemillError

    parser = argparse.ArgumentParser(prog="lakemill on a cluster")
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--env", required=True)
    parser.add_argument("--policy", required=True)
    parser.add_argument("--run-id", required=True)
    asked = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="lakemill-") as folder:
            return run(asked, unpacked(Path(folder)))
    except LakemillError as error:
        print(f"lakemill: {error}", file=sys.stderr)
        return error.exit_code


def unpacked(folder: Path) -> Path:
    """The project, taken out of the zip that lakemill was imported from: Python reads jobs from files."""
    import lakemill
    from lakemill.submit.package import PROJECT

    archive = Path(lakemill.__file__).parents[1]
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder, [name for name in files.namelist() if name.startswith(f"{PROJECT}/")])
    return folder / PROJECT


def run(asked: argparse.Namespace, root: Path) -> int:
    """Run the tables of the project; the command's exit code."""
    import lakemill
    from lakemill.cli.run import show_runs
    from lakemill.conf import load_conf
    from lakemill.graph import load_jobs
    from lakemill.runner import open_world, run_tables

    print(f"lakemill: run {asked.run_id}: {', '.join(asked.tables)}", flush=True)
    conf, archive = load_conf(root, asked.env), Path(lakemill.__file__).parents[1]
    # Spark's own were given to spark-submit: paths of jars, for one, are others inside of a run.
    own = {key: value for key, value in conf.spark.items() if not key.startswith("spark.")}
    world = open_world(replace(conf, spark=own))
    # The folder is on this machine alone; workers have the zip, with the same modules at its top.
    return show_runs(run_tables(world, load_jobs(Path(conf.jobs), workers=archive), asked.tables, asked.policy))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
