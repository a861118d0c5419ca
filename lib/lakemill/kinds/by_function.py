"""Rows that a function gives of all rows of a key: PerKey. An update computes the touched keys anew."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame

from lakemill.core import bags
from lakemill.core.keys import key_columns, of_keys
from lakemill.core.local import Held
from lakemill.kinds.kind import Kind, Work, Write
from lakemill.lake.merge import merge_rows
from lakemill.lake.tables import Table
from lakemill.observe.runs import Run
from lakemill.reducers import PerKey
from lakemill.trials.sample import check_on_sample


@dataclass(frozen=True)
class ByFunction(Kind):
    """The target's rows are what the function gives of each key's mapped rows."""

    per_key: PerKey

    @property
    def removal(self) -> str:
        return "recomputes the touched keys, from the source"

    @property
    def row_key(self) -> tuple[str, ...]:
        return ()

    @property
    def has_own(self) -> bool:
        return True

    def words(self) -> Mapping[str, str]:
        return {"(rows)": f"{self.per_key}: opaque (recomputes the touched keys)"}

    def try_on(self, mapped: DataFrame) -> None:
        check_on_sample(self.job, self.per_key, mapped)

    def rows(self, mapped: DataFrame) -> DataFrame:
        return self.per_key.rows(mapped)

    def expected(self, mapped: DataFrame) -> DataFrame:
        """The function is the only statement of what it means: verification checks the updates, not the function."""
        return self.per_key.rows(mapped)

    def reduced(self, change: DataFrame) -> DataFrame:
        return bags.touched_keys(change, self._key)

    def difference(self, target: Table, stored: DataFrame, rows: DataFrame, held: Held) -> Write:
        changed, _ = held.hold(bags.difference(stored, rows))
        return lambda target: merge_rows(target, changed)

    def update(self, work: Work) -> Write:
        with work.stage("change"):
            touched, keys = work.touched(self.reduced(work.change))
            work.run.keys_recomputed = work.run.keys_touched
        with work.stage("recompute"):
            place = work.near(touched, keys.small)
            stored = work.stored().alias("t").where(place.of("t"))
            old = of_keys(stored, touched, self._key, keys.small) if self._key else stored
            rows = self.per_key.rows(work.mapped_now(touched, place, keys.small))
            if not work.run.keys_touched:  # of no rows at all a function may still give some
                old, rows = old.limit(0), rows.limit(0)
            # A key may have any number of rows: its keys may be few enough for the driver, and its rows not.
            changed, _ = keys.spread().hold(bags.difference(old, rows))
            bags.check_keys(self.job, changed, touched, keys.small)
        return lambda target: merge_rows(target, changed, place.of("t"))

    def restate(self, mapped: DataFrame, old: DataFrame, where: Column, held: Held, run: Run) -> Write:
        chosen, key = mapped.where(where), key_columns(self._key)
        changed, _ = held.hold(bags.difference(old, self.per_key.rows(chosen)))
        keys, run.keys_recomputed = held.hold(chosen.select(*key).union(old.select(*key)).distinct())
        bags.check_keys(self.job, changed, keys, few=False)
        return lambda target: merge_rows(target, changed)

    @property
    def _key(self) -> tuple[str, ...]:
        return tuple(self.job.key or ())
