"""The algebra: what a key's rows can be reduced to, one noun a file."""

from lakemill.reducers.approx_count_distinct import ApproxCountDistinct
from lakemill.reducers.approx_quantile import ApproxQuantile
from lakemill.reducers.arg import ArgMax, ArgMin, First, Last
from lakemill.reducers.bag import Bag
from lakemill.reducers.count import Count, CountIf
from lakemill.reducers.distinct import CollectSet, CountDistinct
from lakemill.reducers.extreme import Max, Min
from lakemill.reducers.fold import Fold
from lakemill.reducers.histogram import Histogram
from lakemill.reducers.latest import Latest
from lakemill.reducers.mean import Mean
from lakemill.reducers.mode import Mode
from lakemill.reducers.part import Collected, Part, Total
from lakemill.reducers.periods import periods
from lakemill.reducers.perkey import PerKey
from lakemill.reducers.quantile import Median, Quantile
from lakemill.reducers.reducer import Reducer
from lakemill.reducers.sum import Sum
from lakemill.reducers.top import TopK
from lakemill.reducers.truth import All, Any
from lakemill.reducers.variance import StdDev, Variance

__all__ = [
    "All", "Any", "ApproxCountDistinct", "ApproxQuantile", "ArgMax", "ArgMin", "Bag", "CollectSet", "Collected",
    "Count", "CountDistinct", "CountIf", "First", "Fold", "Histogram", "Last", "Latest", "Max", "Mean", "Median", "Min",
    "Mode", "Part", "PerKey", "Quantile", "Reducer", "StdDev", "Sum", "TopK", "Total", "Variance",
    "periods",
]  # fmt: skip
