"""pure: the mark on a Python function for maps, without which it is refused, for Spark cannot see what it does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column
from pyspark.sql.types import DataType
from pyspark.sql.udf import UserDefinedFunction
from pyspark.util import PythonEvalType

from lakemill.errors import UsageError
from lakemill.python.bytecode import digest
from lakemill.python.fitted import fitted, was_given

MARK = re.compile(r"@pure:[0-9a-f]{32}")
"""What follows a marked function's name in a plan: a digest of what it does, so that a changed body is another plan."""

BY_ROW = {
    PythonEvalType.SQL_BATCHED_UDF,
    PythonEvalType.SQL_SCALAR_PANDAS_UDF,
    PythonEvalType.SQL_SCALAR_PANDAS_ITER_UDF,
}


@dataclass(frozen=True)
class Pure:
    """A user-defined function with the mark. `function` is the Python function itself, as for its tests."""

    function: Callable[..., Any]
    returns: DataType | str
    eval_type: int = PythonEvalType.SQL_BATCHED_UDF
    deterministic: bool = True

    @property
    def name(self) -> str:
        """What it is called, in plans and errors."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def __call__(self, *columns: Column | str) -> Column:
        """Its value for these columns. It is digested only here: by now all that it uses is defined."""
        try:
            name = f"{self.name}@pure:{digest(self.function)[:32]}"
        except UsageError as error:
            raise UsageError(f"pure: {self.name} {error}.") from None
        kind = DataType.fromDDL(self.returns) if isinstance(self.returns, str) else self.returns
        function = _fitting(self.function, kind) if self.eval_type == PythonEvalType.SQL_BATCHED_UDF else self.function
        return UserDefinedFunction(function, kind, name, self.eval_type, self.deterministic)(*columns)


def _fitting(function: Callable[..., Any], kind: DataType) -> Callable[..., Any]:
    def value(*given: Any) -> Any:
        try:
            return fitted(function(*given), kind)
        except Exception as error:
            error.add_note(was_given(*given))
            raise

    return value


def pure(what: Any) -> Any:
    """Mark a Python function, for use in maps, whose value depends on nothing but its arguments.

        @pure("string")
        def town(address):
            return address.rsplit(",", 1)[-1].strip()

        orders.select(town("address").alias("town"))

    what: the Spark type that the function returns, or a user-defined function of Spark's. What it gives has to be of
    that type: see `lakemill.python.fitted`. One of Arrow's runs without Arrow, where an integer would be a double as
    soon as another row of its batch is NULL; to a pandas function, which is given whole series, that happens.

    The author promises that the same arguments give the same value on every day and every machine, whatever rows are
    around them: a changed row is taken away by the value that it had. A function that reads a clock, a random number,
    a file or a service is not pure. What it calls and closes over is part of the job's definition, so that a changed
    body makes the table anew; an installed library counts by its names alone. Raises UsageError for anything else.
    """
    if isinstance(what, str | DataType):
        return lambda function: Pure(function, what)
    if not (hasattr(what, "func") and hasattr(what, "evalType")):
        name = getattr(what, "__name__", what)
        raise UsageError(
            f'pure: of "{name}" the type that it returns is not known; write @pure("string") for a Python function '
            "that gives texts."
        )
    arrow = what.evalType == PythonEvalType.SQL_ARROW_BATCHED_UDF
    kind = PythonEvalType.SQL_BATCHED_UDF if arrow else what.evalType
    made = Pure(what.func, what.returnType, kind, what.deterministic)
    if made.eval_type not in BY_ROW:
        raise UsageError(f"pure: {made.name} takes several rows together; a map treats every row on its own.")
    return made


def marked(name: str) -> bool:
    """Whether a Python function of this name in a plan has the mark."""
    return MARK.search(name) is not None
