"""A docstring is not what a function does; what it returns is."""

import random
import textwrap

import pytest

from lakemill.python.bytecode import as_at_first, digest

BODIES = {
    "a value": "return x * 3",
    "nothing": "y = x\nif y:\n    return 2",
    "the same text": "return x + 'what it does'",
    "many constants": "return {1: 'a', 2: 'b', 3: x}",
    "a function in it": "def inner(z):\n    {doc}\n    return z + 1\nreturn inner(x)",
}
DOCS = ['"""what it does"""', '"""Something else.\n\n    In two parts."""', "# a comment\n", ""]


def made(body: str, doc: str):
    lines = body.replace("{doc}", doc.replace("\n", "\n    "))
    names: dict = {"__name__": "own"}
    exec(f"def use(x):\n    {doc}\n" + textwrap.indent(lines, "    "), names)
    return names["use"]


@pytest.mark.parametrize("name", BODIES)
def test_a_docstring_is_not_what_a_function_does(name):
    assert len({digest(made(BODIES[name], doc)) for doc in DOCS}) == 1


def test_at_first_it_was(name="a value"):
    with as_at_first():
        assert len({digest(made(BODIES[name], doc)) for doc in DOCS[:2]}) == 2
    assert digest(made(BODIES[name], DOCS[0])) == digest(made(BODIES[name], DOCS[1]))


def test_random_bodies_differ_where_their_constants_do():
    chance = random.Random(5)
    digests = {}
    for _ in range(2000):
        numbers = tuple(chance.choice([1, 2, 300, "a", 2.5, True, None]) for _ in range(4))
        body = "return [" + ", ".join(f"(x, {n!r})" for n in numbers) + "]"
        key = tuple((type(n), n) for n in numbers)
        seen = digests.setdefault(key, digest(made(body, chance.choice(DOCS))))
        assert seen == digest(made(body, chance.choice(DOCS))), body
    assert len(set(digests.values())) == len(digests)
