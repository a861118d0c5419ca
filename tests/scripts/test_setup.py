"""The parts of set-up that can go wrong quietly."""

import http.client
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "scripts" / "setup.py"
spec = importlib.util.spec_from_file_location("lakemill_setup", PATH)
setup = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look for their module there
spec.loader.exec_module(setup)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_392"', 8),
        ("no java", None),
    ],
)
def test_java_version(said, version):
    assert setup.java_version(said) == version


def test_a_jar_that_is_not_the_pinned_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "_download", lambda url: b"something else")
    with pytest.raises(setup.SetupError, match=r"x-1.jar: its sha256 is"):
        setup.fetch_jar("a/x-1.jar", "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_jar_that_is_there_is_not_fetched_again(tmp_path, monkeypatch):
    (tmp_path / "x-1.jar").write_bytes(b"jar")
    monkeypatch.setattr(setup, "_download", lambda url: pytest.fail("fetched"))
    setup.fetch_jar("a/x-1.jar", setup.sha256(tmp_path / "x-1.jar"), tmp_path)


def test_without_root_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    with pytest.raises(setup.SetupError, match="openjdk-17"):
        setup.install_java()


def test_the_defaults_name_this_python():
    said = dict(line.split(" ", 1) for line in setup.defaults(Path("/x/python")).splitlines())
    assert said["spark.pyspark.python"] == said["spark.pyspark.driver.python"] == "/x/python"
    assert "UTC" in said["spark.driver.extraJavaOptions"]


def java_home(folder, version):
    """A folder whose bin/java says that it is this version."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return folder


def test_a_java_that_spark_does_not_run_on_is_passed_over(monkeypatch, tmp_path):
    old, new = java_home(tmp_path / "a", "1.8.0_392"), java_home(tmp_path / "b", "25")
    fit = java_home(tmp_path / "c", "17.0.1")
    monkeypatch.setattr(setup, "java_homes", lambda: [old, new, tmp_path / "gone", fit])
    assert setup.find_java() == fit


def test_a_java_too_new_is_named_with_its_place(monkeypatch, tmp_path):
    home = java_home(tmp_path / "new", "25.0.1")
    monkeypatch.setattr(setup, "java_homes", lambda: [home])
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    with pytest.raises(setup.SetupError, match=f"not Java 25 at {home}"):
        setup.install_java()


def test_a_wrong_jar_is_not_left_where_spark_reads_it(tmp_path, monkeypatch):
    (tmp_path / "x-1.jar").write_bytes(b"an older wrong jar")
    monkeypatch.setattr(setup, "_download", lambda url: b"wrong again")
    with pytest.raises(setup.SetupError):
        setup.fetch_jar("a/x-1.jar", "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


class Answer:
    """What a server sends: a body, or an error on the way."""

    def __init__(self, body):
        self.body = body

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def read(self):
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


def test_a_download_cut_short_is_tried_again(monkeypatch):
    bodies = iter([http.client.IncompleteRead(b"half"), ConnectionResetError(), b"jar"])
    monkeypatch.setattr(setup.urllib.request, "urlopen", lambda url, timeout: Answer(next(bodies)))
    monkeypatch.setattr(setup.time, "sleep", lambda seconds: None)
    assert setup._download("https://example.org/x.jar") == b"jar"


def test_the_java_that_was_checked_is_the_one_that_runs(monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyspark").mkdir()
    setup.configure(setup.Line(tmp_path), tmp_path / "pyspark", Path("/opt/java"))
    assert 'export JAVA_HOME="/opt/java"' in (tmp_path / "pyspark" / "conf" / "spark-env.sh").read_text()


def test_without_a_python_new_enough_it_says_which_is_needed(monkeypatch):
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(setup.SetupError, match=r"Python 3\.11 or newer is needed"):
        setup.use_new_python()


def test_the_lines_differ_in_what_delta_asks_for_alone():
    pinned = {name: set(setup._pinned(line).splitlines()) for name, line in setup.LINES.items()}
    assert {"pyspark==4.0.2", "delta-spark==4.0.1"} <= pinned["A"]
    assert {pin.split("==")[0] for pin in pinned["A"] ^ pinned["B"]} == set(setup.LINES["B"].packages)
    assert pinned["A"] == {pin for pin in (ROOT / "constraints.txt").read_text().splitlines() if "==" in pin}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for line in setup.LINES.values() for digest in line.jars.values())


def test_what_makes_the_stand_in_of_a_cluster_finds_what_it_takes_from_the_set_up():
    import cluster

    assert cluster.LINES["A"].python.parts[-3:] == (".venv", "bin", "python")
