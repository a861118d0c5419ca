"""Set-up: everything that lakemill's main job and tests need, on a machine that has Python and little else.

A virtual environment with pinned packages, Java, Delta's jars where plain spark-submit finds them, and the settings
that must be known before the JVM starts. Safe to repeat; uses the standard library only. `--line B` makes .venv-b, with
the newer Spark and Delta that the tests are run on, too.
"""

from __future__ import annotations  # so that an older Python gets far enough to be told that it is too old

import argparse
import hashlib
import http.client
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PYTHONS = ("python3.11", "python3.12", "python3.13")
JAVA_VERSIONS = (17, 21)
MAVEN = os.environ.get("LAKEMILL_MAVEN", "https://repo1.maven.org/maven2").rstrip("/")


@dataclass(frozen=True)
class Line:
    """A line of Spark and Delta.   venv: its environment.   packages: the versions that it has for its own.

    jars: the paths of Delta's jars in Maven Central, with their sha256. The antlr4-runtime that Delta needs is among
    Spark's own jars.
    """

    venv: Path
    packages: dict[str, str] = field(default_factory=dict)
    jars: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.venv / "bin" / "python"


LINES = {
    "A": Line(
        HERE / ".venv",
        {"pyspark": "4.0.2", "delta-spark": "4.0.1"},
        {
            "io/delta/delta-spark_2.13/4.0.1/delta-spark_2.13-4.0.1.jar": (
                "a1e76860b19fe1e6b205a4ea7a9099a2f9575d39bb71d49b3e679b299d0efb91"
            ),
            "io/delta/delta-storage/4.0.1/delta-storage-4.0.1.jar": (
                "ecc42c5aaa51c423312d9e4e48aa4a12b34740bf2c37de0e8f279277ec3d12e4"
            ),
        },
    ),
    "B": Line(
        HERE / ".venv-b",
        {"pyspark": "4.1.1", "delta-spark": "4.2.0", "importlib_metadata": "8.7.1"},  # Delta 4.2.0 takes no newer one
        {
            "io/delta/delta-spark_4.1_2.13/4.2.0/delta-spark_4.1_2.13-4.2.0.jar": (
                "8480050a55c7e50427f3bec3af9243f98fc7cbfa453a2ef55e6ea8d0b7b121ff"
            ),
            "io/delta/delta-storage/4.2.0/delta-storage-4.2.0.jar": (
                "2d84df76551f2b3cd27b120abec67ccbba324cea6ec45eb659edcc54234f99f3"
            ),
        },
    ),
}
LOGGING = """\
# Errors only: a run says itself what it did.
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
"""


class SetupError(Exception):
    """What is missing and what to install."""


def main() -> int:
    """Do what is missing; 1 and one paragraph where it cannot be done."""
    parser = argparse.ArgumentParser(description="Install what lakemill needs.")
    parser.add_argument("--line", choices=sorted(LINES), default="A", help="of Spark and Delta; A is the project's own")
    line = LINES[parser.parse_args().line]
    try:
        use_new_python()
        say(f"Python packages into {line.venv.name} (some minutes the first time)")
        make_venv(line)
        java = find_java() or install_java()
        say(f"Java {_version_of(java)} at {java}")
        pyspark = Path(output([str(line.python), "-c", "import pyspark; print(pyspark.__path__[0])"]))
        for path, digest in line.jars.items():
            fetch_jar(path, digest, pyspark / "jars")
        configure(line, pyspark, java)
    except SetupError as wrong:
        print(f"setup: {wrong}", file=sys.stderr)
        return 1
    say("ready")
    return 0


def say(what: str) -> None:
    """One short line of progress."""
    print(f"setup: {what}", flush=True)


def output(command: list[str]) -> str:
    """What a command prints; raises SetupError where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SetupError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout.strip()


def use_new_python() -> None:
    """Start again under a Python that is new enough, where this one is not; raises SetupError where there is none."""
    if sys.version_info >= (3, 11):  # noqa: UP036  (an older one must be told)
        return
    for found in filter(None, map(shutil.which, PYTHONS)):
        # Running it tells more than finding it: version managers leave stand-ins for versions not in use.
        if subprocess.run([found, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0:
            os.execv(found, [found, *sys.argv])
    raise SetupError(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Install it, then run again.")


def make_venv(line: Line) -> None:
    """The line's environment, with every extra at the pinned versions."""
    # pip comes last: an environment without it was interrupted.
    complete = line.python.exists() and (line.venv / "bin" / "pip").exists()
    if not complete and not _venv_made(line.venv):
        apt_install("python3-venv", "the module venv (on Debian: apt-get install python3-venv)")
        if not _venv_made(line.venv):
            raise SetupError(
                "python3 -m venv fails even with python3-venv installed; try another Python 3.11 or newer."
            )
    constraints = line.venv / "constraints.txt"
    constraints.write_text(_pinned(line))
    pip = [str(line.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(constraints)]
    output([*pip, "setuptools", "wheel"])
    output([*pip, "--no-build-isolation", "pyspark", "delta-spark", "-e", f"{HERE}[demo,test,emr]"])


def _pinned(line: Line) -> str:
    """constraints.txt with the line's own versions."""
    pins = dict(pin.split("==") for pin in (HERE / "constraints.txt").read_text().splitlines() if "==" in pin)
    return "".join(f"{name}=={version}\n" for name, version in {**pins, **line.packages}.items())


def _venv_made(venv: Path) -> bool:
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], capture_output=True, check=False)
    if done.returncode:
        shutil.rmtree(venv, ignore_errors=True)
    return done.returncode == 0


def java_version(said: str) -> int | None:
    """The major version in what `java -version` prints: 17 of "17.0.15", 8 of "1.8.0_392"."""
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found.group(1)) if found else None


def java_homes() -> list[Path]:
    """Where a Java may be, first choice first: JAVA_HOME, the one on PATH, those under /usr/lib/jvm."""
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    on_path = shutil.which("java")
    if on_path:
        homes.append(Path(on_path).resolve().parent.parent)
    return homes + sorted(Path("/usr/lib/jvm").glob("*"))


def find_java() -> Path | None:
    """The home of a Java that Spark 4 runs on."""
    return next((home for home in java_homes() if _version_of(home) in JAVA_VERSIONS), None)


def java_needed(found: dict[Path, int]) -> str:
    """Which Java is needed, how to get it, and which there are that Spark 4 does not run on."""
    needed = "Java 17 or 21 (on Debian: apt-get install openjdk-17-jre-headless)"
    others = ", ".join(f"Java {version} at {home}" for home, version in found.items())
    return f"{needed}, not {others}," if others else needed


def _version_of(home: Path) -> int | None:
    java = home / "bin" / "java"
    if not java.exists():
        return None
    return java_version(subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr)


def install_java() -> Path:
    """Java 17 from Debian's packages."""
    versions = {home: _version_of(home) for home in java_homes()}
    apt_install("openjdk-17-jre-headless", java_needed({home: found for home, found in versions.items() if found}))
    found = find_java()
    if not found:
        raise SetupError("openjdk-17-jre-headless was installed, but no Java 17 or 21 is found under /usr/lib/jvm.")
    return found


def apt_install(package: str, needed: str) -> None:
    """A Debian package, when this user may; else raises SetupError with what is needed."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SetupError(f"{needed} is needed and was not found. Install it, then run again.")
    say(f"apt-get install {package}")
    output(["apt-get", "update", "-qq"])
    output(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", package])


def fetch_jar(path: str, digest: str, folder: Path) -> None:
    """Download a jar once, from Maven Central; raises SetupError where it is not the one that was pinned."""
    target = folder / path.rsplit("/", 1)[-1]
    if target.exists() and sha256(target) == digest:
        return
    target.unlink(missing_ok=True)
    say(f"{target.name} from Maven Central")
    part = target.with_suffix(".part")
    try:
        part.write_bytes(_download(f"{MAVEN}/{path}"))
        if sha256(part) != digest:
            raise SetupError(
                f"{target.name}: its sha256 is {sha256(part)}, {digest} was expected. It was not installed."
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _download(url: str, tries: int = 4) -> bytes:
    for attempt in range(tries):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return bytes(answer.read())
        except (http.client.HTTPException, OSError) as wrong:
            if attempt == tries - 1:
                raise SetupError(f"{url} cannot be read: {wrong}. Check the network, then run again.") from None
            time.sleep(2**attempt)
    raise AssertionError("unreachable")


def sha256(path: Path) -> str:
    """A file's digest."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def configure(line: Line, pyspark: Path, java: Path) -> None:
    """What must be known before the JVM starts, for spark-submit and for sessions started by python alike."""
    conf = pyspark / "conf"
    conf.mkdir(exist_ok=True)
    (conf / "spark-defaults.conf").write_text(defaults(line.python))
    (conf / "log4j2.properties").write_text(LOGGING)
    # Over a JAVA_HOME of the day too: this one was checked, and a Java too new fails in words that name no Java.
    (conf / "spark-env.sh").write_text(f'if [ -x "{java}/bin/java" ]; then export JAVA_HOME="{java}"; fi\n')
    # pip's own asks the first python3 on PATH, which need not have pyspark.
    (line.venv / "bin" / "find_spark_home.py").write_text(f'"""Where Spark is."""\n\nprint({str(pyspark)!r})\n')


def defaults(python: Path) -> str:
    """spark-defaults.conf: this environment's Python, UTC, a driver that fits a laptop, no web page."""
    settings = {
        "spark.pyspark.python": str(python),
        "spark.pyspark.driver.python": str(python),
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.driver.memory": "3g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    return "".join(f"{key} {value}\n" for key, value in settings.items())


if __name__ == "__main__":
    sys.exit(main())
