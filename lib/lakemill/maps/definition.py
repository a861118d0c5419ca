"""Whether a table was made by the definition that its job has now, also where Spark or Python were upgraded since.

The fingerprint rests on how this Spark prints plans and how this Python compiles functions. It is exact while both stay
as they are, and says nothing across an upgrade; the text of the job's files does, but it does not see what the files
take from elsewhere. So after an upgrade a table whose job says the same is adopted, once a sample of it is verified.
"""

from dataclasses import dataclass
from enum import Enum


class Judgement(Enum):
    """What the definition that made a table is to the present one."""

    SAME = "same"
    ADOPTABLE = "adoptable"
    CHANGED = "changed"


@dataclass(frozen=True)
class Definition:
    """What decides a target's rows.

    fingerprint: of the plan, key and reducers, as this Spark and Python have them.   source: a digest of the job's
    files; empty where it was built without files.   made_by: the versions of Spark, Delta and Python; empty in tables
    made before these were recorded.   premises: a digest of all that the fingerprint follows from, told without Spark;
    empty where something of that is out of sight: see `lakemill.maps.premises`.
    """

    fingerprint: str
    source: str
    made_by: str
    premises: str = ""


def why_changed(recorded: Definition, present: Definition) -> str:
    """Why a table has to be made anew, for people: an upgrade that nobody can tell from a change is called one."""
    why = "its sources, map, key or reduce are not those it was made with"
    if not recorded.made_by:
        return f"{why}, or Spark or Python are not: which these were was not recorded yet, so that nobody can tell"
    if recorded.made_by == present.made_by:
        return why
    upgrade = f"it was made under {recorded.made_by}, now {present.made_by}"
    if not (recorded.source and present.source):
        return f"{upgrade}; {why}, or they are: a job that was not loaded from a file cannot be told from a changed one"
    return f"{upgrade}, and {why}: its files say something else"


def judge(recorded: Definition, present: Definition) -> Judgement:
    """What the recorded definition is to the present one, both on the same columns of the sources."""
    if recorded.fingerprint == present.fingerprint:
        return Judgement.SAME
    upgraded = bool(recorded.made_by) and recorded.made_by != present.made_by
    if upgraded and recorded.source and recorded.source == present.source:
        return Judgement.ADOPTABLE
    return Judgement.CHANGED
