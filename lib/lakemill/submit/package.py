"""One zip with all that a run needs and the cluster has not: lakemill, the project's jobs and conf, pure Python.

The project is in it twice. A run takes conf and jobs out of `project/` and reads them as files; Python workers find
the modules of the jobs at the top of the zip, which Spark puts on their path.

Its name is its sha256, and the same files give the same bytes on every machine: names are sorted, times and rights
are constants, and nothing is compressed, because compressors differ.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

import lakemill
from lakemill.conf import Conf
from lakemill.errors import UsageError
from lakemill.modules import plain_files, table_of

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
    """What a run is made of: the zip's bytes and their sha256, and the tables whose jobs are in it.

    tops: what can be imported from it.
    """

    content: bytes
    sha256: str
    tables: frozenset[str]
    tops: frozenset[str]

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
    jobs = conf.root / _below(conf)
    modules = {path.relative_to(jobs).as_posix(): path for path in plain_files(jobs, "*")}
    files = dict([*_library(), *_dependencies(), *_project(conf)])
    _check_tops(jobs, _tops(modules), _tops(files))
    content = _zipped({**files, **modules})
    tables = (table_of(PurePosixPath(name)) for name in modules)
    sha256, tops = hashlib.sha256(content).hexdigest(), _tops([*files, *modules])
    return Artifact(content, sha256, frozenset(name for name in tables if name), tops)


def _tops(names: Iterable[str]) -> frozenset[str]:
    """What Python would call the top of each path."""
    return frozenset(name.split("/")[0].removesuffix(".py") for name in names)


def _check_tops(jobs: Path, modules: frozenset[str], files: frozenset[str]) -> None:
    """Raise UsageError where a file among the jobs would lie over what a run is made of."""
    twice = modules & files
    if twice:
        raise UsageError(
            f"{jobs / min(twice)} has the name of something else that is packaged: {min(twice)}. Give it another one."
        )


def _zipped(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted([*_folders(files), *files]):
            entry = zipfile.ZipInfo(name, FIRST_TIME)
            entry.create_system, entry.external_attr = 3, (0o40755 if entry.is_dir() else 0o100644) << 16
            archive.writestr(entry, b"" if entry.is_dir() else files[name].read_bytes())
    return buffer.getvalue()


def _folders(files: Iterable[str]) -> set[str]:
    """The folders of all files. Python imports from one without an __init__.py only if the zip lists it (zipimport)."""
    return {f"{folder}/" for name in files for folder in PurePosixPath(name).parents if folder.name}


def _library() -> Iterator[tuple[str, Path]]:
    """lakemill itself."""
    home = Path(lakemill.__file__).parent
    for path in plain_files(home, "*"):
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
    """The project's conf and jobs, and what lies beside them, where they are in its folder."""
    confs = [path for path in plain_files(conf.root / "conf", "*.yaml") if path != conf.root / "conf" / STAYS]
    for path in (*confs, *plain_files(conf.root / _below(conf), "*")):
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
