"""The project that a command is about: its conf and its jobs, each read once, and its lake."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakemill.conf import Conf, find_root, load_conf
from lakemill.graph import load_jobs, ordered
from lakemill.job import Job
from lakemill.quality.doors import guarded_jobs

if TYPE_CHECKING:
    from lakemill.lake.sparkless import FileLake
    from lakemill.world import World


@dataclass(frozen=True)
class Project:
    """A project's conf and its jobs by target."""

    conf: Conf
    jobs: dict[str, Job]

    def files(self) -> "FileLake":
        """The project's lake as its files tell it, without Spark."""
        from lakemill.lake.sparkless import NO_SPARK, FileLake

        return FileLake(NO_SPARK, self.conf.lake, self.conf.tables)

    def lake(self) -> "World":
        """Spark, started, and the project's lake in it."""
        from lakemill.runner import open_world  # a command that asks the files alone starts no Spark

        return open_world(self.conf)


def project_at(start: Path, environment: str = "local", contracts: bool = True) -> Project:
    """The project at or above a folder; raises UsageError where its files do not fit together.

    contracts: whether its tables are held to their contracts, which have to be sound then.
    """
    conf = load_conf(find_root(start), environment)
    jobs = guarded_jobs(conf) if contracts else load_jobs(Path(conf.jobs))
    ordered(jobs)
    return Project(conf, jobs)
