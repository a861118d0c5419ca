"""What a run on a cluster begins with: it lies beside the zip, and starts the program that is in the zip.

It is the one file that an older Python may have to read, so as to say that it is too old.
"""

import runpy
import sys

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  (a cluster may have an older one)
        print("lakemill: Python 3.11 or newer is needed; this cluster has " + sys.version.split()[0], file=sys.stderr)
        sys.exit(2)
    runpy.run_module("lakemill.cli.cluster", run_name="__main__", alter_sys=True)
