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
