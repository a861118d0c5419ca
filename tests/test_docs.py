"""What the README and the pages of docs/ say is held to the code: links, files, commands, reasons, reducers, the graph.

None of it needs Spark; that their code runs is tested in test_readme.py.
"""

import ast
import re
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
from pages import PAGES, ROOT, blocks, commands, names_of, prose

import lakemill
from lakemill import Dump, Reducer
from lakemill.cli import main
from lakemill.conf import Conf, load_conf
from lakemill.errors import LakemillError
from lakemill.graph import load_jobs

LIB = ROOT / "lib" / "lakemill"
SPARKS_OWN = ("lake/surroundings.py", "lake/failures.py", "refresh/refusal.py")
"""The modules that know some of Spark's own words for errors, which no run has as its reason."""
QUESTIONS = sorted(page for page in PAGES if page not in ("README.md", "docs/README.md", "docs/ARCHITECTURE.md"))


def _help(capsys, *command: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    told = capsys.readouterr()
    assert ended.value.code == 0, told.err
    return told.out


def _anchors(page: str) -> set[str]:
    """The headings of a page as GitHub's links name them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / file).resolve() if file else ROOT / page
        assert target.is_file(), link
        if anchor:
            assert anchor in _anchors(target.relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_are_there(page):
    named = re.findall(r"`((?:scripts|tests|lib|jobs|conf|docs|\.ci)/[\w./-]*)`", prose(page))
    named += re.findall(r"(?:scripts|tests|lib)/[\w/]+\.py", prose(page))
    for path in named:
        # Capitals stand for a name of the reader's.
        assert re.search("[A-Z]{3}", path.removesuffix(".md")) or (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_their_options_exist(page, capsys):
    for command in commands(page):
        words = command.split()
        if words[0] in ("COMMAND", "--help"):
            continue
        told = _help(capsys, words[0])
        for option in re.findall(r"(?<!\S)(--[a-z-]+)", command):
            assert option in told, f"lakemill {command}"


@pytest.mark.parametrize("page", PAGES)
def test_choices_of_options_exist(page, capsys):
    """A policy or an environment that there is not is refused before --help is."""
    for command in commands(page):
        chosen = re.findall(r"(--(?:policy|env)) ([a-z-]+)", command)
        for option, value in chosen:
            _help(capsys, command.split()[0], option, value)


def test_every_command_and_option_is_told(capsys):
    page = PAGES["docs/commands.md"]
    names = re.findall(r"^    ([a-z]+) ", _help(capsys), re.M)
    assert {"run", "verify", "init"} <= set(names)
    for name in names:
        assert f"`lakemill {name}" in page
        told = "\n".join(command for command in commands("docs/commands.md") if command.split()[0] == name)
        for option in set(re.findall(r"--[a-z-]+", _help(capsys, name))) - {"--help", "--json"}:
            assert option in told, f"docs/commands.md does not tell of `lakemill {name} {option}`"


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page):
    for target in re.findall(r"(?:`|^    )make ([a-z0-9-]+)", PAGES[page], re.M):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M), target


def test_the_picture_is_the_shops_graph():
    (picture,) = re.findall(r"```mermaid\nflowchart LR\n(.*?)```", PAGES["README.md"], re.S)
    drawn = set()
    for line in picture.splitlines():
        groups = [re.findall(r"[\w.]+(?=\[|\s|$)", re.sub(r"\[/.*?/\]", "", group)) for group in line.split("-->")]
        for sources, targets in pairwise(groups):
            drawn |= {(source, target) for source in sources for target in targets}
    jobs = load_jobs(ROOT / "jobs")
    read = {(source, name) for name, job in jobs.items() for source in job.sources}
    fed = {(job.source.feed, name) for name, job in jobs.items() if isinstance(job.source, Dump)}
    assert drawn == read | fed


def test_the_shops_tables_are_told():
    """`bronze.sales`, `.products` are bronze.sales and bronze.products."""
    told, layer = set(), ""
    for first, name in re.findall(
        r"`([a-z]*)\.(\w+)`", PAGES["docs/shop.md"].split("## The tables")[1].split("\n## ")[0]
    ):
        layer = first or layer
        told.add(f"{layer}.{name}")
    assert told == set(load_jobs(ROOT / "jobs"))


def _constants(*rooms: str) -> set[str]:
    """The texts in capitals in these rooms of the library."""
    files = [file for room in rooms for file in (LIB / room).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch("[A-Z]+(_[A-Z]+)*", text)}


def test_every_reason_is_told():
    table = re.findall(r"^\| (?:nothing|update|rebuild|nothing or update), (.+?) \|", PAGES["docs/reasons.md"], re.M)
    told = {reason for cell in table for reason in re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", cell)}
    known = _constants("refresh", "kinds", "lake", "sources")
    assert told <= known
    sparks_own = set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", "".join((LIB / path).read_text() for path in SPARKS_OWN)))
    reasons = {text for text in known - sparks_own if "_" in text and not text.startswith("PYSPARK_")}
    assert {reason for reason in reasons if reason not in PAGES["docs/reasons.md"]} == set()


@pytest.mark.parametrize("page", QUESTIONS)
def test_every_reason_that_a_page_names_is_one(page):
    bare = re.sub("`[^`]*`", "", prose(page))
    for reason in re.findall(r"\b(?:[A-Z]+_)+[A-Z]+\b", bare):
        assert reason in PAGES["docs/reasons.md"]


def test_every_reducer_is_told():
    public = {name: getattr(lakemill, name) for name in lakemill.__all__}
    reducers = {n for n, v in public.items() if isinstance(v, type) and issubclass(v, Reducer) and v is not Reducer}
    table = "".join(re.findall(r"^\|.*\|$", PAGES["docs/reducers.md"], re.M))
    assert {name for name in reducers | {"Latest", "PerKey"} if not re.search(rf"`{name}\b", table)} == set()


def test_the_index_has_every_page_by_its_question():
    listed = {file: text for text, file in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", PAGES["docs/README.md"])}
    for page in QUESTIONS:
        title = PAGES[page].splitlines()[0].removeprefix("# ")
        assert title.endswith("?")
        assert listed[Path(page).name] == title


@pytest.mark.parametrize("page", QUESTIONS)
def test_a_page_opens_with_its_answer(page):
    _, blank, answer, *_ = PAGES[page].splitlines()
    assert not blank
    assert re.match(r"[A-Z`]", answer)


def test_every_exit_code_is_told():
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGES["docs/errors.md"], re.M)}
    kinds = [LakemillError, *LakemillError.__subclasses__()]
    assert codes >= {0, *(kind.exit_code for kind in kinds)}


def test_every_setting_is_told():
    settings = re.findall(r"^\| `(\w+)` \|", PAGES["docs/configuration.md"], re.M)
    assert set(settings) == {field.name for field in fields(Conf)} - {"root"}


@pytest.mark.parametrize("settings", re.findall(r"^```yaml\n(.*?)^```", PAGES["docs/configuration.md"], re.S | re.M))
def test_settings_that_are_shown_can_be_read(settings, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.yaml").write_text(settings)
    assert load_conf(tmp_path).tables["gold.daily_sales"] == "glue:shop.daily_sales"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_code_can_be_pasted_into_a_file(page):
    assert names_of(page)


def test_the_readme_is_one_screenful():
    assert len(PAGES["README.md"].splitlines()) <= 90


ARCHITECTURE = "docs/ARCHITECTURE.md"
PLACES = re.findall(r"`((?:[\w.]+/)*[\w.]+(?:\.py|/))(?::([\w.]+))?`", PAGES[ARCHITECTURE])


def _place(path: str) -> Path:
    return ROOT / path if path.startswith(("jobs/", "tests/", "scripts/", "lib/")) else LIB / path


def _defined(tree: ast.AST, name: str) -> ast.AST | None:
    """The function or class of this name in a module's or a class's body."""
    nodes = (node for node in ast.iter_child_nodes(tree) if getattr(node, "name", None) == name)
    return next(nodes, None)


@pytest.mark.parametrize(("path", "name"), sorted(set(PLACES)))
def test_the_places_of_the_architecture_exist(path, name):
    assert _place(path).exists()
    node: ast.AST | None = ast.parse(_place(path).read_text()) if name else None
    for part in name.split(".") if name else ():
        node = _defined(node, part) if node else None
        assert node, f"{path} defines no {name}"


def test_the_architecture_has_every_room_in_the_order_of_imports():
    table = PAGES[ARCHITECTURE].split("## The rooms")[1].split("\n## ")[0]
    firsts = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = [name.rstrip("/").removesuffix(".py") for first in firsts for name in re.findall(r"`([^`]+)`", first)]
    here = {
        path.name.removesuffix(".py")
        for path in LIB.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert set(told) == here - {"__init__"}
    order = _import_order()
    rank = [min(order.index(name) for name in re.findall(r"`(\w+)(?:/|\.py)`", first)) for first in firsts]
    assert rank == sorted(rank)


def _import_order() -> list[str]:
    tree = ast.parse((ROOT / "tests" / "test_imports.py").read_text())
    values = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "ORDER"]
    return ast.literal_eval(values[0])


def test_the_bottom_of_the_core_is_read_in_forty_minutes():
    """At thirty lines a minute."""
    steps = re.findall(r"^\d\. (.*)$", PAGES[ARCHITECTURE].split("## The order to read in")[1], re.M)
    files = [path for step in steps for path in re.findall(r"`([\w./]+\.py)`", step)]
    assert "core/mapreduce.py" in files
    assert sum(len(_place(path).read_text().splitlines()) for path in files) <= 40 * 30 + 100
