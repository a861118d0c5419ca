"""One word, one meaning: a name that several modules define is read as the same thing everywhere."""

import ast
from collections import defaultdict
from pathlib import Path

LIB = Path(__file__).resolve().parent.parent / "lib" / "lakemill"
ALLOWED = {
    "__all__": "Python's own",
    "main": "the entry of each command line",
    "arguments": "what each command takes: one file a command, read by cli",
    "does": "what each command does: one file a command, read by cli",
    "SHOWN": "how much of something each place shows to people",
    "LONGEST": "how long a text is at most that each place shows, or a wait",
    "AT_ONCE": "how many requests for files go out at the same time",
    "OVER": "the states in which a service calls a run over, in the words of each service",
}
"""Names that stand in several modules with one meaning, which each module fills in."""
TWINS = {"ENDING", "KEYS", "Project", "TAG", "WAITS", "digest", "in_words", "missing", "run"}
"""Names that still have two meanings. There are to be fewer: one that is renamed goes from here, none is added."""
SAY_NOTHING = {"found", "said", "one", "its", "wrong"}
"""Names that tell of a thing only that it is there. What it is makes a name: rows, state, column, error."""


def defined(path: Path) -> set[str]:
    """The public functions, classes and constants of a module. A name with an underscore is the module's own."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return {name for name in names if not name.startswith("_") or name == "__all__"}


def test_no_name_is_given_a_second_meaning():
    modules = defaultdict(list)
    for path in sorted(LIB.rglob("*.py")):
        for name in defined(path):
            modules[name].append(str(path.relative_to(LIB)))
    several = {name: where for name, where in modules.items() if len(where) > 1}
    assert {name: where for name, where in several.items() if name not in ALLOWED.keys() | TWINS} == {}
    gone = sorted((ALLOWED.keys() | TWINS) - several.keys())
    assert not gone, f"these stand in one module by now and need no place in the lists: {gone}"


def given_names(node: ast.AST) -> set[str]:
    """The names that a piece of code gives by itself: to a value, a parameter, an error, a function or a class."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return {node.id}
    if isinstance(node, ast.arg):
        return {node.arg}
    if isinstance(node, ast.ExceptHandler | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name or ""}
    return set()


def test_names_say_what_the_thing_is():
    nothing_said = []
    for path in sorted(LIB.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for name in given_names(node) & SAY_NOTHING:
                nothing_said.append(f"{path.relative_to(LIB)}:{node.lineno} {name}")
    assert nothing_said == []


def test_a_name_that_says_nothing_is_met_wherever_it_is_given():
    code = """
found = 1
def wrong(said, *, its): pass
for one, (other, its) in []: pass
[said for said in []]
class Row:
    one: int
try: pass
except ValueError as wrong: pass
(lambda one: one) if (found := 1) else None
row.found, Found = found, one
"""
    given = [name for node in ast.walk(ast.parse(code)) for name in given_names(node) & SAY_NOTHING]
    assert sorted(given) == ["found", "found", "its", "its", "one", "one", "one", "said", "said", "wrong", "wrong"]
