"""Headers: which columns a feed's files have, and which the bronze table gets of them.

Columns are told by their names, whatever their order. A column that comes with a later dump is taken: it stands behind
the lineage, where Delta puts a column that is added, and is NULL where a file does not have it. A column that every
dump had may not go: its values would be missing without a word.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql.types import DataType, DateType, LongType, StringType, StructField, StructType

from lakemill.errors import DataRefused
from lakemill.job import RESERVED
from lakemill.lake.holdable import IN_A_MERGE, IN_THE_FEED
from lakemill.sources.manifest import DumpFile

LINEAGE = ("dump_date", "dump_id", "file_name", "line_number")
KINDS: Mapping[str, DataType] = {"dump_date": DateType(), "line_number": LongType()}
TAKEN = {*LINEAGE, RESERVED} | IN_THE_FEED | IN_A_MERGE
"""Names of columns that lakemill and Delta have for themselves."""


def bronze_schema(names: Sequence[str]) -> StructType:
    """The columns of a bronze table: the files', as text, and where each row came from."""
    return StructType([StructField(name, KINDS.get(name, StringType())) for name in names])


def check_header(file: DumpFile, header: Sequence[str]) -> None:
    """Raises DataRefused where these are no usable names of columns."""
    if not header:
        raise DataRefused(f"{file.path}: the file is empty; a header line with the columns' names was expected.")
    names = [name.lower() for name in header]
    for name in header:
        usable = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name) and name.lower() not in TAKEN
        if not usable or names.count(name.lower()) > 1:
            raise DataRefused(
                f"{file.path}, line 1: {json.dumps(name)} cannot be a column: names are letters, digits and _, each "
                f"once, and none that lakemill or Delta has for itself, as {', '.join(LINEAGE)}. Ask the team that "
                "delivers it for a proper header; nothing of the dump was loaded."
            )


def table_columns(
    known: Sequence[str], headers: Mapping[DumpFile, Sequence[str]], is_older: Callable[[DumpFile], bool]
) -> list[str]:
    """The columns of the table that holds these files besides what it holds; raises DataRefused where one lacks some.

    known: its columns so far; where it has none yet, those of the first file come first.   is_older: whether a file is
    of a day before all that the table has. It lacks what came after it, as a rebuild from all dumps has it.
    """
    names = list(known) or [*next(iter(headers.values())), *LINEAGE]
    always = names[: names.index(LINEAGE[0])]
    for file, header in headers.items():
        given, have = {name.lower() for name in header}, {name.lower() for name in names}
        new = [name for name in header if name.lower() not in have]
        lacking = [name for name in always if name.lower() not in given]
        if lacking and not is_older(file):
            raise DataRefused(_lost(file, header, lacking, new))
        names += new
    return names


def places(header: Sequence[str], names: Sequence[str]) -> list[int]:
    """Where each of the table's columns stands in a file's record that its lineage follows; -1 where nowhere."""
    at = {name.lower(): place for place, name in enumerate([*header, *LINEAGE])}
    return [at.get(name.lower(), -1) for name in names]


def _lost(file: DumpFile, header: Sequence[str], lacking: Sequence[str], new: Sequence[str]) -> str:
    renamed = f' "{new[0]}" is new: is it "{lacking[0]}" under another name?' if new else ""
    return (
        f'{file.path}, line 1: there is no column "{lacking[0]}", which the dumps of this feed had so far; there are '
        f"{', '.join(header)}.{renamed} A column more is taken, a lost one is not, since its values would be missing "
        f'without a word. Ask the team that delivers it for "{lacking[0]}" too, empty if it has no values any more; '
        "nothing of the dump was loaded."
    )
