"""lakemill's version, read by setup.py as text and by everything else as a value."""

__version__ = "0.1.0"
