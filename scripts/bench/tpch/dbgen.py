"""TPC-H's eight tables, as tpchgen-cli makes them: Parquet files, made once for each scale.

The generator is a package that nothing else needs: it is installed when it is first asked for, at the version that
constraints.txt pins, into a folder of its own below build/.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GENERATOR = "tpchgen-cli"
TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")


def generated(scale: float, folder: Path) -> Path:
    """The folder that holds <table>.parquet of each table at this scale (1: about 1 GB as text)."""
    place = folder / f"scale-{scale:g}"
    done = place / ".done"
    if not done.exists():
        command = [str(generator(folder)), "parquet", "--scale-factor", f"{scale:g}", "--output-dir", str(place)]
        subprocess.run([*command, "--overwrite", "--quiet"], check=True)
        done.touch()
    return place


def generator(folder: Path) -> Path:
    """The generator's command, installed if it is not there."""
    place = folder / f"{GENERATOR}-{pinned_version()}"
    command = place / "bin" / GENERATOR
    if not command.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), "--target", str(place), GENERATOR], check=True)
    return command


def pinned_version() -> str:
    """The version that constraints.txt pins."""
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    return pins[GENERATOR]
