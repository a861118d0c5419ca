"""What a line of an order sold for, in decimals so narrow that no product of them loses a digit."""

from pyspark.sql import Column, functions as F


def discount() -> Column:
    """A line's discount, 0.00 to 0.10."""
    return F.col("l_discount").cast("decimal(4,2)")


def revenue() -> Column:
    """A line's price less its discount."""
    return F.col("l_extendedprice") * (1 - discount())


def charge() -> Column:
    """A line's price less its discount, with tax."""
    return revenue() * (1 + F.col("l_tax").cast("decimal(4,2)"))
