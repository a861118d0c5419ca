"""Random maps over random changes: what comes of the changes is the map of the new rows less the map of the old ones.

The core alone, without tables: two to four sources in joins of every kind, nested, united, filtered and renamed.
"""

import random
import time
from decimal import Decimal
from functools import reduce

import pytest
from long_mode import LONG_SECONDS, seeds_until
from pyspark.sql import DataFrame, functions as F

from lakemill import Count, Job
from lakemill.core.changes import SourceRows, change_of, meeting
from lakemill.core.keys import of_keys
from lakemill.core.local import to_local
from lakemill.core.weights import WEIGHT, net, weigh
from lakemill.errors import UsageError
from lakemill.maps.rowwise import check_map

KINDS = ["inner", "inner", "left", "left", "right", "left_semi", "left_anti", "full", "cross"]
KEYS = {
    "a": ("int", [None, 1, 2, 3]),
    "b": ("bigint", [None, 1, 2, 3]),
    "c": ("string", [None, "1", "01", "2", "3"]),
    "d": ("decimal(5,1)", [None, *map(Decimal, ("1.0", "2.0", "3.5"))]),
}
"""The type of each source's key, and its values: joined with each other they are cast, and different ones may meet."""


class Maps:
    """Maps as nested tuples, and how they are built on frames."""

    def __init__(self, spark, seed: int) -> None:
        self.spark, self.random = spark, random.Random(seed)

    def any(self, names: list[str]) -> tuple:
        """A map of these sources."""
        chance = self.random.random()
        if len(names) == 1:
            (name,) = names
            shapes = [("where", name), ("explode", name), ("rename", name)]
            return shapes[int(chance * 10)] if chance < 0.3 else ("leaf", name)
        cut = self.random.randint(1, len(names) - 1)
        left, right = self.any(names[:cut]), self.any(names[cut:])
        if chance < 0.15:
            return "union", left, right
        draw = self.random.random
        on = [(draw(), draw(), draw() < 0.3) for _ in range(1 + (chance > 0.7))]
        made = ("join", left, right, self.random.choice(KINDS), on)
        return ("null", made, self.random.random(), chance < 0.5) if self.random.random() < 0.25 else made

    def build(self, shape: tuple, of: dict[str, DataFrame]) -> DataFrame:
        """The map over one frame a source."""
        kind, name = shape[0], shape[1]
        if kind == "leaf":
            return of[name]
        if kind == "where":
            return of[name].where(f"{name}x > 0")
        if kind == "explode":
            return of[name].select("*", F.explode(F.array(f"{name}x", F.lit(1))).alias(f"{name}e"))
        if kind == "rename":
            new = [F.col(f"{name}{old}").alias(f"{name}{new}") for old, new in ("gp", "kq")]
            return of[name].select(*new, (F.col(f"{name}x") + 1).alias(f"{name}y"))
        left = self.build(shape[1], of)
        if kind == "null":
            column = F.col(left.columns[int(shape[2] * len(left.columns))])
            return left.where(column.isNull() if shape[3] else column.isNotNull())
        right = self.build(shape[2], of)
        if kind == "union":
            width = min(len(left.columns), len(right.columns), 3)
            first, *others = left.columns[:width]
            wide = [F.col(name).cast("bigint").alias(name) for name in others]
            return left.select(first, *wide).union(right.select(*right.columns[-width:]))
        return left.crossJoin(right) if shape[3] == "cross" else self._joined(left, right, *shape[3:])

    @staticmethod
    def _joined(left: DataFrame, right: DataFrame, how: str, on: list[tuple]) -> DataFrame:
        pairs = []
        for one, other, safe in on:
            mine, its = (F.col(f.columns[int(at * len(f.columns))]) for f, at in ((left, one), (right, other)))
            pairs.append(mine.eqNullSafe(its) if safe else mine == its)
        return left.join(right, reduce(lambda a, b: a & b, pairs), how)

    def frame(self, name: str, rows: list[tuple]) -> DataFrame:
        schema = f"{name}k {KEYS[name][0]}, {name}g int, {name}x int"
        return to_local(self.spark.createDataFrame(rows, schema))[0]

    def row(self, name: str) -> tuple:
        return tuple(self.random.choice(some) for some in (KEYS[name][1], [None, 1, 2, 3], [None, 0, 1, 2]))


def tried(maps: Maps, seed: int) -> int:
    """One map over one change: 1 if an update may follow it, and it is right; 0 if it may not."""
    chance = maps.random
    names = sorted(chance.sample(sorted(KEYS), chance.choice([2, 3, 3, 4])))
    shape = maps.any(chance.sample(names, len(names)))

    def mapped(*frames: DataFrame) -> DataFrame:
        return maps.build(shape, dict(zip(names, frames, strict=True)))

    job = Job(source=[f"raw.{n}" for n in names], map=mapped, key=[], reduce={"n": Count()}, target="gold.t")
    try:
        joins = check_map(maps.spark, job, {f"raw.{n}": maps.frame(n, []).schema for n in names}).joins
    except UsageError:  # a union of types that do not fit, say
        return 0
    old, new, sources = [], [], []
    for at, name in enumerate(names):
        stays = [maps.row(name) for _ in range(chance.randint(1, 4))]
        still = at in joins.opaque or joins.constant(at) or chance.random() < 0.3
        came, went = ([] if still else [maps.row(name) for _ in range(chance.randint(0, 2))] for _ in range(2))
        old.append(maps.frame(name, stays + went))
        new.append(maps.frame(name, stays + came))
        change = weigh(maps.frame(name, came), maps.frame(name, went)) if came or went else None
        sources.append(SourceRows(new[-1], change, old[-1] if chance.random() < 0.5 else None, bool(went)))
    change = change_of(job, joins, sources, lambda frame: frame)
    columns = [f"c{at}" for at in range(len(change.columns) - 1)]
    now, was = job.mapped(*new).toDF(*columns), job.mapped(*old).toDF(*columns)
    lost = net(change.toDF(*columns, WEIGHT).unionAll(weigh(was, now))).collect()
    assert lost == [], (seed, shape, lost[:5])
    _few_keys(maps, job, joins, names, new, (seed, shape))
    return 1


def _few_keys(maps: Maps, job: Job, joins, names: list[str], new: list[DataFrame], said: object) -> None:
    """Reading of each source only what its own columns of some keys say gives all rows of these keys."""
    whole = job.mapped(*new)
    key = tuple(maps.random.sample(sorted(joins.origins), min(len(joins.origins), 2)))
    if not key or len(set(whole.columns)) < len(whole.columns):
        return
    keys, _ = to_local(whole.select(*key).limit(2))
    frames = []
    for at, frame in enumerate(new):
        own = [(mine, its) for mine, its in joins.told_by(at).items() if mine in key]
        frames.append(meeting(frame, keys, own) if own else frame)
    found, all_of_them = (of_keys(f, keys, key, few=True) for f in (job.mapped(*frames), whole))
    assert net(weigh(found, all_of_them)).isEmpty(), (said, key)


@pytest.mark.parametrize("seed", [5])
def test_random_maps(spark, seed):
    maps = Maps(spark, seed)
    assert sum(tried(maps, seed) for _ in range(6)) > 2


@pytest.mark.long
def test_random_maps_for_a_given_time(spark):
    """LAKEMILL_LONG_SECONDS of them."""
    done = sum(tried(Maps(spark, seed), seed) for seed in seeds_until(time.monotonic() + LONG_SECONDS))
    print(f"{done} random maps, no difference")
    assert done
