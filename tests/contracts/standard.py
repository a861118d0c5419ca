"""The JSON schema of the Open Data Contract Standard, as its own package carries it."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from jsonschema import Draft201909Validator


@cache
def validator() -> Draft201909Validator:
    return Draft201909Validator(json.loads((files("open_data_contract_standard") / "schema.json").read_text()))


def against_the_standard(text: str) -> list[str]:
    """What the standard's schema says against a contract."""
    values: Any = yaml.safe_load(text)
    errors = validator().iter_errors(values)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]
