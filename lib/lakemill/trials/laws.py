"""Laws on trial: what a reducer of the user's own claims, on rows of its source, before its table is first made.

lakemill's own reducers are proved by its tests. Of another one nothing is known but what it says: so it is played on
a sample as updates would play it, and refused with the rows and both results where they differ.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, functions as F
from pyspark.sql.types import (
    DateType,
    DecimalType,
    IntegerType,
    IntegralType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lakemill.columns import any_not_zero, column, has_no_order
from lakemill.core import mapreduce
from lakemill.core.reduction import Reduction, reduction
from lakemill.core.weights import weigh
from lakemill.errors import UsageError, first_line
from lakemill.job import Job
from lakemill.maps.analysed import unseen
from lakemill.maps.varying import varying
from lakemill.reducers import Bag, Fold, Reducer
from lakemill.reducers.count import ROWS
from lakemill.trials.folds import rows_text, try_fold

SAMPLE, TRIALS = 200, 30
"""Rows that a reducer is tried on, and groups that they are drawn into."""
FEW = 1
"""Values that a bag keeps at most while it is tried past its bound: a group has not many."""
TRIAL, HALF = "_trial", "_half"


def strangers(job: Job) -> dict[str, Reducer]:
    """The job's reducers that are not lakemill's own: those of the user's, and folds of the user's functions."""
    return {name: reducer for name, reducer in job.reducers.items() if isinstance(reducer, Fold) or not _own(reducer)}


def check_laws(job: Job, mapped: DataFrame) -> None:
    """Try the job's foreign reducers on some of its rows; raises UsageError with the counterexample."""
    tried = strangers(job)
    for name, reducer in tried.items():
        if isinstance(reducer, Fold):
            _try_fold(job, name, reducer, mapped)
    spark = {name: reducer for name, reducer in tried.items() if not isinstance(reducer, Fold)}
    if spark:
        sample = _sample(mapped, [name for reducer in spark.values() for name in reducer.columns])
        trial = _Trial.of(job, spark, sample, _groups(sample.limit(SAMPLE).collect()))
        trial.run()
        trial.tight().run()


def _try_fold(job: Job, name: str, fold: Fold, mapped: DataFrame) -> None:
    types, key = {field.name: field.dataType for field in mapped.schema.fields}, job.key or ()
    key_text = F.struct(F.lit(0), *[column(of) for of in key]).cast("string")
    sample = _sample(mapped, [*key, *fold.columns]).select(key_text.alias("key"), fold.row(types).alias("row"))
    rows, keys = sample.limit(SAMPLE).collect(), defaultdict(list)
    for row in rows:
        keys[row["key"]].append(row["row"])
    try_fold(job, name, fold, _groups([row["row"] for row in rows]), list(keys.values()))


def _sample(mapped: DataFrame, names: Iterable[str]) -> DataFrame:
    return _for_python(mapped.select(*[column(name) for name in dict.fromkeys(names)]))


def _for_python(rows: DataFrame) -> DataFrame:
    """Those whose dates Python knows, too: Spark's go from before the year 1 to after 9999."""
    dates = [f.name for f in rows.schema.fields if isinstance(f.dataType, DateType | TimestampType | TimestampNTZType)]
    for name in dates:
        rows = rows.where(column(name).isNull() | F.year(column(name)).between(2, 9998))
    return rows


def _own(reducer: Reducer) -> bool:
    return type(reducer).__module__.startswith("lakemill.")


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    chance = random.Random(len(rows))
    return [chance.choices(rows, k=chance.randint(1, 6)) for _ in range(TRIALS)] if rows else []


@dataclass(frozen=True)
class _Trial:
    """Groups of rows as keys of their own; every other row of a group is in its second half."""

    job: Job
    made: Reduction
    rows: DataFrame
    groups: Sequence[Sequence[Row]]

    @classmethod
    def of(cls, job: Job, reducers: Mapping[str, Reducer], sample: DataFrame, groups: list[list[Row]]) -> "_Trial":
        tagged = [(trial, at % 2, *row) for trial, group in enumerate(groups) for at, row in enumerate(group)]
        tags = [StructField(TRIAL, IntegerType()), StructField(HALF, IntegerType())]
        rows = sample.sparkSession.createDataFrame(tagged, StructType([*tags, *sample.schema.fields]))
        made = reduction(replace(job, key=[TRIAL], reduce=dict(reducers)), rows.drop(HALF).schema)
        return cls(job, made, rows, groups)

    def tight(self) -> "_Trial":
        """The same with room for few values in a bag, so that the groups go past its bound."""
        parts = {
            name: replace(part, bound=FEW) if isinstance(part, Bag) and part.bound else part
            for name, part in self.made.parts.items()
        }
        return replace(self, made=replace(self.made, parts=parts))

    def run(self) -> None:
        """Raises UsageError where the order or grouping of rows matters, or a removal does not undo."""
        try:
            self._run(self.rows.drop(HALF), self._half(0), self._half(1))
        except PySparkException as error:
            self._refuse(first_line(error))

    def _run(self, whole: DataFrame, first: DataFrame, second: DataFrame) -> None:
        all_at_once = self._shown(mapreduce.totals(whole, self.made))
        self._check_types(all_at_once)
        if not all_at_once._jdf.queryExecution().analyzed().deterministic():
            self._refuse("a part or column of it gives another value each time")
        self._check_functions(all_at_once)
        self._check_places(whole)
        plain = [reducer.plain(self.made.types).alias(name) for name, reducer in self._reducers().items()]
        self._compare("its parts", all_at_once, "its `plain` aggregate", whole.groupBy(TRIAL).agg(*plain))
        grown = self._after(first, weigh(second, None))
        self._compare("half of the rows added later", grown, "all rows at once", all_at_once)
        left = self._after(whole, weigh(second.limit(0), second))
        alone = self._shown(mapreduce.totals(first, self.made))
        self._compare("half of the rows taken away again", left, "never having had them", alone)

    def _check_functions(self, shown: DataFrame) -> None:
        """Raises UsageError where a part or column is not fixed by its arguments, or cannot be seen through."""
        plan = shown._jdf.queryExecution().analyzed()
        nodes = json.loads(plan.toJSON())
        for why in (*varying(shown.sparkSession, plan, nodes), *unseen(nodes)):
            self._refuse(why)

    def _check_types(self, shown: DataFrame) -> None:
        """Raises UsageError where a column is of a type whose values the next update could not compare."""
        for field in shown.schema.fields:
            if has_no_order(field.dataType):
                self._refuse(f"it presents {field.dataType.simpleString()}, which cannot be compared", field.name)

    def _check_places(self, rows: DataFrame) -> None:
        """Raises UsageError where a total rounds what it adds: once in a rebuild, and once more in every update."""
        for name, part in self.made.totals.items():
            given = rows.select(part.value).schema.fields[0].dataType
            places = given.scale if isinstance(given, DecimalType) else 0
            kept = part.type.scale if isinstance(part.type, DecimalType) else 0
            if not isinstance(given, DecimalType | IntegralType) or places > kept:
                shown = f"{given.simpleString()} in {part.type.simpleString()}"
                self._refuse(f'its total "{name}" adds up {shown}, which rounds; cast the value of a row to that type')

    def _half(self, half: int) -> DataFrame:
        return self.rows.where(F.col(HALF) == half).drop(HALF)

    def _reducers(self) -> Mapping[str, Reducer]:
        return self.made.job.reducers

    def _shown(self, parts: DataFrame) -> DataFrame:
        return mapreduce.target_rows(parts, self.made).select(TRIAL, *[column(name) for name in self._reducers()])

    def _after(self, rows: DataFrame, change: DataFrame) -> DataFrame:
        """What is shown after a change, of the keys that are known without a look at the source."""
        before = mapreduce.target_rows(mapreduce.totals(rows, self.made, complete=True), self.made)
        after = mapreduce.advance(mapreduce.delta(change, self.made), before, self.made)
        return self._shown(after.where(~F.col(mapreduce.AT_RISK) & any_not_zero([column(ROWS)])))

    def _compare(self, way: str, shown: DataFrame, other_way: str, expected: DataFrame) -> None:
        joined = shown.alias("f").join(expected.alias("e"), TRIAL)
        for row in (
            joined.select(TRIAL, F.struct("f.*").alias("f"), F.struct("e.*").alias("e")).orderBy(TRIAL).collect()
        ):
            for name in self._reducers():
                if repr(row["f"][name]) != repr(row["e"][name]):
                    values = f"{way} gives {row['f'][name]!r}, {other_way} {row['e'][name]!r}"
                    self._refuse(f"{values}; for the rows {rows_text(self.groups[row[TRIAL]])}", name)

    def _refuse(self, why: str, name: str = "") -> None:
        name = name or (next(iter(self._reducers())) if len(self._reducers()) == 1 else "")
        which = f'reducer "{name}" {self._reducers()[name]}' if name else "a reducer"
        raise UsageError(f"{self.job.target}: {which} breaks a law that updates stand on: {why}. Nothing was written.")
