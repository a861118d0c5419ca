"""Tables that a catalog knows, which on EMR is Glue: where such a one is, and telling the catalog of a new one."""

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from lakemill.errors import UsageError


def location(spark: SparkSession, known_as: str) -> str | None:
    """Where the catalog has database.table; None where it has none. Raises UsageError where that is no Delta table."""
    if not spark.catalog.tableExists(known_as):
        return None
    try:
        rows = DeltaTable.forName(spark, known_as).detail().select("location").collect()
    except AnalysisException:
        raise UsageError(
            f"glue:{known_as}: the catalog has a table of this name, and it is no Delta table. "
            "Bind another one under `tables:` in conf."
        ) from None
    return str(rows[0]["location"])


def enlist(spark: SparkSession, known_as: str, uri: str) -> None:
    """Tell the catalog that the Delta table at `uri` is database.table, if it has none; writes nothing to the table."""
    database = known_as.split(".")[0]
    if spark.catalog.tableExists(known_as):
        return
    if not spark.catalog.databaseExists(database):
        raise UsageError(
            f"glue:{known_as}: the catalog has no database {database}. Create it, then run again. If this is Glue, "
            "conf must say so: spark.sql.catalogImplementation under `spark:`, as conf/emr.yaml shows."
        )
    DeltaTable.createIfNotExists(spark).tableName(known_as).location(uri).execute()
