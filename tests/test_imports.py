"""Imports point one way, and each room keeps its own: Delta in lake/, boto3 in submit/, one getOrCreate."""

import ast
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parent.parent / "lib" / "lakemill"
# Each may import those before it. A package's own modules are one room.
ORDER = [
    "version", "errors", "signals", "modules", "columns", "python", "reducers", "job", "conf", "graph", "contracts",
    "quality", "core", "maps", "trials", "lake", "sources", "observe", "world", "kinds", "proof", "refresh", "verify",
    "schedule", "runner",
    "submit", "init", "cli", "start", "__main__",
]  # fmt: skip
FILES = sorted(LIB.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(LIB).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIB)))
def test_imports_point_one_way(path):
    own = room(path)
    if own == "__init__":
        return
    assert own in ORDER, f"{own} has no place in the order of imports"
    late = {name for name in imported(path) if name.startswith("lakemill.") and name.split(".")[1] in ORDER}
    allowed = ORDER[: ORDER.index(own) + 1]
    wrong = {name for name in late if name.split(".")[1] not in allowed}
    assert not wrong, f"{own} imports {wrong}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIB)))
def test_each_room_keeps_its_own(path):
    text, names = path.read_text(), imported(path)
    assert room(path) == "lake" or not any(name.split(".")[0] == "delta" for name in names)
    assert room(path) == "submit" or not any(name.split(".")[0] in ("boto3", "botocore") for name in names)
    assert path.name == "session.py" or "getOrCreate" not in text
    assert "yaml.load(" not in text or "_StrictLoader" in text
    assert not {"pickle", "cloudpickle", "pandas", "pyarrow", "numpy"} & {name.split(".")[0] for name in names}
