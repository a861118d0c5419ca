"""The order of tables follows from what jobs read and write."""

import pytest

from lakemill import Count, Job
from lakemill.errors import UsageError
from lakemill.graph import load_jobs, ordered, select


def job(target, *sources):
    def joined(first, *_others):
        return first

    return Job(source=list(sources), map=joined, key=[], reduce={"n": Count()}, target=target)


JOBS = {
    one.target: one
    for one in (
        job("gold.b", "silver.a", "silver.c"),
        job("silver.a", "bronze.a"),
        job("silver.c", "bronze.c"),
        job("gold.d", "gold.b"),
    )
}


def test_ordered():
    order = ordered(JOBS)
    assert order.index("silver.a") < order.index("gold.b") < order.index("gold.d")
    assert sorted(order) == sorted(JOBS)


def test_selected():
    assert select(JOBS, ["silver.*"]) == ["silver.a", "silver.c"]
    assert select(JOBS, ["gold.d", "silver.a"]) == ["silver.a", "gold.d"]
    assert select(JOBS, ["+gold.b"]) == ["silver.a", "silver.c", "gold.b"]
    assert select(JOBS, []) == ordered(JOBS)
    with pytest.raises(UsageError, match='Did you mean "gold.d"'):
        select(JOBS, ["gold.dd"])


def test_a_circle_is_named():
    with pytest.raises(UsageError, match=r"circle: .*gold.a.* -> "):
        ordered({"gold.a": job("gold.a", "gold.z"), "gold.z": job("gold.z", "gold.a")})


def write(folder, name, text):
    path = folder / "gold" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_a_job_is_found_by_its_name(tmp_path):
    write(tmp_path, "x", 'from lakemill import Job\njob = Job(source="raw.x", target="gold.x")')
    write(tmp_path, "_shared", "")
    assert list(load_jobs(tmp_path)) == ["gold.x"]
    write(tmp_path, "y", 'from lakemill import Job\njob = Job(source="raw.x", target="gold.z")')
    with pytest.raises(UsageError, match=r'"gold.y" was expected'):
        load_jobs(tmp_path)
    write(tmp_path, "y", "")
    with pytest.raises(UsageError, match="no job"):
        load_jobs(tmp_path)
    with pytest.raises(UsageError, match="no folder of jobs"):
        load_jobs(tmp_path / "nowhere")


def test_a_job_file_that_cannot_be_imported_is_named(tmp_path):
    (tmp_path / "gold").mkdir()
    (tmp_path / "gold" / "broken.py").write_text("import nothing_of_that_name")
    with pytest.raises(UsageError, match=r"broken\.py cannot be imported: ModuleNotFoundError"):
        load_jobs(tmp_path)
