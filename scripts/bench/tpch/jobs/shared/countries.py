"""Q22's customers: those whose phone numbers begin with the code of one of seven countries."""

from pyspark.sql import DataFrame, functions as F


def of_seven_countries(customer: DataFrame) -> DataFrame:
    """They, with the code."""
    code = F.substring("c_phone", 1, 2)
    return customer.withColumn("cntrycode", code).where(code.isin("13", "31", "23", "29", "30", "18", "17"))
