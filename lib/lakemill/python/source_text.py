"""What a job's files say, as a digest that no comment, layout or version of Python changes."""

import ast
import hashlib
import json
from collections.abc import Mapping
from typing import Any

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
UNSAID = {"ctx", "kind", "type_comment", "type_ignores"}
"""Fields of Python's syntax tree that say nothing which the others do not."""


def source_digest(files: Mapping[str, str]) -> str:
    """A digest of Python files, by name; empty where there are none.

    Python prints its own syntax trees differently from version to version, so they are read node by node, and fields
    that a version does not have or leaves empty count as not there.
    """
    if not files:
        return ""
    meaning = {name: _meaning(ast.parse(text)) for name, text in sorted(files.items())}
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:32]


def _meaning(node: Any) -> Any:
    if isinstance(node, list):
        return [_meaning(part) for part in node]
    if not isinstance(node, ast.AST):
        return f"{type(node).__name__} {node!r}"
    fields = {name: value for name, value in ast.iter_fields(node) if name not in UNSAID and value not in (None, [])}
    if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = fields["body"][1:]
    if isinstance(node, ast.Constant):
        fields.setdefault("value", None)
    return {"": type(node).__name__} | {name: _meaning(value) for name, value in fields.items()}
