"""A digest of a function changes with whatever it uses, however that is called."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from lakemill.python.bytecode import digest

SOURCES = {
    "closure": ("value = {}\ndef use(x):\n    return x + value\n", (1, 2)),
    "dict of a class": ("class Rates:\n    of = {{'a': {}}}\ndef use(x):\n    return Rates.of['a']\n", (1, 2)),
    "tuple of a class": ("class Rates:\n    of = ({}, 3)\ndef use(x):\n    return Rates.of[0]\n", (1, 2)),
    "nested class": ("class A:\n    class B:\n        of = {}\ndef use(x):\n    return A.B.of\n", (1, 2)),
    "method of a nested class": (
        "class A:\n    class B:\n        def f(self):\n            return {}\ndef use(x):\n    return A.B().f()\n",
        (1, 2),
    ),
}


def made(source: str) -> Callable:
    names: dict = {"__name__": "own"}
    exec(source, names)
    return names["use"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_changed_value_is_another_function(source):
    text, (one, other) = SOURCES[source]
    assert digest(made(text.format(one))) == digest(made(text.format(one))) != digest(made(text.format(other)))


@pytest.mark.parametrize("way", ["import pack.texts as t\n    return t.clean(x)", "return pack.texts.clean(x)"])
def test_functions_in_modules_of_packages_are_looked_into(monkeypatch, way):
    digests = []
    for body in ("x.strip()", "x.strip()", "x.lower()"):
        pack, texts = ModuleType("pack"), ModuleType("pack.texts")
        exec(f"def clean(x):\n    return {body}\n", texts.__dict__)
        pack.texts, pack.__path__ = texts, []
        monkeypatch.setitem(sys.modules, "pack", pack)
        monkeypatch.setitem(sys.modules, "pack.texts", texts)
        digests.append(digest(made(f"import pack.texts\ndef use(x):\n    {way}\n")))
    assert digests[0] == digests[1] != digests[2]
