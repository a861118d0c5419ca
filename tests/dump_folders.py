"""Dumps as a team delivers them, for tests: folders of files with a manifest."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def entry(name: str, content: bytes, rows: int) -> dict[str, Any]:
    """A file as a manifest lists it."""
    return {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "rows": rows}


def deliver(folder: Path, files: Mapping[str, tuple[bytes, int]], day: str = "2017-01-01") -> Path:
    """A complete dump: its files (content and number of rows, by name), and then its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    entries = [entry(name, content, rows) for name, (content, rows) in files.items()]
    manifest = {"feed": folder.parent.name, "dump_date": day, "files": entries}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
