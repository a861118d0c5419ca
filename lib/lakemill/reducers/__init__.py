"""The algebra: what a key's rows can be reduced to, one noun a file."""

from lakemill.reducers.count import Count, CountIf
from lakemill.reducers.extreme import Max, Min
from lakemill.reducers.latest import Latest
from lakemill.reducers.mean import Mean
from lakemill.reducers.perkey import PerKey
from lakemill.reducers.plus import Plus
from lakemill.reducers.reducer import Part, Reducer
from lakemill.reducers.sum import Sum

__all__ = ["Count", "CountIf", "Latest", "Max", "Mean", "Min", "Part", "PerKey", "Plus", "Reducer", "Sum"]
