"""TPC-H under churn: its oracle is held to the answers that the TPC publishes, and the tables to the oracle."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from pages import ROOT

from lakemill.graph import load_jobs

TPCH = ROOT / "scripts" / "bench" / "tpch"
GENERATED = ROOT / "build" / "tpch"
PUBLISHED = {
    "q01": (4, ("A", "F", "37734107.00", "56586554400.73", "53758257134.8700", "55909065222.827692", "25.522006")),
    "q02": (460, ()),
    "q03": (11620, ()),
    "q04": (5, ("1-URGENT", 10594)),
    "q05": (5, ("CHINA", "53724494.2566")),
    "q06": (1, ("123141078.2283",)),
    "q07": (4, ("FRANCE", "GERMANY", 1995, "54639732.7336")),
    "q08": (2, (1995, "0.034436")),
    "q09": (175, ()),
    "q10": (37967, ()),
    "q11": (1048, ()),
    "q12": (2, ("MAIL", 6202, 9324)),
    "q13": (42, (0, 50005)),
    "q14": (1, ("16.380779",)),
    "q15": (1, (8449, "Supplier#000008449")),
    "q16": (18314, ()),
    "q17": (1, ("348406.054286",)),
    "q18": (57, ()),
    "q19": (1, ("3083843.0578",)),
    "q20": (186, ()),
    "q21": (411, ()),
    "q22": (7, ("13", 888, "6737713.99")),
}
"""Of the validation answers at scale 1: how many rows, and how the first of them begins."""


@pytest.fixture
def tpch(monkeypatch):
    """The bench's own modules can be imported."""
    monkeypatch.syspath_prepend(str(TPCH))


def test_each_query_has_its_job_and_its_text(tpch):
    import churn

    jobs = load_jobs(TPCH / "jobs")
    assert len(churn.QUERIES) == 22
    assert {name for name in jobs if name.startswith("gold.")} == {f"gold.{query}" for query in churn.QUERIES}
    assert {path.stem for path in (TPCH / "queries").glob("*.sql")} == set(churn.QUERIES)
    needed = {name for query in churn.QUERIES for name in churn.chain(jobs, query)}
    assert needed == set(jobs), "every step is a step of a query"


def test_a_job_and_its_text_read_the_same_tables(tpch):
    import churn
    from dbgen import TABLES

    jobs = load_jobs(TPCH / "jobs")
    for query in churn.QUERIES:
        words = set(re.findall(r"\w+", (TPCH / "queries" / f"{query}.sql").read_text().replace("{part:", "")))
        sources = {source for name in churn.chain(jobs, query) for source in jobs[name].sources if "raw." in source}
        assert sources - {"raw.parameters"} == {f"raw.{table}" for table in TABLES if table in words}, query


def test_what_is_divided_is_rounded_half_up_once(tpch):
    from answers import divided

    assert divided({"part": Decimal("1.0000005"), "whole": 1}) == Decimal("1.000001")
    assert divided({"part": Decimal("-1.0000005"), "whole": 1}) == Decimal("-1.000001")
    assert divided({"part": 2, "whole": 3}) == Decimal("0.666667")
    assert divided({"part": None, "whole": 0}) is None
    assert divided(7) == 7


def test_answers_are_compared_as_bags_of_rows(tpch):
    from churn import less

    assert less([(1, Decimal("2.0")), (1, Decimal("2.0")), (None, 3)], [(1, Decimal("2.000"))]) == [(1, 2), (None, 3)]
    assert less([(1, None)], [(1, None)]) == []


@pytest.mark.bench
def test_duckdb_gives_the_published_answers(tpch):
    from answers import Answers
    from dbgen import TABLES, generated

    files = generated(1, GENERATED)
    answers = Answers({})
    for name in TABLES:
        answers.show(name, [str(files / f"{name}.parquet")])
    answers.db.execute("create table parameters as select 0.0001::decimal(12,10) as q11_fraction")
    for query, (count, first) in PUBLISHED.items():
        rows = answers.rows(query)
        begins = tuple(Decimal(value) if re.fullmatch(r"\d+\.\d+", str(value)) else value for value in first)
        assert (len(rows), rows[0][: len(first)]) == (count, begins), query


@pytest.mark.bench
def test_all_answers_are_right_after_a_refresh(tpch, spark, lake, tmp_path: Path):
    import churn
    from dbgen import generated

    given = churn.options(["--scale", "0.01", "--share", "20", "--refreshes", "facts"])
    first, after = churn.played(lake.world, generated(0.01, GENERATED), given)
    for kept in (*first, *after):
        assert kept.right, f"{kept.query}: {kept.failed}, lacks {kept.missing[:3]}, has besides {kept.extra[:3]}"
    assert [kept.not_updated for kept in after if kept.not_updated] == []
    assert sum(kept.rows > 0 for kept in after) >= 20
    assert sum(any(run.rows_out for run in kept.runs) for kept in after) >= 15, "the refresh changed most tables"
