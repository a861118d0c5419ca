"""What fails for one table, or before any, is told in a sentence, and what is sound beside it is done."""

import subprocess
import sys
from pathlib import Path

import pytest

from lakemill.cli import cluster, ended
from lakemill.cli.several import of_tables
from lakemill.errors import DataRefused, Stopped


def length(name: str) -> int:
    if name == "gold.b":
        raise DataRefused("gold.b: a dump is damaged.")
    if name == "gold.c":
        raise KeyError("c")
    return len(name)


def test_a_table_that_fails_leaves_the_others_alone(capsys):
    assert of_tables(["gold.aa", "gold.b", "gold.c", "gold.dddd"], length) == ([7, 9], 3)
    told = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in told] == ["gold.b:", "gold.c:"]
    assert of_tables(["gold.aa"], length) == ([7], 0)
    assert of_tables([], length) == ([], 0)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [(DataRefused("the dump"), 3, "the dump"), (Stopped("stopped", 15), 143, "stopped"), (KeyError("x"), 1, "x")],
)
def test_a_command_ends_in_words_and_a_code(error, code, says, capsys):
    def fails() -> int:
        raise error

    assert ended(fails) == code
    told = capsys.readouterr().err
    assert told.startswith("lakemill: ") and says in told and "Traceback" not in told


def test_an_interrupt_within_exec_ends_with_a_code_too():
    """CPython would end by the signal itself; imports run such code."""
    line = "import sys; from lakemill.cli import ended; sys.exit(ended(lambda: exec('raise KeyboardInterrupt')))"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        130,
        "lakemill: stopped by Ctrl-C; what was under way is whole, or not there.\n",
    )


def test_on_a_cluster_too(monkeypatch, tmp_path, capsys):
    archive = Path(tmp_path, "lakemill.zip")
    archive.write_bytes(b"no zip")
    monkeypatch.setattr(cluster, "ARCHIVE", archive)
    assert cluster.main(["gold.a", "--env", "emr", "--policy", "auto", "--run-id", "r"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("lakemill: BadZipFile") and "Traceback" not in told
