"""What a source's owner notes beside its columns (lengths, comments, defaults, ids) never changes what a target is."""

import json
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import functions as F

from lakemill import Count, Job, Latest, Max, Sum

FEED = "'delta.enableChangeDataFeed' = 'true'"
COPY = Job(source="raw.rows", target="gold.copy")
NEWEST = Job(source="raw.rows", key=["id"], reduce=Latest(by=["n"]), target="gold.newest")
CODES = Job(source="raw.rows", key=["code"], reduce={"n": Sum("n"), "most": Max("code")}, target="gold.codes")
TOTAL = Job(source="raw.rows", map=lambda rows: rows.select("n"), key=[], reduce={"n": Sum("n")}, target="gold.total")
JOBS = (COPY, NEWEST, CODES, TOTAL)


def sql(lake, text: str, table: str = "raw.rows") -> None:
    lake.spark.sql(text.replace("{}", f"delta.`{lake.uri(table)}`"))


def noted(lake, table: str) -> set[str]:
    """All that is noted at the target's columns and the fields within them, but for the mark of the state."""
    names = set[str]()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            names.update(value.get("metadata", {}))
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(item)

    walk(json.loads(lake.log(table).schema.json()))
    return names - {"lakemill"}


def expected(rows: list[tuple]) -> dict[str, list[tuple]]:
    """What the jobs should hold, in plain Python."""
    newest = {row[2]: row for row in sorted(rows, key=lambda row: row[3])}
    codes = {row[0]: sum(other[3] for other in rows if other[0] == row[0]) for row in rows}
    return {
        "gold.copy": sorted(rows),
        "gold.newest": sorted(newest.values()),
        "gold.codes": sorted((code, n, code) for code, n in codes.items()),
        "gold.total": [(sum(row[3] for row in rows),)],
    }


def test_nothing_noted_reaches_a_target_and_harmless_notes_rebuild_nothing(lake):
    sql(lake, "CREATE TABLE {} (code VARCHAR(5) COMMENT 'of the shop', place STRUCT<town: VARCHAR(9) COMMENT 'big'>, "
              f"id INT NOT NULL, n INT, left INT DEFAULT 4) USING delta TBLPROPERTIES ({FEED}, "
              "'delta.feature.allowColumnDefaults' = 'supported', 'delta.columnMapping.mode' = 'name')")  # fmt: skip
    sql(lake, "INSERT INTO {} VALUES ('ab', named_struct('town', 'Ulm'), 1, 1, 4), "
              "('q', named_struct('town', 'Hof'), 2, 2, DEFAULT)")  # fmt: skip
    rows = [("ab", ("Ulm",), 1, 1, 4), ("q", ("Hof",), 2, 2, 4)]

    def right(plan: str) -> None:
        for job in JOBS:
            assert lake.run(job).plan == plan, job.target
            assert lake.rows(job.target) == expected(rows)[job.target]
            assert noted(lake, job.target) == set()

    right("rebuild")
    assert lake.differences(TOTAL) == []
    for change in ("code COMMENT 'of the till'", "place.town COMMENT 'small'", "id DROP NOT NULL", "left DROP DEFAULT",
                   "left SET DEFAULT 5"):  # fmt: skip
        sql(lake, f"ALTER TABLE {{}} ALTER COLUMN {change}")
    sql(lake, "ALTER TABLE {} SET TBLPROPERTIES ('team' = 'shop')")
    right("nothing")
    sql(lake, "ALTER TABLE {} ALTER COLUMN code TYPE VARCHAR(20)")
    sql(lake, "INSERT INTO {} VALUES ('quite a long code', named_struct('town', 'Bonn'), 1, 10, 4)")
    rows.append(("quite a long code", ("Bonn",), 1, 10, 4))
    right("update")
    assert all(lake.differences(job) == [] for job in JOBS)


def test_generated_columns_and_identities_are_plain_columns_of_a_copy(lake):
    table = DeltaTable.create(lake.spark).location(lake.uri("raw.rows")).property("delta.enableChangeDataFeed", "true")
    table.addColumn("n", "INT").addColumn("m", "INT", generatedAlwaysAs="n + 1").execute()
    lake.spark.createDataFrame([(1,)], "n int").write.format("delta").mode("append").save(lake.uri("raw.rows"))
    lake.run(COPY)
    lake.delta("raw.rows").update("n = 1", {"n": F.lit(2), "m": F.lit(3)})
    lake.spark.createDataFrame([(5,)], "n int").write.format("delta").mode("append").save(lake.uri("raw.rows"))
    lake.run(COPY)
    assert lake.rows("gold.copy") == [(2, 3), (5, 6)] and noted(lake, "gold.copy") == set()
    assert lake.differences(COPY) == []


def test_a_target_that_an_older_version_made_with_lengths_is_made_anew(lake):
    """It held its columns to the lengths of its source, and was stuck when a longer text came."""
    lake.put("raw.rows", [("ab", 1)], "code string, n int")
    job = Job(source="raw.rows", key=["code"], reduce={"n": Sum("n")}, target="gold.codes")
    lake.run(job)
    commit = Path(lake.uri("gold.codes"), "_delta_log", f"{0:020d}.json")
    text = commit.read_text()
    held = text.replace('\\"code\\",\\"type\\":\\"string\\",\\"nullable\\":true,\\"metadata\\":{}',
                        '\\"code\\",\\"type\\":\\"string\\",\\"nullable\\":true,\\"metadata\\":'
                        '{\\"__CHAR_VARCHAR_TYPE_STRING\\":\\"varchar(5)\\"}')  # fmt: skip
    digest = lake.progress("gold.codes").columns
    assert held != text and digest in held
    commit.write_text(held.replace(digest, ""))
    for checksum in (f"{0:020d}.crc", f".{0:020d}.json.crc"):
        commit.with_name(checksum).unlink()
    lake.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    lake.put("raw.rows", [("quite a long code", 2)], "code string, n int")
    run = lake.run(job)
    assert (run.plan, run.reason) == ("rebuild", "TARGET_ALTERED")
    assert "its column code is varchar(5), not string" in run.detail
    assert lake.rows("gold.codes") == [("ab", 1), ("quite a long code", 2)]
    assert lake.run(job).plan == "nothing"


def test_a_char_is_one_key_and_is_found_by_its_text_however_its_change_is_read(lake):
    """Spark reads a CHAR with blanks up to its length, and compares it with a text without them."""
    sql(lake, f"CREATE TABLE {{}} (code CHAR(3), n INT) USING delta TBLPROPERTIES ({FEED})")
    sql(lake, "INSERT INTO {} VALUES ('ab', 1), ('q', 2)")
    codes = Job(source="raw.rows", key=["code"], reduce={"n": Sum("n"), "c": Count()}, target="gold.codes")
    short = Job(source="raw.rows", map=lambda rows: rows.where(rows.code == "ab"), key=[], reduce={"n": Sum("n")},
                target="gold.short")  # fmt: skip
    jobs = (codes, short)

    def right(plan: str, reason: str, codes_now: list[tuple], short_now: list[tuple]) -> None:
        runs = [lake.run(job) for job in jobs]
        assert {(run.plan, run.reason) for run in runs} == {(plan, reason)}
        assert [lake.rows(job.target) for job in jobs] == [codes_now, short_now]

    right("rebuild", "FIRST_RUN", [("ab ", 1, 1), ("q  ", 2, 1)], [(1,)])
    sql(lake, "UPDATE {} SET n = 5 WHERE n = 1")
    right("update", "UPDATE", [("ab ", 5, 1), ("q  ", 2, 1)], [(5,)])
    sql(lake, "ALTER TABLE {} SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false')")
    sql(lake, "UPDATE {} SET n = 7 WHERE n = 5")
    right("update", "FEED_MISSING", [("ab ", 7, 1), ("q  ", 2, 1)], [(7,)])
    sql(lake, f"ALTER TABLE {{}} SET TBLPROPERTIES ({FEED})")
    sql(lake, "ALTER TABLE {} ALTER COLUMN code TYPE VARCHAR(5)")
    # An UPDATE writes the blanks into the file, an INSERT by path does not, and all reads as the file has it now.
    right("rebuild", "SCHEMA_CHANGED", [("ab ", 7, 1), ("q", 2, 1)], [])
    sql(lake, "INSERT INTO {} VALUES ('ab', 10)")
    right("update", "UPDATE", [("ab", 10, 1), ("ab ", 7, 1), ("q", 2, 1)], [(10,)])
    assert all(lake.differences(job) == [] for job in jobs)
