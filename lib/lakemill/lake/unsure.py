"""What is said where something cannot be told without Spark: then Spark is asked."""

from lakemill.errors import LakemillError


class Unsure(LakemillError):
    """What was asked cannot be told for certain without Spark."""
