"""Change: what happened to a source table between two of its versions, as far as its log tells."""

from dataclasses import dataclass

FEED, NETTED, COMPARED = "feed", "feed, netted", "compared"


@dataclass(frozen=True)
class Change:
    """What happened to one source between two of its versions, (after, through].

    changes_data: whether rows came or went.   removes: whether rows may have gone.   feed_bytes: what its feed reads
    at most.   feed_rows: how many rows these are, as far as is known.   table_bytes: what reading the source whole
    reads; 0 where nobody knows.   by: whether the change comes from the feed, from the feed without rows that came and
    went again, or from comparing both versions.   kept: whether the source can still be read as of `after`.
    comparable: whether its rows can be told apart.
    problem: a reason code, where the change cannot be had at all.   remark: one, where it can, but not as it should be.
    detail: what was found.   ahead: whether the target has already more of it than this run reads.
    """

    source: str
    after: int
    through: int
    changes_data: bool = False
    removes: bool = False
    feed_bytes: int = 0
    feed_rows: int = 0
    table_bytes: int = 0
    by: str = FEED
    kept: bool = True
    comparable: bool = True
    problem: str = ""
    remark: str = ""
    detail: str = ""
    ahead: bool = False
