"""`import lakemill` starts nothing: Python workers do it, and the command line before it hears signals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import lakemill

ABSENT = (
    "delta", "yaml", "rich", "boto3", "numpy", "pandas", "pyarrow", "pyspark", "lakemill.runner", "lakemill.cli",
    "lakemill.lake", "lakemill.refresh", "lakemill.world", "lakemill.conf", "lakemill.graph",
)  # fmt: skip
ABSENT_IN_JOBS = ("delta", "yaml", "rich", "boto3", "pandas", "pyarrow", *ABSENT[8:])
ROUNDS = 3


def imported(code: str) -> tuple[float, set[str]]:
    """The least seconds that the code took in a new process, of some, and the modules that it loaded."""
    script = f"import json, sys, time; t = time.perf_counter(); {code}; t = time.perf_counter() - t\n"
    script += "print(json.dumps([t, sorted(sys.modules)]))"
    environment = {**os.environ, "PYTHONPATH": str(Path(lakemill.__file__).parents[1])}
    command = [sys.executable, "-c", script]
    runs = [subprocess.run(command, capture_output=True, check=True, env=environment) for _ in range(ROUNDS)]
    results = [json.loads(run.stdout) for run in runs]
    return min(seconds for seconds, _ in results), set(results[0][1])


def test_the_package_alone_loads_neither_spark_nor_anything_that_runs():
    seconds, modules = imported("import lakemill")
    assert modules.isdisjoint(ABSENT)
    assert seconds < 0.3


def test_a_job_file_loads_spark_and_nothing_that_runs():
    seconds, modules = imported("from lakemill import Count, Dump, Fold, Job, Latest, PerKey, pure, run")
    assert modules.isdisjoint(ABSENT_IN_JOBS)
    assert seconds < 2  # nearly all of it Spark's


def test_the_command_line_hears_signals_before_spark_is_loaded():
    _, modules = imported("import lakemill.cli")
    assert "lakemill.signals" in modules
    assert modules.isdisjoint({*ABSENT} - {"lakemill.cli"})


def test_each_public_name_is_lakemills_own():
    for name in lakemill.__all__:
        value = getattr(lakemill, name)
        assert name == "__version__" or value.__module__.startswith("lakemill."), name
