"""The zip: the same bytes for the same files, nothing of this machine in it, and all that a bare Python needs."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import py4j
import pyspark
import pytest

import lakemill
from lakemill.conf import load_conf
from lakemill.errors import UsageError
from lakemill.graph import load_jobs
from lakemill.submit import package as packages
from lakemill.submit.package import package


def made(project: Path) -> Path:
    return package(load_conf(project)).write(project / "dist")


def test_the_same_files_make_the_same_bytes(project, tmp_path):
    other = tmp_path / "elsewhere" / "checkout"
    shutil.copytree(project, other)
    for path in sorted(other.rglob("*"), reverse=True):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    assert made(project).read_bytes() == made(other).read_bytes()


def test_its_name_is_its_sha256(project):
    path = made(project)
    assert path.name == f"{hashlib.sha256(path.read_bytes()).hexdigest()}.zip"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_another_conf_or_job_makes_another(project):
    first = made(project)
    (project / "conf" / "emr.yaml").write_text("lake: s3://another/lake\n")
    second = made(project)
    (project / "jobs" / "gold" / "daily_sales.py").open("a").write("\n")
    assert len({first, second, made(project)}) == 3


def test_this_machines_conf_stays_here(project):
    """It is no cluster's business: it may hold a password, and would make another run of the same."""
    first = made(project)
    (project / "conf" / "local.yaml").write_text("spark: {spark.hadoop.fs.s3a.secret.key: hunter2}\n")
    assert made(project) == first and b"hunter2" not in first.read_bytes()


def test_it_holds_the_jobs_byte_for_byte_and_nothing_left_behind(project):
    (project / "jobs" / "gold" / "__pycache__").mkdir()
    (project / "jobs" / "gold" / "__pycache__" / "x.py").write_text("")
    (project / "conf" / ".backup.yaml").write_text("")
    with zipfile.ZipFile(made(project)) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        for path in (project / "jobs").glob("*/*.py"):
            assert archive.read(f"project/{path.relative_to(project)}") == path.read_bytes()
    assert not [name for name in names if "__pycache__" in name or "/." in name or name.endswith((".so", ".pyc"))]
    tops = {name.split("/")[0] for name in names}
    assert {"lakemill", "project", "yaml", "delta"} <= tops
    assert not tops & {"pyspark", "boto3", "rich", "tests"}


def test_workers_find_the_modules_of_the_jobs_at_its_top(project):
    """And what lies beside a job is in it, too, so that it changes the zip."""
    (project / "jobs" / "gold" / "kept.json").write_text("[1]")
    first = made(project)
    with zipfile.ZipFile(first) as archive:
        for name in ("shared/products.py", "silver/products.py", "gold/kept.json"):
            text = (project / "jobs" / name).read_bytes()
            assert archive.read(name) == archive.read(f"project/jobs/{name}") == text
    (project / "jobs" / "gold" / "kept.json").write_text("[2]")
    assert made(project) != first


def test_its_tables_are_those_of_the_jobs(project):
    for name in ("shared/deep/x.py", "gold/_near.py", "rates.py", "gold/deep/x.py"):
        (project / "jobs" / name).parent.mkdir(exist_ok=True)
        (project / "jobs" / name).write_text("")
    assert package(load_conf(project)).tables == set(load_jobs(project / "jobs"))


@pytest.mark.parametrize("name", ["yaml/x.py", "lakemill.py", "project/x.json", "delta.py"])
def test_a_name_that_something_else_has_is_refused(project, name):
    (project / "jobs" / name).parent.mkdir(exist_ok=True)
    (project / "jobs" / name).write_text("")
    with pytest.raises(UsageError, match=r"jobs/\w+ has the name of something else that is packaged"):
        made(project)


def test_a_bare_python_imports_all_of_it(project, tmp_path):
    """Without site-packages: the zip, pyspark and the standard library are all there is, as on a cluster."""
    bare = tmp_path / "bare"
    bare.mkdir()
    for each in (pyspark, py4j):
        (bare / each.__name__).symlink_to(Path(each.__file__).parent)
    names = sorted(
        ".".join(path.relative_to(Path(lakemill.__file__).parents[1]).with_suffix("").parts)
        for path in Path(lakemill.__file__).parent.rglob("*.py")
    )
    submitting = {f"lakemill.submit.{name}" for name in "aws requests limits checks emr serverless wait submit".split()}
    wanted = [name for name in names if name not in submitting and not name.endswith("__main__")]
    zipped = made(project)
    script = (
        f"import sys, importlib; sys.path[:0] = [{str(zipped)!r}, {str(bare)!r}]\n"
        f"for name in {wanted!r}: assert {str(zipped)!r} in importlib.import_module(name).__file__, name\n"
        "import yaml, delta, shared.products; from lakemill.cli.cluster import unpacked; from pathlib import Path\n"
        f"print(unpacked(Path({str(tmp_path)!r})))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    root = Path(done.stdout.strip())
    assert (root / "conf" / "emr.yaml").read_text() == (project / "conf" / "emr.yaml").read_text()
    assert (root / "jobs" / "gold" / "daily_sales.py").is_file()


def test_jobs_outside_of_the_project_are_refused(project, tmp_path):
    (tmp_path / "jobs").mkdir()
    (project / "conf" / "base.yaml").write_text(f"jobs: {tmp_path / 'jobs'}\n")
    with pytest.raises(UsageError, match="only what is in it can be packaged"):
        made(project)


def test_a_package_that_is_missing_is_named(project, monkeypatch):
    monkeypatch.setattr(packages, "DEPENDENCIES", ("no-such-package",))
    with pytest.raises(UsageError, match="pip install 'no-such-package'"):
        made(project)
