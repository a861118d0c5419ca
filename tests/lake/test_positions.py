"""Progress as commits carry it: today's form, and the first one, whose tables are carried on."""

import json
from dataclasses import replace

import pytest

from lakemill.lake.log import Commit
from lakemill.lake.progress import LANDING, Progress, TablePosition, progress_of


def commit(recorded: object, version: int = 7) -> Commit:
    """A commit whose writer recorded this."""
    return Commit(version, ({"commitInfo": {"userMetadata": json.dumps(recorded)}},))


def test_what_is_written_is_read():
    positions = {"silver.sales": TablePosition(4, "id", "c4").value(), LANDING: {"digest": "d"}}
    progress = Progress(3, positions, "f", "update", "UPDATE")
    assert progress_of(commit(json.loads(progress.text()))) == replace(progress, version=7)
    assert progress.table("silver.sales") == TablePosition(4, "id", "c4")
    assert progress.table("silver.other") is None
    assert progress.versions == {"silver.sales": 4}


def test_the_first_form_is_read():
    first = {
        "run": 3,
        "versions": {"silver.sales": 4, "silver.products": 9},
        "ids": {"silver.sales": "id", "silver.products": "other"},
        "commits": {"silver.sales": "c4"},
        "fingerprint": "f",
        "landing": "",
        "plan": "update",
        "reason": "UPDATE",
        "nonce": "n",
        "version": -1,
    }
    positions = {"silver.sales": ("id", 4, "c4"), "silver.products": ("other", 9, "")}
    found = progress_of(commit({"lakemill": first}))
    assert found == Progress(
        3,
        {name: {"table_id": id, "version": at, "commit": by} for name, (id, at, by) in positions.items()},
        *("f", "update", "UPDATE"),
        nonce="n",
        version=7,
    )
    fed = progress_of(commit({"lakemill": first | {"versions": {}, "ids": {}, "commits": {}, "landing": "digest"}}))
    assert fed is not None and fed.positions == {LANDING: {"digest": "digest"}}


def test_what_a_newer_version_records_besides_is_left_alone():
    progress = Progress(3, {}, "f", "update", "UPDATE")
    recorded = json.loads(progress.text())
    recorded["lakemill"]["of a later version"] = 1
    assert progress_of(commit(recorded)) == replace(progress, version=7)


@pytest.mark.parametrize("recorded", [None, "a text", 5, [1], {}, {"other": {}}])
def test_the_metadata_of_others_is_no_progress(recorded):
    assert progress_of(commit(recorded)) is None


def test_metadata_that_is_no_json_is_no_progress():
    assert progress_of(Commit(1, ({"commitInfo": {"userMetadata": "{not JSON"}},))) is None
