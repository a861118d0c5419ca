"""Contracts: what a table's rows are promised to be, as files in conf/contracts. They are read and compared here.

Nothing in this room starts Spark or knows a table's rows: a contract is a value, and what is judged by it is judged
elsewhere.
"""
