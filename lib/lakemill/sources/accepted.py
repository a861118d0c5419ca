"""Accepted: the dumps of a run that fit together, and what each of their files must be; the others are refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from lakemill.errors import DataRefused
from lakemill.sources.header import table_columns
from lakemill.sources.manifest import Delivery, DumpFile
from lakemill.sources.records import Expected

Refused = Mapping[str, str]
"""Why dumps are not taken, by the names of their folders."""


@dataclass(frozen=True)
class Accepted:
    """Dumps that fit together.   columns: those of the table that holds them.   headers: of their files."""

    dumps: Sequence[Delivery]
    columns: tuple[str, ...]
    headers: Mapping[DumpFile, tuple[str, ...]]

    @property
    def expected(self) -> dict[str, Expected]:
        """What each file must be, by its path."""
        return {
            file.path: Expected(file, self.headers[file], dump.dump_id, dump.dump_date, self.columns)
            for dump in self.dumps
            for file in dump.files
        }

    def with_dump(
        self,
        dump: Delivery,
        headers: Mapping[DumpFile, tuple[str, ...] | DataRefused],
        oldest: Callable[[], date | None],
    ) -> "Accepted":
        """These and another one; raises DataRefused where it does not fit."""
        own = dict[DumpFile, tuple[str, ...]]()
        for file in dump.files:
            header = headers[file]
            if isinstance(header, DataRefused):
                raise header
            own[file] = header
        columns = table_columns(self.columns, own, lambda file: dump.dump_date < (oldest() or date.min))
        return Accepted((*self.dumps, dump), tuple(columns), {**self.headers, **own})
