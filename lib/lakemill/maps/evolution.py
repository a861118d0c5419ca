"""Whether a source's other columns mean anything to a map: those that it only hands on, or does not name, do not.

A map is built again on the columns that its sources had before. Where both plans are the same but for columns handed on
as they are, the rows of before are mapped as ever.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import chain

from pyspark.sql.types import StructType

from lakemill.maps.analysed import node_name, normal
from lakemill.maps.joined import attribute, handed_on
from lakemill.maps.rowwise import CheckedMap


def other_columns(before: Mapping[str, StructType], now: Mapping[str, StructType]) -> dict[str, set[str]]:
    """The columns of each source that were added, are gone, or are of another type than before."""
    return {name: {column for column, _ in _typed(before[name]) ^ _typed(now[name])} for name in now}


def _typed(schema: StructType) -> set[tuple[str, str]]:
    return {(field.name, field.dataType.simpleString()) for field in schema.fields}


def same_map(before: CheckedMap, now: CheckedMap, sources: Sequence[str], others: Mapping[str, set[str]]) -> bool:
    """Whether the map does the same in both plans, but for handing the other columns on."""
    changed = [others[name] for name in sources]
    plans = [_without(mapped, changed) for mapped in (before, now)]
    return None not in plans and plans[0] == plans[1]


def _without(mapped: CheckedMap, changed: Sequence[set[str]]) -> str | None:
    """The plan without the places where it hands on changed columns.

    None where a union takes some: it goes by the places of columns, not by their names.
    """
    nodes, leaves, dropped = json.loads(mapped.nodes), list(mapped.leaves), set[int]()
    given: list[list[int]] = []
    for node in reversed(nodes):  # parents are listed first
        below = [given.pop() for _ in range(node["num-children"])]
        if node_name(node) == "Union" and dropped.intersection(chain(*below)):
            return None
        listed = "projectList" if below else "output"
        given.append([attribute(column[0]) for column in node[listed]] if listed in node else list(chain(*below)))
        if not below:
            names = changed[leaves.pop()]
            dropped |= {attribute(column[0]) for column in node["output"] if column[0]["name"] in names}
            node["output"] = [column for column in node["output"] if attribute(column[0]) not in dropped]
        elif "projectList" in node:
            handed = [
                column for column in node["projectList"] if handed_on(column) and attribute(column[-1]) in dropped
            ]
            dropped |= {attribute(column[0]) for column in handed}
            node["projectList"] = [column for column in node["projectList"] if column not in handed]
    return normal(json.dumps(nodes, separators=(",", ":")))
