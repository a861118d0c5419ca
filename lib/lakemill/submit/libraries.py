"""Libraries that jobs import and that the zip has not: a cluster may have them, but whoever submits should know."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lakemill.conf import Conf
from lakemill.modules import imports, sources
from lakemill.submit.package import Artifact

ON_A_CLUSTER = frozenset({"pyspark", "py4j", *sys.stdlib_module_names, *sys.builtin_module_names})


def remarks(conf: Conf, artifact: Artifact, tables: Sequence[str]) -> Iterator[str]:
    """A sentence for each library that has to come from elsewhere, with the first table that needs it."""
    known, folder = ON_A_CLUSTER | artifact.tops, Path(conf.jobs).resolve()
    told = set[str]()
    for table in tables:
        texts = sources(folder, folder / f"{table.replace('.', '/')}.py")
        named = {module.split(".")[0] for name, text in texts.items() for module in imports(name, text)}
        for library in sorted(named - known - told):
            told.add(library)
            yield (
                f"{table} imports {library}, which the zip has not: the cluster has to have it, or "
                "spark.submit.pyFiles under spark names a zip of it on S3."
            )
