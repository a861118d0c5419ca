"""Translation: what other contracts of the standard say in other words, in the words that lakemill takes."""

import re
from copy import deepcopy
from typing import Any

from lakemill.contracts.column_translation import column_values
from lakemill.contracts.document import CUSTOM
from lakemill.contracts.reader import LATENCY

NEWEST = "v3.2.0"
UNIT_NAMES = {
    "min": ("m", "min", "minute", "minutes"), "h": ("h", "hr", "hrs", "hour", "hours"), "d": ("d", "day", "days"),
}  # fmt: skip
METRICS = {"duplicateCount": "duplicateValues", "rowCount": "rowCount", "duplicateValues": "duplicateValues"}
SEVERITY_OF = {"error": "fail", "critical": "fail", "warning": "warn", "info": "warn"}
EVERYONE = "everyone"


class Translation:
    """Of one table of a file; `notes` tells what was said otherwise."""

    def __init__(self, table: str) -> None:
        self.table, self.notes = table, list[str]()

    def contract(self, values: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
        """The file's values, of this table alone."""
        values = deepcopy(values)
        others = [
            each.get("name") for each in values["schema"] if isinstance(each, dict) and each["name"] != item["name"]
        ]
        if others:
            self.notes.append(f"left out the other tables: {', '.join(map(str, others))}.")
        if values.get("status") != "active":
            self.notes.append(f"its status is {values.get('status', 'not given')}; a contract here is active.")
        values |= {"apiVersion": NEWEST, "kind": "DataContract", "id": self.table, "status": "active"}
        values["version"] = str(values.get("version", "1.0.0"))
        if isinstance(values.get("description"), str):
            values["description"] = {"purpose": values["description"]}
        self._owner(values)
        values["slaProperties"] = [self._need(each, item["name"]) for each in values.get("slaProperties") or []]
        values["schema"] = [self._table(deepcopy(item), item["name"])]
        return values

    def _owner(self, values: dict[str, Any]) -> None:
        team = values.get("team")
        members = team.get("members", []) if isinstance(team, dict) else team
        if not isinstance(members, list) or (isinstance(team, dict) and team.get("name")):
            return
        names = [
            each.get("name") or each.get("username")
            for each in members
            if isinstance(each, dict) and "owner" in str(each.get("role", "")).lower()
        ]
        if names:
            self.notes.append(f"the owner is {names[0]}, of the team's members.")
            values["team"] = {"name": str(names[0])}

    def _need(self, need: Any, old_name: str) -> Any:
        if not isinstance(need, dict):
            return need
        need = dict(need)
        if need.get("property") == "freshness":
            need["property"] = LATENCY
        unit = str(need.get("unit", "")).lower()
        need["unit"] = next((own for own, names in UNIT_NAMES.items() if unit in names), need.get("unit", ""))
        if isinstance(need.get("element"), str):
            need["element"] = ", ".join(way.strip().removeprefix(f"{old_name}.") for way in need["element"].split(","))
        need.setdefault("description", "use")
        custom = need.get(CUSTOM) or []
        if not any(isinstance(each, dict) and each.get("property") == "consumer" for each in custom):
            need[CUSTOM] = [*custom, {"property": "consumer", "value": EVERYONE}]
        return need

    def _table(self, item: dict[str, Any], old_name: str) -> dict[str, Any]:
        item["name"] = self.table
        columns = item.get("properties")
        if isinstance(columns, list):
            item["properties"] = [
                column_values(each, self.notes) if isinstance(each, dict) else each for each in columns
            ]
        for at, rule in enumerate(item.get("quality") or []):
            if isinstance(rule, dict):
                self._rule(rule, at)
        for relation in item.get("relationships") or []:
            if isinstance(relation, dict):
                self._relation(relation, old_name)
        return item

    def _rule(self, rule: dict[str, Any], at: int) -> None:
        metric = METRICS.get(str(rule.get("metric") or rule.pop("rule", "")))
        if metric:
            rule |= {"metric": metric, "type": "library"}
        rule["name"] = _rule_name(str(rule.get("name") or rule.get("id") or metric or ""), at)
        rule.pop("id", None)
        severity = str(rule.get("severity", "")).lower()
        if severity in SEVERITY_OF:
            rule["severity"] = SEVERITY_OF[severity]

    def _relation(self, relation: dict[str, Any], old_name: str) -> None:
        relation["id"] = _rule_name(str(relation.get("id") or "references"), 0)
        for key in ("from", "to"):
            ways = relation.get(key)
            ways = [ways] if isinstance(ways, str) else ways
            if isinstance(ways, list):
                own = [str(way).removeprefix(f"{old_name}.") for way in ways] if key == "from" else ways
                relation[key] = [f"{self.table}.{way}" for way in own] if key == "from" else own


def _rule_name(text: str, at: int) -> str:
    """A name of a rule that is like a text."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()).strip("_")
    return plain[:40] if re.match("[a-z]", plain) else f"rule_{at + 1}"
