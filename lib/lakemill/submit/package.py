"""One zip with all that a run needs and the cluster has not: lakemill, the project's jobs and conf, pure Python.

Its name is its sha256, and the same files give the same bytes on every machine: names are sorted, times and rights
are constants, and nothing is compressed, because compressors differ.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import lakemill
from lakemill.conf import Conf
from lakemill.errors import UsageError

# A cluster has pyspark; rich is for terminals, which it has not.
DEPENDENCIES = ("PyYAML", "delta-spark")
PROJECT = "project"
"""The folder in the zip that holds the project: jobs/ and conf/."""
DIST = "dist"
"""The project's folder of what it has packaged."""
STAYS = "local.yaml"
"""The conf of this machine, which no cluster reads."""
FIRST_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Artifact:
    """What a run is made of: the zip's bytes and their sha256, and the names of the jobs' files in it."""

    content: bytes
    sha256: str
    jobs: frozenset[str]

    def write(self, folder: Path) -> Path:
        """The zip as a file in `folder`, named by its sha256."""
        path = folder / f"{self.sha256}.zip"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(self.content)
            part.replace(path)
        return path


def package(conf: Conf) -> Artifact:
    """The project's zip; raises UsageError where something that it needs cannot be had."""
    files = dict(sorted([*_library(), *_dependencies(), *_project(conf)]))
    content = _zipped(files)
    jobs = f"{PROJECT}/{_below(conf).as_posix()}/"
    names = frozenset(name.removeprefix(jobs) for name in files if name.startswith(jobs))
    return Artifact(content, hashlib.sha256(content).hexdigest(), names)


def _zipped(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, FIRST_TIME)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _library() -> Iterator[tuple[str, Path]]:
    """lakemill itself."""
    home = Path(lakemill.__file__).parent
    for path in _plain(home, "*"):
        if path.suffix in (".py", ".txt", ".typed"):
            yield f"lakemill/{path.relative_to(home).as_posix()}", path


def _dependencies() -> Iterator[tuple[str, Path]]:
    """Python files of other packages; what they have compiled is for this machine only and stays here."""
    for name in DEPENDENCIES:
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            raise UsageError(f"The package {name} is not installed: pip install '{name}', then run again.") from None
        sources = [file for file in files if file.suffix == ".py" and ".." not in file.parts]
        if not sources:
            raise UsageError(f"The package {name} has no Python files here; install it anew, not as editable.")
        for file in sources:
            yield file.as_posix(), Path(str(file.locate()))


def _project(conf: Conf) -> Iterator[tuple[str, Path]]:
    """The project's conf and jobs, where they are in its folder."""
    confs = [path for path in _plain(conf.root / "conf", "*.yaml") if path != conf.root / "conf" / STAYS]
    for path in (*confs, *_plain(conf.root / _below(conf), "*.py")):
        yield f"{PROJECT}/{path.relative_to(conf.root).as_posix()}", path


def _below(conf: Conf) -> Path:
    """The jobs' folder as it is below the project's."""
    try:
        return Path(conf.jobs).relative_to(conf.root)
    except ValueError:
        raise UsageError(
            f"conf: the jobs are in {conf.jobs}, outside of the project's folder {conf.root}; "
            "only what is in it can be packaged. Move them there."
        ) from None


def _plain(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder, without those that programs leave there."""

    def left_behind(path: Path) -> bool:
        return any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)

    return [path for path in folder.rglob(pattern) if path.is_file() and not left_behind(path)]
