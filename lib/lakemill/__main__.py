"""`python -m lakemill` is `lakemill`."""

from lakemill.cli import command

command()
