"""A definition across upgrades: judged on values by the thousand, and digests of files that only meaning changes."""

import ast
import random
import textwrap

import pytest

from lakemill.maps.definition import Definition, Judgement, judge, why_changed
from lakemill.python.source_text import source_digest

VERSIONS = ["", "Spark 4.0.2, Delta 4.0.1, Python 3.11", "Spark 4.1.1, Delta 4.2.0, Python 3.12"]


def test_judgements_follow_the_rule():
    """The rule in other words: what prints the same is the same; else only an upgrade of the same files is adopted."""
    chance = random.Random(7)
    seen = set()
    for _ in range(5000):
        recorded, present = (
            Definition(chance.choice("ab"), chance.choice(["", "x", "y"]), chance.choice(VERSIONS)) for _ in range(2)
        )
        if recorded.fingerprint == present.fingerprint:
            expected = Judgement.SAME
        elif "" in (recorded.source, recorded.made_by) or recorded.made_by == present.made_by:  # nobody can tell
            expected = Judgement.CHANGED
        else:
            expected = Judgement.ADOPTABLE if recorded.source == present.source else Judgement.CHANGED
        assert judge(recorded, present) is expected, (recorded, present)
        seen.add(expected)
    assert seen == set(Judgement)


JOB = '''
"""Gold: what each shop sold."""

from pyspark.sql import functions as F

from lakemill import Job, Sum

RATE = 2


def sold(sales):
    """Sold lines."""
    # withdrawn lines are left out
    return sales.where(~F.col("withdrawn")).select("shop", (F.col("a") * RATE).alias("amount"), F.lit(f"{RATE:>3}"))


job = Job(source="silver.sales", map=sold, key=["shop"], reduce={"revenue": Sum("amount")}, target="gold.sales")
'''
SAME = {
    "a comment": JOB.replace("# withdrawn lines are left out", "# others are"),
    "no comment": JOB.replace("    # withdrawn lines are left out\n", ""),
    "a docstring": JOB.replace("Sold lines.", "Lines that were sold."),
    "no docstrings": JOB.replace('    """Sold lines."""\n', "").replace('"""Gold: what each shop sold."""', ""),
    "quotes": JOB.replace('"shop"', "'shop'"),
    "layout": JOB.replace("(sales):", "(\n    sales,\n):").replace("return sales.where", "return  sales . where"),
    "blank lines": JOB.replace("\n", "\n\n"),
    "Windows lines": JOB.replace("\n", "\r\n"),
}
OTHER = {
    "a global": JOB.replace("RATE = 2", "RATE = 3"),
    "an operator": JOB.replace("* RATE", "+ RATE"),
    "a text": JOB.replace('"withdrawn"', '"returned"'),
    "no negation": JOB.replace("~F", "F"),
    "a format": JOB.replace(":>3", ":>4"),
    "a type": JOB.replace("RATE = 2", "RATE = 2.0"),
    "a truth": JOB.replace("RATE = 2", "RATE = True"),
    "an import": JOB.replace("from pyspark.sql import functions as F", "import pyspark.sql.functions as F"),
    "a key": JOB.replace('key=["shop"]', 'key=["shop", "day"]'),
    "a reducer": JOB.replace('Sum("amount")', 'Max("amount")'),
    "a text that is no docstring": JOB.replace("RATE = 2", 'RATE = 2\n"""not a docstring"""'),
}


@pytest.mark.parametrize("name", SAME)
def test_how_a_file_looks_is_not_what_it_means(name):
    assert SAME[name] != JOB
    assert source_digest({"gold/sales.py": SAME[name]}) == source_digest({"gold/sales.py": JOB})


@pytest.mark.parametrize("name", OTHER)
def test_what_a_file_means_is_in_its_digest(name):
    ast.parse(OTHER[name])
    assert source_digest({"gold/sales.py": OTHER[name]}) != source_digest({"gold/sales.py": JOB})


def test_every_module_counts_and_their_order_does_not():
    shared = {"shared/rates.py": "RATE = 2\n"}
    whole = source_digest({"gold/sales.py": JOB, **shared})
    assert whole == source_digest({**shared, "gold/sales.py": JOB})
    assert whole != source_digest({"gold/sales.py": JOB})
    assert whole != source_digest({"gold/sales.py": JOB, "shared/rates.py": "RATE = 3\n"})
    assert source_digest({}) == ""


def test_random_changes_of_one_constant_are_seen():
    chance = random.Random(11)
    numbers = sorted({chance.randint(0, 10**9) for _ in range(1000)})
    digests = {source_digest({"job.py": textwrap.dedent(f"def f(x):\n    return x + {number}")}) for number in numbers}
    assert len(digests) == len(numbers)


def test_a_rebuild_says_whether_it_was_an_upgrade():
    made, now = VERSIONS[1:]
    present = Definition("b", "x", now)
    assert why_changed(Definition("a", "x", now), present) == (
        "its sources, map, key or reduce are not those it was made with"
    )
    assert "was not recorded yet" in why_changed(Definition("a", "", ""), present)
    assert f"made under {made}, now {now}, and its sources" in why_changed(Definition("a", "y", made), present)
    assert "not loaded from a file" in why_changed(Definition("a", "", made), present)
