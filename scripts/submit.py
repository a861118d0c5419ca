"""`scripts/submit.py jobs/gold/daily_sales.py --env emr`: what `lakemill run gold.daily_sales --env emr` does."""

import sys
from pathlib import Path

from lakemill.cli import main
from lakemill.conf import find_root, load_conf
from lakemill.errors import LakemillError
from lakemill.graph import file_table


def command(arguments: list[str]) -> int:
    """Submit a job file; the command's exit code."""
    if not arguments or arguments[0].startswith("-"):
        print("usage: submit.py jobs/LAYER/NAME.py --env emr|emr-serverless [--dry-run]", file=sys.stderr)
        return 2
    file = Path(arguments[0])
    try:
        folder = find_root(file.resolve().parent)
        table = file_table(file, Path(load_conf(folder).jobs))
    except LakemillError as error:
        print(f"submit: {error}", file=sys.stderr)
        return error.exit_code
    return main(["run", table, *arguments[1:]], start=folder)


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
