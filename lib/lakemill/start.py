"""Starting a job from its own file, which is how spark-submit runs it; nothing else of lakemill is loaded before."""

import inspect
import sys
from pathlib import Path

from lakemill.job import Job


def run(job: Job) -> None:
    """What a job file ends with: `spark-submit jobs/gold/daily_sales.py` does what `lakemill run` does for it.

    The project is the one that the job's file lies in; the command's options may follow the file's name.
    """
    from lakemill.cli import main

    file = getattr(sys.modules["__main__"], "__file__", None) or inspect.getfile(job.map or Job)
    code = main(["run", job.target, *sys.argv[1:]], start=Path(file).resolve().parent)
    if code:
        sys.exit(code)
