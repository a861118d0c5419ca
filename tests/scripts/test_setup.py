"""The parts of set-up that can go wrong quietly."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "scripts" / "setup.py"
spec = importlib.util.spec_from_file_location("lakemill_setup", PATH)
setup = importlib.util.module_from_spec(spec)
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
