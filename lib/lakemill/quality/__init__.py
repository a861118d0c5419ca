"""Quality: what a contract makes of a map's rows, as Spark's columns: typed, judged, and told apart.

What a contract is stands in the room `contracts`, which knows no rows; here are no files and no tables.
"""
