"""What happened to a source between two of its versions, from its log alone: before any row is read."""

import json

from lakemill.core.plan import Change
from lakemill.lake.log import CHANGE_FEED, Commit
from lakemill.lake.progress import Progress
from lakemill.lake.tables import Pin


def change_since(pin: Pin, progress: Progress) -> Change:
    """The change of a source since the version that the target was made from."""
    name, after = pin.table.name, progress.versions.get(pin.table.name, -1)
    if name in progress.ids and progress.ids[name] != pin.table_id:
        return Change(
            name, after, pin.version, True, problem="SOURCE_RECREATED", detail="it is another table than before"
        )
    # Another run may have brought the target further than the version that this run has pinned: never back.
    if pin.version <= after or name not in progress.ids:
        return Change(name, after, after)
    commits = pin.table.log().commits(after, pin.version)
    if commits is None:
        detail = f"the log no longer holds every version from {after + 1} to {pin.version}"
        return Change(name, after, pin.version, True, problem="FEED_EXPIRED", detail=detail)
    problem, detail = _problem(pin, after, commits)
    return Change(
        name,
        after,
        pin.version,
        any(commit.changes_data for commit in commits),
        any(commit.removes for commit in commits),
        sum(commit.feed_bytes for commit in commits if commit.changes_data),
        problem,
        detail,
    )


def _problem(pin: Pin, after: int, commits: list[Commit]) -> tuple[str, str]:
    """Why the feed cannot be read, where it cannot; nothing where no row came or went."""
    metadata = [commit.metadata for commit in commits if commit.metadata]
    schemas = {_columns(str(said["schemaString"])) for said in metadata}
    if len(schemas) > 1 or (metadata and _columns(pin.table.full(after).schema.json()) not in schemas):
        return "SCHEMA_CHANGED", f"its columns changed after version {after}"
    if not any(commit.changes_data for commit in commits):
        return "", ""
    on = [said["configuration"].get(CHANGE_FEED) == "true" for said in metadata]
    if not all(on) or not pin.table.log().feed_is_on:
        return "FEED_MISSING", f"its change feed is off; turn it on by setting its property {CHANGE_FEED} to true"
    if metadata and not _feed_was_on(pin, after):
        return "FEED_MISSING", f"its change feed was turned on after version {after}"
    return "", ""


def _feed_was_on(pin: Pin, version: int) -> bool:
    """Whether the feed was on at a version: the last commit up to it that set properties tells."""
    log = pin.table.log()
    for earlier in range(version, -1, -1):
        commit = log.commit(earlier)
        if commit is None or commit.metadata:
            return commit is not None and (commit.metadata or {})["configuration"].get(CHANGE_FEED) == "true"
    return False


def _columns(schema: str) -> str:
    """Names and types: comments and nullability do not matter."""
    return json.dumps(
        [(field["name"], field["type"]) for field in json.loads(schema)["fields"] if field["name"] != "_state"]
    )
