"""The README and the pages of docs/, as the tests that hold them to the code read them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}


def blocks(page: str) -> list[str]:
    """The Python code of a page, block by block."""
    return re.findall(r"^```python\n(.*?)^```", PAGES[page], re.S | re.M)


def names_of(page: str) -> dict:
    """What the code of a page defines, as if a reader pasted all of it into one file."""
    names: dict = {"__name__": "page"}
    for block in blocks(page):
        exec(compile(block, page, "exec"), names)
    return names


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", PAGES[page], flags=re.S | re.M)


def commands(page: str) -> list[str]:
    """What follows `lakemill` wherever a page shows a command, in a line of its own or within the text."""
    text = prose(page)
    lines = re.findall(r"^    (?:\.venv/bin/)?lakemill (.+)$", text, re.M)
    within = re.findall(r"`(?:\.venv/bin/)?lakemill ([^`]+)`", text)
    return lines + within
