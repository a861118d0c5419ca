"""What happened to a source between two of its versions. The table's log tells it before any row is read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lakemill.errors import LakemillError
from lakemill.lake.change import COMPARED, Change
from lakemill.lake.log import CHANGE_FEED, Commit
from lakemill.lake.progress import TablePosition
from lakemill.lake.schema import comparable, reshaped
from lakemill.lake.tables import Pin, Table


def change_since(pin: Pin, read: TablePosition | None) -> Change:
    """The change of a source since the version that the target was made from."""
    name, after = pin.table.name, read.version if read else -1
    how = replaced(pin, read)
    if how:
        return Change(name, after, pin.version, True, problem="SOURCE_RECREATED", detail=how)
    if pin.version <= after or read is None:
        size = pin.table.log().bytes_at(pin.version)
        return Change(name, after, after, table_bytes=size, ahead=pin.version < after)
    commits = _commits(pin.table, after, pin.version)
    if commits is None:
        detail = f"the log no longer holds every version from {after + 1} to {pin.version}"
        return Change(name, after, pin.version, True, problem="FEED_EXPIRED", detail=detail)
    changed = [commit for commit in commits if commit.changes_data]
    change = Change(
        name,
        after,
        pin.version,
        bool(changed),
        any(commit.removes for commit in commits),
        sum(commit.feed_bytes for commit in changed),
        sum(commit.feed_rows for commit in changed),
        pin.table.log().bytes_at(pin.version),
        comparable=comparable(pin.schema),
    )
    columns = reshaped(pin, after, commits)
    if columns.broken:
        return replace(change, changes_data=True, problem="SCHEMA_CHANGED", detail=columns.broken)
    return _readable(pin, change, commits, columns.unreadable) if changed else change


def replaced(pin: Pin, read: TablePosition | None) -> str:
    """How a source shows that another table stands in its place now; the text is empty where it is the same table.

    read: how far the source was read when the target was made.
    """
    log = pin.table.log()
    if read is None:
        return ""
    after = read.version
    if read.table_id != pin.table_id:
        return "it is another table than before"
    if log.version < after:
        return f"it went back behind version {after}, which was read: brought back from a copy?"
    commit = log.commit(after)
    if read.commit and commit and commit.id != read.commit:
        return f"its version {after} is not the one that was read: brought back from a copy, and written since?"
    return ""


def compared(pin: Pin, change: Change, reason: str, detail: str) -> Change:
    """The same change, where its feed cannot be read: both versions are compared instead, if that is possible.

    reason, detail: why the feed cannot be read. They become the change's problem where comparing is not possible.
    """
    if not change.kept:
        detail = f"{detail}; and version {change.after}, to compare with, has lost files"
    elif not change.comparable:
        detail = f"{detail}; and rows that hold maps or variants cannot be compared"
    else:
        detail = f"{detail}; versions {change.after} and {change.through} are compared instead"
        return replace(change, by=COMPARED, removes=True, remark=reason, detail=detail)
    return replace(change, problem=reason, detail=detail)


def _commits(table: Table, after: int, through: int) -> list[Commit] | None:
    """The commits of (after, through]. None means that a clean-up of the log took the first of them.

    Raises LakemillError where one is missing between others: Delta's clean-up takes only the oldest.
    """
    log = table.log()
    by_version = {version: log.commit(version) for version in range(after, through + 1)}
    lacking = [version for version in range(after + 1, through + 1) if by_version[version] is None]
    between = [version for version in lacking if any(by_version[earlier] for earlier in range(after, version))]
    if between:
        raise LakemillError(
            f"{table.name}: its log is damaged: version {between[0]} is missing from {table.uri}/_delta_log, and older "
            "ones are there. Nothing was written. Bring the file back, or make the table anew."
        )
    return None if lacking else [commit for version, commit in by_version.items() if commit and version > after]


def _readable(pin: Pin, change: Change, commits: Sequence[Commit], unreadable: str) -> Change:
    """The change with what the log tells of how to read it: by the feed, or by comparing two versions.

    unreadable: why Delta reads no feed across what was done to the columns.
    """
    change = replace(change, kept=_is_kept(pin.table, change.after, commits))
    off = _feed_off(pin, change.after, commits)
    if off:
        return compared(pin, change, "FEED_MISSING", off)
    unreadable = unreadable or _partitioned_anew(pin, change.after, commits)
    if unreadable:
        return compared(pin, change, "FEED_UNREADABLE", f"{unreadable}, and Delta reads no feed across that")
    bare = _removed_bare(commits)
    if bare:
        return compared(pin, change, "FEED_UNREADABLE", bare)
    gone = pin.table.missing(_feed_files(commits))
    if gone:
        detail = f"{len(gone)} files of its change feed are gone ({_vacuumed(pin.table, change.after)})"
        return compared(pin, change, "FEED_EXPIRED", detail)
    whole = [commit.version for commit in commits if _overwrites(pin.table, commit)]
    if whole:
        detail = f"version {whole[-1]} replaced all its rows"
        return replace(change, remark="SOURCE_OVERWRITTEN", detail=detail)
    return change


def _removed_bare(commits: Iterable[Commit]) -> str:
    """Which commit removed a file without telling its size and partition; the text is empty where none did.

    Delta's protocol lets a writer leave them out, and Delta's own feed cannot be read without them.
    """
    for commit in commits:
        if commit.removes_bare and not commit.paths("cdc"):
            return f"version {commit.version} removed files without their metadata, and Delta reads no feed of that"
    return ""


def _overwrites(table: Table, commit: Commit) -> bool:
    """Whether a commit replaced all rows of the table by others."""
    operation = f"{commit.info.get('operation')} {commit.info.get('operationParameters')}"
    if "Overwrite" not in operation and "REPLACE" not in operation:
        return False
    return 0 < table.log().bytes_at(commit.version - 1) <= commit.removed_bytes


def _is_kept(table: Table, after: int, commits: Sequence[Commit]) -> bool:
    """Whether the version `after` can still be read: every file that the table has let go of since is still there."""
    if table.log().commit(after) is None:
        return False
    came, sought = set[str](), set[str]()
    for commit in commits:
        went = set(commit.paths("remove"))
        sought |= went - came
        came |= set(commit.paths("add")) - went - sought  # a file that gets a deletion vector goes and comes
    return not table.missing(sorted(sought))


def _feed_files(commits: Iterable[Commit]) -> Iterator[str]:
    """The files that Delta reads for the feed of these commits.

    They are the files that a commit wrote for the feed; where it wrote none, the files that it added and removed.
    """
    for commit in commits:
        if commit.changes_data:
            yield from commit.paths("cdc") or [*commit.paths("add", True), *commit.paths("remove", True)]


def _feed_off(pin: Pin, after: int, commits: Iterable[Commit]) -> str:
    """How the feed was off for some of the commits; the text is empty where it was on for all."""
    later = [commit.metadata for commit in commits if commit.metadata]
    if not all(_is_on(metadata) for metadata in later) or not pin.table.log().feed_is_on:
        return f"its change feed is off; turn it on by setting its property {CHANGE_FEED} to true"
    if later and not _is_on(pin.table.log().metadata_at(after)):
        return f"its change feed was turned on after version {after}"
    return ""


def _partitioned_anew(pin: Pin, after: int, commits: Sequence[Commit]) -> str:
    """How the source's partitioning changed; the text is empty where it did not.

    Delta reads a feed by the newest partitioning, and finds NULL in the partition columns of files of another one.
    """
    log = pin.table.log()
    later = [*commits, *(log.commits(pin.version, log.version) or [])]
    partitioned = {_partitions(commit.metadata) for commit in later if commit.metadata}
    before = log.metadata_at(after) if partitioned else None
    if before is None or partitioned == {_partitions(before)}:
        return ""
    return f"it was partitioned anew after version {after}"


def _partitions(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(metadata.get("partitionColumns") or ())


def _is_on(metadata: Mapping[str, Any] | None) -> bool:
    return metadata is not None and (metadata.get("configuration") or {}).get(CHANGE_FEED) == "true"


def _vacuumed(table: Table, after: int) -> str:
    """When files were last removed, as far as the log tells."""
    commit = table.log().last_vacuum(after)
    if commit is None:
        return "VACUUM, or somebody removed them"
    return f"VACUUM of {commit.at:%Y-%m-%d %H:%M}, version {commit.version}"
