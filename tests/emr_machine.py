"""What EMR does with a step or a job run, on build/cluster: fetches its files from S3 and runs plain spark-submit.

As there, the program lies in a folder of its own and Python knows pyspark, the --py-files and nothing else; Delta is
4.0.0 and on the class path only if the cluster was made with it or the run names its jars; s3:// is S3A.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import boto3

CLUSTER = Path(__file__).resolve().parents[1] / "build" / "cluster"
SPARKS_OWN = re.compile(r"\d\d/\d\d/\d\d ")
EMR_DELTA = "/usr/share/aws/delta/lib"
JARS = {
    f"{EMR_DELTA}/delta-spark.jar": CLUSTER / "delta" / "delta-spark_2.13-4.0.0.jar",
    f"{EMR_DELTA}/delta-storage.jar": CLUSTER / "delta" / "delta-storage-4.0.0.jar",
}


@dataclass(frozen=True)
class Machine:
    """A machine whose S3 is at `s3_url`; each run gets a folder below `root`."""

    root: Path
    s3_url: str

    def step(self, step: dict[str, Any], with_delta: bool = True) -> str | None:
        """A step; why it failed, or None."""
        assert step["HadoopJarStep"]["Jar"] == "command-runner.jar"
        command, *words = step["HadoopJarStep"]["Args"]
        assert command == "spark-submit" and words[:2] == ["--deploy-mode", "cluster"]
        return self._spark_submit(words[2:], {"spark.jars": ",".join(JARS)} if with_delta else {})

    def job_run(self, run: dict[str, Any]) -> str | None:
        """A job run of EMR Serverless; why it failed, or None."""
        driver = run["jobDriver"]["sparkSubmit"]
        (defaults,) = run["configurationOverrides"]["applicationConfiguration"]
        assert defaults["classification"] == "spark-defaults"
        words = [*driver["sparkSubmitParameters"].split(" "), driver["entryPoint"], *driver["entryPointArguments"]]
        return self._spark_submit(words, defaults["properties"])

    def _spark_submit(self, words: list[str], defaults: dict[str, str]) -> str | None:
        folder = self.root / f"run-{len(list(self.root.glob('run-*')))}"
        (folder / "conf").mkdir(parents=True)
        words = [str(self._fetched(word, folder)) if word.startswith("s3://") else word for word in words]
        settings = {**defaults, **self._own()}
        if "spark.jars" in settings:
            settings["spark.jars"] = ",".join(str(JARS[jar]) for jar in settings["spark.jars"].split(","))
        lines = (f"{key} {value}\n" for key, value in settings.items())
        (folder / "conf" / "spark-defaults.conf").write_text("".join(lines))
        (site,) = CLUSTER.glob("lib/python3*/site-packages")
        python = str(CLUSTER / "bin" / "python")
        java = {"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "SPARK_HOME": str(site / "pyspark"),
            "SPARK_CONF_DIR": str(folder / "conf"),
            "PYSPARK_PYTHON": python,
            "PYSPARK_DRIVER_PYTHON": python,
        }
        done = subprocess.run(
            [str(site / "pyspark" / "bin" / "spark-submit"), *words],
            cwd=folder,
            env=java | environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=900,
        )
        (folder / "stdout").write_text(done.stdout)
        (folder / "stderr").write_text(done.stderr)
        # Spark puts what the program writes to stderr among its stdout.
        said = [line for line in (done.stderr + done.stdout).splitlines() if not SPARKS_OWN.match(line)]
        return f"exit {done.returncode}: {' '.join(said)[-1000:]}" if done.returncode else None

    def _fetched(self, uri: str, folder: Path) -> Path:
        """A file of S3, as YARN lays it into a container."""
        place = urlparse(uri)
        path = folder / Path(place.path).name
        boto3.client("s3", region_name="eu-central-1").download_file(place.netloc, place.path[1:], str(path))
        return path

    def _own(self) -> dict[str, str]:
        """What a cluster of AWS's knows by itself: who it is, where S3 is; and what makes this one small."""
        return {
            "spark.master": "local[2]",
            "spark.ui.enabled": "false",
            "spark.driver.memory": "2g",
            # A run of a minute never earns back what the JVM's second compiler costs.
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
            "spark.hadoop.fs.s3a.endpoint": self.s3_url,
            "spark.hadoop.fs.s3a.endpoint.region": "eu-central-1",
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
            "spark.hadoop.fs.s3a.access.key": "key",
            "spark.hadoop.fs.s3a.secret.key": "none",
        }
