"""Configuration is strict: what it does not know is an error that says what was meant."""

import pytest

from lakemill.conf import find_root, load_conf
from lakemill.errors import UsageError


@pytest.fixture
def project(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.yaml").write_text("lake: lake\nspark: {spark.ui.enabled: false, a: 1}\n")
    return tmp_path


def base(project, text):
    (project / "conf" / "base.yaml").write_text(text)


WRONG = {
    "unknown key": ("lak: lake", 'Did you mean "lake"'),
    "not a text": ("lake: 3", "a text was expected"),
    "not a map": ("spark: 3", "a map was expected"),
    "a list": ("- lake", "settings were expected"),
    "twice": ("lake: a\nlake: b", "given twice"),
    "python": ("lake: !!python/object/apply:os.system ['true']", "not YAML"),
    "no YAML": ("lake: [", "not YAML"),
    "table name": ("tables: {Orders: /x}", "no table name"),
    "nested": ("spark: {a: {b: c}}", "a name and a text"),
}


@pytest.mark.parametrize("what", WRONG)
def test_refused(project, what):
    text, says = WRONG[what]
    base(project, text)
    with pytest.raises(UsageError, match=says) as refused:
        load_conf(project)
    assert "base.yaml" in str(refused.value)


def test_an_environment_overrides(project):
    (project / "conf" / "local.yaml").write_text(
        "landing: s3://bucket/in/\nspark: {a: true}\ntables: {raw.x: data/x}\n"
    )
    conf = load_conf(project)
    assert conf.lake == str(project / "lake")
    assert conf.landing == "s3://bucket/in"
    assert conf.tables == {"raw.x": str(project / "data/x")}
    assert conf.spark == {"spark.ui.enabled": "false", "a": "true"}
    with pytest.raises(UsageError, match='Did you mean "local"'):
        load_conf(project, "locall")


def test_a_project_is_found_from_below(project, tmp_path_factory):
    below = project / "jobs" / "gold"
    below.mkdir(parents=True)
    assert find_root(below) == project
    with pytest.raises(UsageError, match="lakemill init"):
        find_root(tmp_path_factory.mktemp("elsewhere"))
