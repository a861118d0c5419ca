"""Jobs share modules: found from each job file, read anew with each project, and told apart by what a job imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakemill.errors import UsageError
from lakemill.graph import load_job, load_jobs

ROOT = Path(__file__).resolve().parent.parent
JOB = """\
{future}from lakemill import Count, Job
{imports}


def rows(frame):
    return {value}


job = Job(source="raw.t", map=rows, key=[], reduce={{"n": Count()}}, target="gold.{name}")
"""


@pytest.fixture(autouse=True)
def left(monkeypatch):
    """Python's path and modules are as before: other tests load other projects."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "lib"))
    yield
    load_jobs(ROOT / "jobs")


def write(folder: Path, **files: str) -> Path:
    """A project's jobs; a__b is a/b.py."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/').replace('INIT', '__init__')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def job(name: str, imports: str = "", value: str = "frame", future: str = "") -> str:
    return JOB.format(name=name, imports=imports, value=value, future=future)


def test_modules_beside_jobs_are_found(tmp_path):
    """In packages with and without a file of their own, at the top, and with _ in a layer."""
    jobs = write(
        tmp_path / "jobs",
        shared__texts="from shared.deep.more import DEEP\nVALUE = 'texts'",
        shared__deep__INIT="TOP = 'deep'",
        shared__deep__more="from . import TOP\nfrom .beside import BESIDE\nDEEP = TOP + BESIDE",
        shared__deep__beside="BESIDE = '-beside'",
        rates="RATE = 'rates'",
        gold___own="OWN = 'own'",
        gold__x=job(
            "x",
            "import rates\nimport shared.texts as texts\nfrom gold._own import OWN\nfrom shared import deep",
            "(texts.VALUE, texts.DEEP, deep.TOP, rates.RATE, OWN)",
        ),
        gold__y=job("y", "from gold.x import rows as others", "others(frame)"),
    )
    found = load_jobs(jobs)
    assert sorted(found) == ["gold.x", "gold.y"]
    for made in found.values():
        assert made.map(None) == ("texts", "deep-beside", "deep", "rates", "own")


def test_postponed_annotations_and_dataclasses(tmp_path):
    text = (
        "from dataclasses import dataclass, field\nfrom typing import ClassVar, NamedTuple, get_type_hints\n\n"
        "@dataclass(frozen=True)\nclass Price:\n    amount: int\n    tags: list[str] = field(default_factory=list)\n"
        "    kind: ClassVar[str] = 'price'\n\nclass Pair(NamedTuple):\n    left: Price\n"
    )
    value = "(Price(3), Pair(Price(4)).left.amount, get_type_hints(Price)['amount'])"
    jobs = write(tmp_path / "jobs", gold__x=job("x", text, value, "from __future__ import annotations\n"))
    price, amount, hint = load_job(jobs / "gold" / "x.py").map(None)
    assert (price.amount, price.tags, amount, hint) == (3, [], 4, int)


def test_a_second_project_has_its_own_modules(tmp_path):
    """Of the same names, or without one that the first has."""
    for name in ("one", "two"):
        write(
            tmp_path / name,
            shared__texts=f"VALUE = {name!r}",
            gold__x=job("x", "from shared.texts import VALUE", "VALUE"),
        )
    write(tmp_path / "one", shared__more="")
    one, two = (load_jobs(tmp_path / name)["gold.x"] for name in ("one", "two"))
    assert (one.map(None), two.map(None)) == ("one", "two")
    write(tmp_path / "two", gold__y=job("y", "import shared.more"))
    with pytest.raises(UsageError, match=r"y\.py cannot be imported: ModuleNotFoundError: .*shared\.more"):
        load_jobs(tmp_path / "two")
    assert load_jobs(tmp_path / "one")["gold.x"].map(None) == "one"
    assert sum(place == str(tmp_path / "one") for place in sys.path) == 1
    assert str(tmp_path / "two") not in sys.path


def test_a_module_that_changed_is_read_anew(tmp_path):
    """At once: the new text is as long as the old one and of the same second."""
    jobs = write(tmp_path, shared__a="VALUE = 0", gold__x=job("x", "from shared.a import VALUE", "VALUE"))
    for number in range(1, 6):
        write(tmp_path, shared__a=f"VALUE = {number}")
        assert load_jobs(jobs)["gold.x"].map(None) == number
    assert load_jobs(jobs)["gold.x"] is load_job(jobs / "gold" / "x.py"), "nothing changed: it is the same module"


def test_a_job_knows_the_files_that_it_was_made_of(tmp_path):
    jobs = write(
        tmp_path,
        shared__a="from shared.deep import b",
        shared__deep__INIT="",
        shared__deep__b="from ..c import VALUE",
        shared__c="import json\nVALUE = json.dumps(1)",
        shared__lazy="",
        shared__unused="",
        gold__near=job("near", "from shared.a import b", "b.VALUE"),
        gold__far=job("far", "import shared.c", "shared.c.VALUE"),
        gold__late=job("late", "def late():\n    from shared import lazy\n    return lazy", "late()"),
        gold__alone=job("alone"),
    )
    found = {name: set(made.files) - {f"gold/{name[5:]}.py"} for name, made in load_jobs(jobs).items()}
    deep = {"shared/a.py", "shared/deep/__init__.py", "shared/deep/b.py", "shared/c.py"}
    assert found == {
        "gold.near": deep,
        "gold.far": {"shared/c.py"},
        "gold.late": {"shared/lazy.py"},
        "gold.alone": set(),
    }
    assert load_jobs(jobs)["gold.far"].files["shared/c.py"] == "import json\nVALUE = json.dumps(1)"


def test_a_job_keeps_its_files_when_another_project_is_loaded(tmp_path):
    jobs = write(tmp_path / "jobs", shared__a="V = 1", gold__x=job("x", "from shared.a import V", "V"))
    made = load_jobs(jobs)["gold.x"]
    write(jobs, shared__a="V = 2")
    load_jobs(ROOT / "jobs")
    assert made.files["shared/a.py"] == "V = 1"
    assert made.map(None) == 1


def test_workers_are_told_of_a_path_only_where_there_are_modules(tmp_path, monkeypatch):
    """Another environment means other workers; and what somebody else put there stays."""
    monkeypatch.setenv("PYTHONPATH", "/one:/two")
    alone = write(tmp_path / "alone", gold__x=job("x"))
    shares = write(tmp_path / "shares", gold__x=job("x"), shared__a="")
    seen = []
    for folder in (shares, alone, shares, shares):
        load_jobs(folder)
        seen.append((os.environ["PYTHONPATH"], os.environ.get("LAKEMILL_JOBS")))
    assert [path for path, _ in seen] == [f"{shares}:/one:/two", "/one:/two", *[f"{shares}:/one:/two"] * 2]
    assert seen[1][1] is None and seen[0] == seen[2] == seen[3]
    write(shares, shared__a="1")
    load_jobs(shares)
    assert os.environ["LAKEMILL_JOBS"] != seen[0][1]


def test_the_shops_maps_are_there_once():
    jobs = load_jobs(ROOT / "jobs")
    for what in ("products", "households"):
        newest, history = jobs[f"silver.{what}"], jobs[f"silver.{what}_history"]
        assert newest.map is history.map
        assert set(newest.files) == {f"shared/{what}.py", f"silver/{what}.py"}


REFUSED = {
    "a fault in a module": (
        {"shared__a": "\n\nVALUE = 1 // 0", "gold__x": job("x", "import shared.a")},
        r"gold/x\.py cannot be imported: ZeroDivisionError: .* \(shared/a\.py, line 3\)\. Mend the file",
    ),
    "a module that is no Python": (
        {"shared__a": "VALUE = (", "gold__x": job("x", "import shared.a")},
        r"gold/x\.py cannot be imported: SyntaxError: .*a\.py, line 1",
    ),
    "a file of a layer without a job": (
        {"silver__texts": "VALUE = 1"},
        r"silver/texts\.py has no job: .* Modules that jobs import lie in .*shared, or have a name that begins with _",
    ),
    "a job among what jobs share": (
        {"shared__x": job("x").replace("gold.x", "shared.x"), "gold__x": job("x")},
        r"shared/x\.py has a job, and shared is the folder of what jobs share",
    ),
    "a name of an installed module": (
        {"yaml": "", "gold__x": job("x")},
        r"yaml\.py would stand in the place of /.*yaml",
    ),
    "a name of Python's": ({"json__INIT": "", "gold__x": job("x")}, r'Python\'s own module "json"'),
    "a file with a name of Python's": ({"types": "", "gold__x": job("x")}, r'Python\'s own module "types"'),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(tmp_path, what):
    files, says = REFUSED[what]
    with pytest.raises(UsageError, match=says):
        load_jobs(write(tmp_path, **files))


def test_a_layer_may_have_a_name_of_pythons(tmp_path):
    """Nobody imports a layer; Python's module stays what it is."""
    text = job("x").replace("gold.x", "code.x")
    assert list(load_jobs(write(tmp_path, code__x=text))) == ["code.x"]
    import code

    assert code.InteractiveConsole


def test_editors_leave_files_that_are_no_jobs(tmp_path):
    write(tmp_path, gold__x=job("x"))
    for path in (".ipynb_checkpoints/x-checkpoint.py", "gold/.#x.py", "__pycache__/x.py", "_old/x.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("no Python")
    assert list(load_jobs(tmp_path)) == ["gold.x"]


@pytest.mark.parametrize("folder", ["jobs", "lakehouse/tables"])
def test_a_job_file_that_is_started_finds_them(tmp_path, folder):
    """`python jobs/gold/x.py`: up to `run`, which would start Spark."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.yaml").write_text("lake: lake\n" + (f"jobs: '{folder}'  # ours\n" * (folder != "jobs")))
    text = job("x", "from shared.a import VALUE", "frame") + '\nprint("found", VALUE)\n'
    write(tmp_path / folder, shared__a="VALUE = 7", gold__x=text)
    done = subprocess.run([sys.executable, str(tmp_path / folder / "gold" / "x.py")], capture_output=True, text=True)
    assert done.stdout == "found 7\n", done.stderr


def test_another_program_finds_nothing(tmp_path):
    """Of a Python that happens to lie in a project's folder, such as its own environment's."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.yaml").write_text("lake: lake\n")
    write(tmp_path / "lib", pyspark__daemon="import sys, lakemill\nprint(sys.path[1:])")
    program = tmp_path / "lib" / "pyspark" / "daemon.py"
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True)
    assert done.returncode == 0 and str(tmp_path) not in done.stdout
