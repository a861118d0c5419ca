"""Predicates of row and table rules: Spark SQL of what is valid, looked at before Spark parses it.

What a rule may not do is told here with its place in the file: read another table, ask for the time of day or for
chance, name a column that the contract does not.
"""

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from lakemill.contracts.danger import danger
from lakemill.errors import did_you_mean

LONGEST_PREDICATE = 4000
SPECIAL_DAYS = ("epoch", "now", "today", "tomorrow", "yesterday")
TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<comment>--|/\*)|(?P<text>'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")"""
    r"""|(?P<quoted>`(?:[^`]|``)+`)|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?\w*)|(?P<word>[^\W\d]\w*)"""
    r"""|(?P<other>[-+*/%=<>!|&^~.,:?\[\]()])""",
    re.DOTALL,
)
WORDS = frozenset(
    "and or not in like ilike rlike regexp between is null true false case when then else end cast try_cast as "
    "interval escape distinct from div any all some date timestamp timestamp_ntz timestamp_ltz year years month months "
    "week weeks day days hour hours minute minutes second seconds to both leading trailing for string int integer "
    "bigint smallint tinyint decimal double float boolean binary numeric dec".split()
)
"""Words of SQL that are no columns; a column of such a name is written in backticks."""
CHANCE = frozenset(
    "rand random randn randstr uuid shuffle current_date current_timestamp current_time current_user current_timezone "
    "localtimestamp now user session_user monotonically_increasing_id spark_partition_id input_file_name curdate "
    "current_catalog current_database current_schema version java_method reflect "
    "try_reflect".split()
)
"""Functions whose value is another one another time, or another one elsewhere."""
MANY_ROWS = frozenset(
    "count count_if sum avg mean min max first last any_value collect_list collect_set stddev variance over row_number "
    "rank dense_rank lag lead ntile approx_count_distinct percentile median mode max_by min_by listagg array_agg "
    "explode posexplode inline stack".split()
)


def predicate_faults(predicate: str, columns: Collection[str]) -> Iterator[str]:
    """Why a text cannot be the predicate of a rule over these columns."""
    if len(predicate) > LONGEST_PREDICATE:
        yield f"it has {len(predicate)} letters; at most {LONGEST_PREDICATE} are taken"
        return
    tokens, rest = _tokens(predicate)
    if rest:
        yield f"no expression goes on with {rest[:20]!r}"
        return
    yield from _unbalanced(tokens)
    words = _words(tokens)
    for word, called in words:
        low = word.lower()
        if low == "select":
            yield f"{word}: a rule reads its own rows alone; to meet another table, use relationships"
        elif low in CHANCE and (called or low.startswith("current_")):
            yield f"{word} gives another value another time, so that no rule can be kept by it"
        elif low in MANY_ROWS and called:
            yield f"{word} is of many rows; a rule of the table has `measures` for that"
    yield from _special_days(tokens)
    yield from _patterns(tokens)
    yield from _strangers(tokens, columns)
    if not any(kind in ("word", "quoted") for kind, _ in tokens):
        yield "it reads no column"


def _special_days(tokens: list[tuple[str, str]]) -> Iterator[str]:
    """Days that Spark reads from a word, such as date'today'."""
    for (kind, word), (next_kind, text) in pairwise(tokens):
        literal = kind == "word" and next_kind == "text" and word.lower().startswith(("date", "timestamp"))
        if literal and text[1:-1].strip().lower() in SPECIAL_DAYS:
            yield f"{word}{text} is another day another time, so that no rule can be kept by it"


def _patterns(tokens: list[tuple[str, str]]) -> Iterator[str]:
    """Patterns in a predicate that may run away."""
    words = {text.lower() for kind, text in tokens if kind == "word"}
    if not any(word in ("rlike", "regexp", "split") or word.startswith("regexp_") for word in words):
        return
    for kind, text in tokens:
        inner = text[1:-1].replace("\\\\", "\\")
        if kind == "text" and set(inner) & set("*+{?|"):
            why = danger(inner if inner.startswith("^") and inner.endswith("$") else f"^(?:{inner})$", None)
            if why:
                yield f"the pattern {text} is not taken: {why}; a column's own pattern takes maxLength into account"


def _tokens(text: str) -> tuple[list[tuple[str, str]], str]:
    tokens, at = list[tuple[str, str]](), 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match or match.lastgroup == "comment":
            return tokens, text[at:]
        if match.lastgroup != "space":
            tokens.append((str(match.lastgroup), match[0]))
        at = match.end()
    return tokens, ""


def _unbalanced(tokens: list[tuple[str, str]]) -> Iterator[str]:
    depth, least = 0, 0
    for _, text in tokens:
        depth += (text in ("(", "[")) - (text in (")", "]"))
        least = min(least, depth)
    if depth or least < 0:
        yield "a bracket is opened and not closed, or closed and not opened"


def _words(tokens: list[tuple[str, str]]) -> list[tuple[str, bool]]:
    """The words, and whether each is called as a function."""
    after = [*(text for _, text in tokens[1:]), ""]
    return [(text, after[at] == "(") for at, (kind, text) in enumerate(tokens) if kind == "word"]


def _strangers(tokens: list[tuple[str, str]], columns: Collection[str]) -> Iterator[str]:
    """Names that are no columns: neither words of SQL, functions, fields of a column, nor a lambda's variables."""
    texts = ["", *(text for _, text in tokens), "", ""]
    bound = _bound(tokens)
    known = {name.lower() for name in columns}
    told = set()
    for at, (kind, text) in enumerate(tokens, start=1):
        name = text[1:-1].replace("``", "`") if kind == "quoted" else text
        is_name = kind == "quoted" or (kind == "word" and name.lower() not in WORDS and texts[at + 1] != "(")
        if not is_name or texts[at - 1] == "." or name in bound or name.lower() in known or name in told:
            continue
        told.add(name)
        yield f'there is no column "{name}" in the contract. {did_you_mean(name, columns)}'


def _bound(tokens: list[tuple[str, str]]) -> set[str]:
    """The variables of lambdas: what stands before an arrow, alone or in brackets."""
    texts = [text for _, text in tokens]
    names = set()
    for at in range(1, len(texts) - 1):
        if texts[at : at + 2] == ["-", ">"]:
            start = at - 1
            if texts[start] == ")":
                start = max(place for place in range(at) if texts[place] == "(" or place == 0)
            names |= set(texts[start:at])
    return names
