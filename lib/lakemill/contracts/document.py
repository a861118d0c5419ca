"""A YAML file as plain values that know on which line they stand, and what is not as it should be in it.

YAML guesses: `no` is a boolean, 010 is eight, 2017-01-01 a date. Here a value is what it looks like, or an error that
says to put it in quotes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import yaml

from lakemill.errors import UsageError

Where = tuple[str | int, ...]
"""The way to a value: names of keys and numbers of items."""
Values = dict[str, Any]
"""Keys with their values."""
LARGEST_FILE = 1024 * 1024
"""Bytes."""
DEEPEST_VALUE = 40
LABELS = ("name", "property", "id")
"""Keys whose value is what people call an item by."""
CUSTOM = "customProperties"
SHOWN_PROBLEMS = 5
YAML = "tag:yaml.org,2002:"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Of the safe ones the one in C, where PyYAML was built with it: ten times as fast."""


@dataclass(frozen=True)
class Problem:
    """What is not as it should be at a place of a file."""

    file: str
    line: int
    where: Where
    what: str
    place: str = ""
    extra: bool = False
    """Whether there is something more than lakemill takes, and nothing wrong with the rest."""

    def __str__(self) -> str:
        """The problem as people read it."""
        return f"{self.file}, line {self.line}{self.place and f', {self.place}'}: {self.what}"


class ContractError(UsageError):
    """A contract is not one, or contradicts itself or others; all that was met is in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - SHOWN_PROBLEMS
        texts = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        super().__init__(" ".join([*texts, f"And {more} more." if more > 0 else ""]).strip())


@dataclass
class Document:
    """A file's values, the lines on which they stand, and the problems met so far."""

    file: str
    value: Any = None
    lines: dict[Where, int] = field(default_factory=lambda: {(): 1})
    problems: list[Problem] = field(default_factory=list)

    def note(self, where: Where, what: str, extra: bool = False) -> None:
        """Note a problem."""
        self.problems.append(Problem(self.file, self.line(where), where, what, extra=extra))

    def note_at(self, line: int, where: Where, what: str) -> None:
        """Note a problem on a line of its own."""
        self.problems.append(Problem(self.file, line, where, what))

    def line(self, where: Where) -> int:
        """The line of a place, or of the nearest one around it."""
        where = self.numbered(where)
        while where not in self.lines:
            where = where[:-1]
        return self.lines[where]

    def numbered(self, where: Where) -> Where:
        """A place with the numbers of items that it calls by their names."""
        steps, value = list[str | int](), self.value
        for step in where:
            if isinstance(value, list) and isinstance(step, str):
                step = next((at for at, item in enumerate(value) if _label(item, step) == step), len(value))
            steps.append(step)
            value = _within(value, step)
        return tuple(steps)

    def place(self, where: Where) -> str:
        """A place in words: items are called by their names."""
        words, value = "", self.value
        for step in self.numbered(where):
            value = _within(value, step)
            words += f"[{_label(value, step)}]" if isinstance(step, int) else f".{step}" if words else step
        return words

    def check(self) -> None:
        """Raises ContractError where there are problems, in the order of their lines."""
        if self.problems:
            raise ContractError(self.placed())

    def placed(self) -> list[Problem]:
        """The problems with their places in words, in the order of their lines."""
        placed = [replace(problem, place=problem.place or self.place(problem.where)) for problem in self.problems]
        return sorted(placed, key=lambda problem: problem.line)


def _label(item: Any, otherwise: str | int) -> Any:
    """What people call an item by."""
    return next((item[key] for key in LABELS if key in item), otherwise) if isinstance(item, dict) else None


def _within(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def document_of(content: bytes, file: str) -> Document:
    """A file's content as a document; raises ContractError where it is no YAML at all."""
    document = Document(file)
    if len(content) > LARGEST_FILE:
        document.note((), f"the file has {len(content)} bytes; a contract has at most {LARGEST_FILE}.")
        document.check()
    try:
        text = content.decode("utf-8-sig")
        node = _composed(text)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        _broken(document, line, f"byte {error.start} is not UTF-8, in which a contract is written.")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        _broken(document, mark.line + 1 if mark else 1, f"this is not YAML: {_reason(error)}.")
    else:
        document.value = _Values(document).value(node, ()) if node else None
    return document


def _broken(document: Document, line: int, what: str) -> None:
    document.lines[()] = line
    document.note((), what)
    document.check()


def _reason(error: yaml.YAMLError) -> str:
    return " ".join(str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).split())


def _composed(text: str) -> yaml.Node | None:
    """YAML's nodes, without what makes small files large: aliases, and values within values without end."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        mark: Any = event.start_mark
        if getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not taken", problem_mark=mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST_VALUE:
            raise yaml.MarkedYAMLError(problem="values lie too deep within others", problem_mark=mark)
    node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    return node


class _Values:
    """Nodes as plain values."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def value(self, node: yaml.Node, where: Where) -> Any:
        self.document.lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{YAML}map":
            return self._map(node, where)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{YAML}seq":
            return [self.value(item, (*where, at)) for at, item in enumerate(node.value)]
        return self._scalar(node, where)

    def _map(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if key.tag != f"{YAML}str":
                self.document.note_at(
                    line, where, f"{_source(key)} is no name of a key; put it in quotes if it is meant as one."
                )
            elif key.value in values:
                self.document.note_at(line, where, f'"{key.value}" is given twice; leave one of them out.')
            else:
                self.document.lines[(*where, key.value)] = line
                values[key.value] = self.value(item, (*where, key.value))
        return values

    def _scalar(self, node: yaml.Node, where: Where) -> Any:
        text = str(node.value)
        match node.tag.removeprefix(YAML):
            case "str":
                return text
            case "null":
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int" if re.fullmatch(r"[-+]?(0|[1-9][0-9]{0,37})", text):
                return int(text)
            case "float" if re.fullmatch(r"[-+]?[0-9]{1,38}\.[0-9]{0,38}([eE][-+][0-9]{1,2})?", text):
                return Decimal(text)
            case "bool" | "int" | "float" | "timestamp" as kind:
                self.document.note(where, f"YAML reads {text} as {_kind(kind)}; put it in quotes if it is a text.")
            case tag:
                self.document.note(where, f"values with the tag {tag} are not taken; write a plain one.")
        return text


def _kind(tag: str) -> str:
    return {"bool": "a boolean", "int": "an unusual number", "float": "an unusual number"}.get(tag, "a date")


def _source(key: yaml.Node) -> str:
    return str(key.value) if isinstance(key, yaml.ScalarNode) else "a list or a map"
