"""lakemill package: the zip that a cluster runs."""

import argparse
from pathlib import Path

from lakemill.cli.show import show
from lakemill.conf import find_root, load_conf
from lakemill.submit.package import DIST, package


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def does(asked: argparse.Namespace, start: Path) -> int:
    """Write the zip, named by its sha256."""
    conf = load_conf(find_root(start))
    made = package(conf)
    show([{"sha256": made.sha256, "zip": str(made.write(conf.root / DIST)), "bytes": len(made.content)}], asked.json)
    return 0
